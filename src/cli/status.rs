//! `status`: what would be used, without using it.

use std::io;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::arguments::Arguments;
use crate::cli::style::{Style, word};
use crate::cli::{
    CONFIG, config_error, environment, oddities, say, say_json, sources, survey, variable, version,
};
use crate::config::{Flags, Given, Identity, Origin, Survey, effective};
use crate::inspect::{Check, Mark, audit_roots, audit_variables};
use crate::sources::LocalNames;
use crate::text::unless_secret;

/// Prints the configuration. Exit code 2 when the runner would not start with it.
pub fn run(arguments: &Arguments) -> ExitCode {
    let flags = arguments.flags();
    let survey = survey(&flags);
    if arguments.given("--json") {
        let settings = survey.settings.as_ref();
        let identity = settings.map(|settings| &settings.identity);
        say_json(&as_json(identity, &flags, &checks(&survey)));
        return code(&survey);
    }
    match (
        survey
            .problems
            .iter()
            .find(|problem| problem.is_of_identity()),
        &survey.settings,
    ) {
        (None, Some(settings)) => {
            let text = official(&settings.identity);
            say(io::stdout(), &text);
            let style = Style::stdout(variable);
            say(
                io::stdout(),
                &configuration(&flags, &checks(&survey), style),
            );
            code(&survey)
        }
        // As officially: there is nothing to show.
        (Some(problem), _) => config_error(problem),
        (None, None) => code(&survey),
    }
}

fn code(survey: &Survey) -> ExitCode {
    match survey.problems.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(CONFIG),
    }
}

fn official(identity: &Identity) -> String {
    format!(
        "runner id:   {}\ngateway:     {}\ntoken:       {}\nversion:     {}\n",
        unless_secret(&identity.runner_id),
        identity.gateway,
        identity.token.hint(),
        unless_secret(&identity.version_label)
    )
}

/// What is wrong, and what is odd.
fn checks(survey: &Survey) -> Vec<Check> {
    let bad =
        |problem: &crate::config::ConfigError| Check::new("config", Mark::Bad, problem.to_string());
    let mut checks: Vec<_> = survey.problems.iter().map(bad).collect();
    if let Some(settings) = &survey.settings {
        checks.extend(oddities(settings));
    }
    let sources = sources();
    for source in sources.local_sources() {
        let told = match &source.bridge {
            Ok(bridge) => sources.problems(&source.name, bridge, &LocalNames::default()),
            Err(error) => vec![error.message.clone()],
        };
        let name = format!("source {}", source.name);
        checks.extend(
            told.into_iter()
                .map(|text| Check::new(&name, Mark::Warning, text)),
        );
    }
    checks.extend(audit_variables(&sources));
    let roots = audit_roots(variable);
    checks.extend(roots.into_iter().filter(|check| check.mark != Mark::Good));
    checks
}

fn configuration(flags: &Flags, checks: &[Check], style: Style) -> String {
    let given = effective(flags, environment());
    let width = |of: fn(&Given) -> &str| {
        let widths = given.iter().map(|given| of(given).chars().count());
        widths.max().unwrap_or(0).min(60)
    };
    let (names, values) = (width(|given| &given.name), width(|given| &given.shown));
    let mut text = format!("\n{}\n", style.heading("What is set"));
    for Given {
        name,
        shown,
        origin,
    } in &given
    {
        text.push_str(&format!(
            "  {name:names$}  {shown:values$}  {}\n",
            place(origin)
        ));
    }
    for check in checks {
        text.push_str(&format!(
            "\n{} {}",
            style.mark(check.mark),
            check.sentence()
        ));
    }
    text
}

fn place(origin: &Origin) -> String {
    match origin {
        Origin::Flag => "command line".to_owned(),
        Origin::Environment => "environment".to_owned(),
        Origin::File(path) => path.display().to_string(),
    }
}

/// The configuration as JSON, for programs and for support.
pub fn configuration_json(flags: &Flags) -> Value {
    let given = effective(flags, environment());
    let object = |given: &Given| json!({"name": given.name, "value": given.shown, "from": place(&given.origin)});
    given.iter().map(object).collect()
}

fn as_json(identity: Option<&Identity>, flags: &Flags, checks: &[Check]) -> Value {
    let problem = |check: &Check| json!({"state": word(check.mark), "text": check.sentence()});
    let problems: Vec<_> = checks.iter().map(problem).collect();
    json!({
        "runnerId": identity.map(|identity| &identity.runner_id),
        "gateway": identity.map(|identity| identity.gateway.to_string()),
        "token": identity.map(|identity| identity.token.hint()),
        "version": identity.map(|identity| &identity.version_label),
        "binary": version::facts(),
        "configuration": configuration_json(flags),
        "problems": problems,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn four_lines_without_a_secret() {
        let survey = Settings::survey(&Flags::default(), |name| {
            let value = match name {
                "SEMILAYER_RUNNER_ID" => "0f7d1c1e-aaaa",
                "SEMILAYER_RUNNER_TOKEN" => "rk_0123456789abcdef",
                "SEMILAYER_GATEWAY_URL" => "wss://u:p@gateway.example.com/connect?key=s3cret",
                _ => return None,
            };
            Some(value.to_owned())
        });
        assert_eq!(
            official(&survey.into_settings().unwrap().identity),
            "runner id:   0f7d1c1e-aaaa\n\
             gateway:     wss://gateway.example.com/connect\n\
             token:       rk_01234…cdef\n\
             version:     0.1.0\n"
        );
    }
}
