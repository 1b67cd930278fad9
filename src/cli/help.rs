//! The help, made from the lists of commands, options and variables.

use crate::cli::commands::{COMMANDS, Command, HELP, Opt, VERSION};
use crate::config::{Topic, VARIABLES, Variable};

/// What this program is.
pub const ABOUT: &str =
    "A small runner for SemiLayer: one outbound WebSocket, queries on the databases beside it";
/// Its name.
pub const PROGRAM: &str = "semilayer-runner";

/// All commands.
pub fn overview() -> String {
    let mut text = format!("{ABOUT}\n\nUSAGE {PROGRAM} COMMAND [OPTIONS]\n\nCOMMANDS\n\n");
    let rows: Vec<_> = COMMANDS
        .iter()
        .map(|command| (command.name.to_owned(), command.summary.to_owned()))
        .collect();
    text.push_str(&table(&rows));
    text.push_str("\nOPTIONS\n\n");
    let mut options: Vec<&Opt> = Vec::new();
    for option in COMMANDS.iter().flat_map(|command| command.options) {
        if !options.contains(&option) {
            options.push(option);
        }
    }
    options.extend([&VERSION, &HELP]);
    text.push_str(&option_table(options));
    text.push_str(&format!(
        "\n`{PROGRAM} help COMMAND` says more, `{PROGRAM} help variables` lists the variables of the environment.\n"
    ));
    text
}

/// One command.
pub fn of(command: &Command) -> String {
    let mut text = format!("{}\n\nUSAGE {}\n", command.summary, usage(command));
    if !command.about.is_empty() {
        text.push_str(&format!("\n{}\n", command.about));
    }
    if !command.options.is_empty() {
        text.push_str("\nOPTIONS\n\n");
        text.push_str(&option_table(command.options));
    }
    for topic in command.topics {
        text.push_str(&of_topic(*topic));
    }
    text
}

/// Every variable.
pub fn variables() -> String {
    let topics: String = Topic::ALL.into_iter().map(of_topic).collect();
    format!("Variables of the environment; an empty one counts as not set.\n{topics}")
}

/// The command with what may follow it.
pub fn usage(command: &Command) -> String {
    let mut text = format!("{PROGRAM} {}", command.name);
    if !command.words.is_empty() {
        text.push_str(&format!(" {}", command.words));
    }
    for option in command.options {
        text.push_str(&format!(" [{}]", with_value(option)));
    }
    text
}

/// `--id ID`.
pub fn with_value(option: &Opt) -> String {
    format!("{} {}", option.name, option.value)
        .trim_end()
        .to_owned()
}

/// What a variable is when it is not set, in brackets.
pub fn default(variable: &Variable) -> String {
    match variable.default {
        "" => String::new(),
        default => format!(" ({default})"),
    }
}

fn of_topic(topic: Topic) -> String {
    let of_topic = VARIABLES.iter().filter(|variable| variable.topic == topic);
    let rows: Vec<_> = of_topic
        .map(|variable| {
            let meaning = format!("{}{}", variable.meaning, default(variable));
            (variable.name.to_owned(), meaning)
        })
        .collect();
    format!("\n{}\n\n{}", topic.as_str().to_uppercase(), table(&rows))
}

fn option_table<'a>(options: impl IntoIterator<Item = &'a Opt>) -> String {
    let rows: Vec<_> = options
        .into_iter()
        .map(|option| {
            let variable = match option.variable {
                "" => String::new(),
                variable => format!(" ({variable})"),
            };
            (with_value(option), format!("{}{variable}", option.meaning))
        })
        .collect();
    table(&rows)
}

/// Two columns.
fn table(rows: &[(String, String)]) -> String {
    // A few long names stand on lines of their own rather than push everything to the right.
    const WIDEST: usize = 27;
    let widths = rows.iter().map(|(name, _)| name.len());
    let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let row = |(name, meaning): &(String, String)| match name.len() > WIDEST {
        true => format!("  {name}\n  {:width$}  {meaning}\n", ""),
        false => format!("  {name:width$}  {meaning}\n"),
    };
    rows.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overview_names_every_command_and_option() {
        let text = overview();
        for command in COMMANDS {
            assert!(text.contains(&format!("\n  {} ", command.name)), "{text}");
            for option in command.options {
                assert_eq!(
                    text.matches(&format!("\n  {} ", option.name)).count(),
                    1,
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn a_command_has_a_help_of_its_own() {
        for command in COMMANDS {
            let text = of(command);
            assert!(text.contains(&format!("USAGE semilayer-runner {}", command.name)));
            for option in command.options {
                assert!(text.contains(&format!("\n  {}", option.name)), "{text}");
            }
        }
        assert!(of(&COMMANDS[0]).contains("SEMILAYER_WORKERS"));
        assert!(!of(&COMMANDS[4]).contains("SEMILAYER_WORKERS"));
    }

    #[test]
    fn every_variable_is_listed() {
        let text = variables();
        for variable in VARIABLES {
            assert!(text.contains(&format!("\n  {}", variable.name)), "{text}");
        }
    }
}
