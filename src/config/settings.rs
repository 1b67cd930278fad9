//! Flags and environment become settings, or a message that names the variable.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;

use crate::config::error::{Problems, TOKEN_FILE};
use crate::config::number::bounded;
use crate::config::{
    ConfigError, Flags, HealthSettings, Identity, LogFilter, LogFormat, OversightSettings,
};
use crate::console::Form;
use crate::engine::EngineSettings;
use crate::gateway::{Credentials, GatewayAddress};
use crate::job::ChunkLimits;
use crate::net::Proxy;
use crate::{bridges, limits};

/// The settings as far as they can be told, and everything that is wrong with them.
#[derive(Debug, Clone)]
pub struct Survey {
    /// What is unusable or missing has its default, and an id or token that is missing is empty. `None` without a
    /// usable address of the gateway.
    pub settings: Option<Settings>,
    /// In the order in which `start` would tell them; with one of them it does not start.
    pub problems: Vec<ConfigError>,
}

impl Survey {
    /// The settings when all of them are right.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn into_settings(self) -> Result<Settings, ConfigError> {
        match self.problems.into_iter().next() {
            Some(problem) => Err(problem),
            // Without an address of the gateway there is a problem.
            None => self.settings.ok_or(ConfigError::MissingId),
        }
    }
}

/// Everything `start` needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who and where.
    pub identity: Identity,
    /// The proxy before the gateway.
    pub proxy: Option<Proxy>,
    /// What the upgrade carries.
    pub credentials: Credentials,
    /// Where the token comes from, if it is in a file.
    pub token_file: Option<PathBuf>,
    /// Time between two heartbeats.
    pub heartbeat: Duration,
    /// Time for in-flight jobs when the process is asked to stop.
    pub shutdown_grace: Duration,
    /// Workers, queue and chunks.
    pub engine: EngineSettings,
    /// Where the health listener listens.
    pub health: HealthSettings,
    /// Which log lines are written.
    pub log: LogFilter,
    /// How they look.
    pub log_format: LogFormat,
    /// How the lines on standard output look.
    pub stdout: Form,
    /// Audit log and policy.
    pub oversight: OversightSettings,
    /// Folders to which the files that managed sources name are confined; `None`: anywhere.
    pub allow_files: Option<Vec<PathBuf>>,
}

impl Settings {
    /// Everything there is to be told of flags and environment. `variable` looks into the environment.
    pub fn survey(flags: &Flags, variable: impl Fn(&str) -> Option<String>) -> Survey {
        let mut problems = Problems::default();
        let identity = Identity::survey(flags, &variable, &mut problems);
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let noted = identity
            .as_ref()
            .map(|identity| proxy(&identity.gateway, &variable));
        let proxy = noted.and_then(|proxy| problems.note(proxy)).flatten();
        let mut number = |name: &'static str, default: u64, least: u64, most: u64| {
            let number = set(name).map_or(Ok(default), |text| bounded(&text, least, most));
            let number = number.map_err(|problem| ConfigError::variable(name, problem));
            problems.note(number).unwrap_or(default)
        };
        let mut time = |name, default: Duration, least, most| {
            let default = u64::try_from(default.as_millis()).unwrap_or(most);
            Duration::from_millis(number(name, default, least, most))
        };
        let heartbeat = time("SEMILAYER_HEARTBEAT_MS", limits::HEARTBEAT, 50, 600_000);
        let grace = limits::SHUTDOWN_GRACE;
        let shutdown_grace = time("SEMILAYER_SHUTDOWN_GRACE_MS", grace, 0, 3_600_000);
        let mut size = |name, default: usize, least, most| {
            usize::try_from(number(name, default as u64, least, most)).unwrap_or(default)
        };
        let engine = EngineSettings {
            workers: size("SEMILAYER_WORKERS", limits::WORKERS, 1, 256),
            queue: size("SEMILAYER_QUEUE", limits::QUEUE, 1, 100_000),
            chunk: ChunkLimits {
                rows: size("SEMILAYER_CHUNK_ROWS", limits::CHUNK_ROWS, 1, 100_000),
                bytes: size("SEMILAYER_CHUNK_BYTES", limits::CHUNK_BYTES, 1024, 16 << 20),
            },
            row_bytes: size(
                "SEMILAYER_MAX_ROW_BYTES",
                limits::ROW_BYTES,
                64 << 10,
                256 << 20,
            ),
            serves: |bridge| bridges::capabilities().contains(&bridge),
        };
        let health = problems.note(HealthSettings::load(&variable));
        let log = problems.note(LogFilter::load(&variable, LevelFilter::Info));
        let log_format = problems.note(LogFormat::load(&variable));
        let stdout = match set("SEMILAYER_STDOUT") {
            None => Ok(Form::default()),
            Some(form) => Form::parse(&form).ok_or_else(|| {
                ConfigError::variable("SEMILAYER_STDOUT", "must be text, json or off")
            }),
        };
        let stdout = problems.note(stdout);
        let oversight = problems.note(OversightSettings::load(&variable));
        let allow_files = problems.note(allow_files(&variable));
        let header = match set("SEMILAYER_TOKEN_HEADER").as_deref() {
            None | Some("0" | "off" | "false") => Ok(false),
            Some("1" | "on" | "true") => Ok(true),
            Some(_) => Err(ConfigError::variable(
                "SEMILAYER_TOKEN_HEADER",
                "must be 1 or 0",
            )),
        };
        let header = problems.note(header).unwrap_or_default();
        let credentials = |identity: &Identity| Credentials {
            runner_id: identity.runner_id.clone(),
            token: identity.token.clone(),
            token_parameter: set("SEMILAYER_TOKEN_PARAM").or_else(|| Some("token".to_owned())),
            // Here an empty value says something.
            id_parameter: match variable("SEMILAYER_ID_PARAM") {
                None => Some("runnerId".to_owned()),
                Some(name) => Some(name).filter(|name| !name.is_empty()),
            },
            header,
        };
        let token_file = || {
            let elsewhere = flags.token.is_some() || set("SEMILAYER_RUNNER_TOKEN").is_some();
            set(TOKEN_FILE).filter(|_| !elsewhere).map(PathBuf::from)
        };
        let settings = identity.map(|identity| Self {
            proxy,
            credentials: credentials(&identity),
            token_file: token_file(),
            identity,
            heartbeat,
            shutdown_grace,
            engine,
            health: health.unwrap_or_default(),
            log: log.unwrap_or_else(|| LogFilter::level(LevelFilter::Info)),
            log_format: log_format.unwrap_or_default(),
            stdout: stdout.unwrap_or_default(),
            oversight: oversight.unwrap_or_default(),
            allow_files: allow_files.flatten(),
        });
        Survey {
            settings,
            problems: problems.0,
        }
    }
}

/// `SEMILAYER_ALLOW_FILES`: folders with `:` between them. Here an empty value says something: none at all.
fn allow_files(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Vec<PathBuf>>, ConfigError> {
    const NAME: &str = "SEMILAYER_ALLOW_FILES";
    let Some(value) = variable(NAME) else {
        return Ok(None);
    };
    let folders: Vec<_> = env::split_paths(&value)
        .filter(|folder| !folder.as_os_str().is_empty())
        .collect();
    if !folders.iter().all(|folder| folder.is_absolute()) {
        return Err(ConfigError::variable(
            NAME,
            "must name folders by their whole paths, with : between them",
        ));
    }
    Ok(Some(folders))
}

/// An unencrypted gateway is a local one, which no proxy could reach.
fn proxy(
    gateway: &GatewayAddress,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, ConfigError> {
    if !gateway.tls {
        return Ok(None);
    }
    Proxy::choose(&gateway.host, gateway.port, variable)
        .map_err(|problem| ConfigError::variable("HTTPS_PROXY", problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    const ID: (&str, &str) = ("SEMILAYER_RUNNER_ID", "runner-1");
    const TOKEN: (&str, &str) = ("SEMILAYER_RUNNER_TOKEN", "rk_1");

    fn given(id: &str, token: &str, gateway: &str) -> Flags {
        let given = |text: &str| (text != "-").then(|| text.to_owned());
        Flags {
            id: given(id),
            token: given(token).map(Secret::new),
            gateway: given(gateway),
        }
    }

    fn with_flags(flags: &Flags, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let survey = Settings::survey(flags, |name| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        survey.into_settings()
    }

    fn load(variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        with_flags(&Flags::default(), variables)
    }

    fn path_of(settings: &Settings) -> String {
        settings.credentials.path(&settings.identity.gateway)
    }

    fn with(name: &str, value: &str) -> Result<Settings, ConfigError> {
        load(&[ID, TOKEN, (name, value)])
    }

    #[test]
    fn everything_that_is_wrong_is_told() {
        let survey = Settings::survey(&Flags::default(), |name| {
            let value = match name {
                "SEMILAYER_WORKERS" => "many",
                "SEMILAYER_LOG" => "loud",
                "SEMILAYER_STDOUT" => "loud",
                "SEMILAYER_QUEUE" => "7",
                _ => return None,
            };
            Some(value.to_owned())
        });
        let problems: Vec<_> = survey.problems.iter().map(ToString::to_string).collect();
        let first: Vec<_> = problems
            .iter()
            .map(|p| p.split(' ').next().unwrap())
            .collect();
        let expected = [
            "Missing",
            "Missing",
            "SEMILAYER_WORKERS",
            "SEMILAYER_LOG",
            "SEMILAYER_STDOUT",
        ];
        assert_eq!(first, expected, "{problems:?}");
        assert_eq!(survey.settings.unwrap().engine.queue, 7);
        let nowhere = given("x", "t", "ftp://h");
        let survey = Settings::survey(&nowhere, |_| None);
        assert!(survey.settings.is_none() && survey.problems.len() == 1);
    }

    #[test]
    fn what_is_missing_is_told_id_first() {
        assert_eq!(load(&[]).unwrap_err(), ConfigError::MissingId);
        assert_eq!(load(&[ID]).unwrap_err(), ConfigError::MissingToken);
        assert_eq!(
            with_flags(&given("", "-", "-"), &[ID, TOKEN]).unwrap_err(),
            ConfigError::MissingId
        );
        let empty = [ID, ("SEMILAYER_RUNNER_TOKEN", "")];
        assert_eq!(load(&empty).unwrap_err(), ConfigError::MissingToken);
        assert_eq!(
            with_flags(&given("-", "", "-"), &[ID, TOKEN]).unwrap_err(),
            ConfigError::MissingToken
        );
    }

    #[test]
    fn flags_go_before_variables_before_defaults() {
        let defaults = load(&[ID, TOKEN]).unwrap();
        assert_eq!(defaults.identity.gateway.to_string(), limits::GATEWAY_URL);
        assert_eq!(defaults.identity.version_label, "0.1.0");
        assert_eq!(defaults.engine.workers, limits::WORKERS);
        assert_eq!(defaults.heartbeat, limits::HEARTBEAT);
        assert_eq!(defaults.health.port, None);
        assert_eq!(path_of(&defaults), "/connect?token=rk_1&runnerId=runner-1");
        let flagged = with_flags(&given("x", "-", "wss://h/c"), &[ID, TOKEN]).unwrap();
        assert_eq!(flagged.identity.runner_id, "x");
        assert_eq!(flagged.identity.gateway.to_string(), "wss://h/c");
    }

    #[test]
    fn bad_values_name_their_variable_and_are_not_repeated() {
        for name in [
            "SEMILAYER_WORKERS",
            "SEMILAYER_QUEUE",
            "SEMILAYER_CHUNK_ROWS",
            "SEMILAYER_CHUNK_BYTES",
            "SEMILAYER_MAX_ROW_BYTES",
            "SEMILAYER_HEARTBEAT_MS",
            "SEMILAYER_SHUTDOWN_GRACE_MS",
        ] {
            for bad in ["s3cret", "-1", "99999999999"] {
                let error = with(name, bad).unwrap_err().to_string();
                assert!(error.starts_with(name) && !error.contains(bad), "{error}");
            }
            assert!(with(name, "").is_ok());
        }
        assert!(with("PORT", "65536").is_err());
        assert_eq!(with("PORT", "8080").unwrap().health.port, Some(8080));
        assert_eq!(with("PORT", "off").unwrap().health.port, None);
        let error = with("HTTPS_PROXY", "socks4://u:s3cret@h").unwrap_err();
        assert!(!error.to_string().contains("s3cret"));
    }

    #[test]
    fn parameter_names_can_be_changed() {
        let settings = load(&[
            ID,
            TOKEN,
            ("SEMILAYER_TOKEN_PARAM", "k"),
            ("SEMILAYER_ID_PARAM", ""),
        ]);
        assert_eq!(path_of(&settings.unwrap()), "/connect?k=rk_1");
        for (value, header) in [("1", true), ("true", true), ("0", false), ("", false)] {
            let settings = with("SEMILAYER_TOKEN_HEADER", value).unwrap();
            assert_eq!(settings.credentials.header, header, "{value}");
        }
        assert!(with("SEMILAYER_TOKEN_HEADER", "Bearer").is_err());
    }

    #[test]
    fn a_proxy_is_for_encrypted_gateways_that_are_not_exempt() {
        let proxied = with("HTTPS_PROXY", "http://proxy:3128").unwrap();
        assert_eq!(proxied.proxy.unwrap().to_string(), "proxy:3128");
        let variables = [
            ID,
            TOKEN,
            ("https_proxy", "proxy"),
            ("NO_PROXY", "semilayer.com"),
        ];
        assert_eq!(load(&variables).unwrap().proxy, None);
        let variables = [ID, TOKEN, ("https_proxy", "proxy")];
        let local = with_flags(&given("-", "-", "ws://localhost:1"), &variables).unwrap();
        assert_eq!(local.proxy, None);
    }

    #[test]
    fn a_token_may_come_from_a_file() {
        let missing = load(&[ID, (TOKEN_FILE, "/nonexistent/token")]).unwrap_err();
        assert!(
            missing
                .to_string()
                .starts_with("SEMILAYER_RUNNER_TOKEN_FILE is not usable: /nonexistent/token")
        );
        let file = std::env::temp_dir().join(format!("runner-token-{}", std::process::id()));
        std::fs::write(&file, "rk_file\r\n").unwrap();
        let name = file.to_str().unwrap();
        let settings = load(&[ID, (TOKEN_FILE, name)]).unwrap();
        assert_eq!(settings.identity.token.expose(), "rk_file");
        let settings = load(&[ID, TOKEN, (TOKEN_FILE, name)]).unwrap();
        assert_eq!(settings.identity.token.expose(), "rk_1");
        std::fs::remove_file(file).unwrap();
    }
}
