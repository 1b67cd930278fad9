//! Flags and environment become settings, or a message that names the variable.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::config::number::bounded;
use crate::config::{Flags, HealthSettings, LogFormat, OversightSettings, Secret};
use crate::engine::EngineSettings;
use crate::files::read_secret;
use crate::gateway::{AddressError, GatewayAddress};
use crate::job::ChunkLimits;
use crate::limits;
use crate::net::Proxy;

/// Why the process cannot start. The words of the first two are the official ones.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// No runner id.
    MissingId,
    /// No token.
    MissingToken,
    /// The gateway's URL is not usable.
    Gateway(AddressError),
    /// A variable has a value that cannot be used; the value is not repeated, it may be a secret.
    Variable {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingId => f.write_str(
                "Missing runner id. Pass --id or set SEMILAYER_RUNNER_ID (shown in the Console).",
            ),
            Self::MissingToken => f.write_str(
                "Missing runner token. Pass --token or set SEMILAYER_RUNNER_TOKEN \
                 (rk_... from the Console, shown once on create).",
            ),
            Self::Gateway(error) => write!(
                f,
                "Gateway URL (--gateway or SEMILAYER_GATEWAY_URL) {error}"
            ),
            Self::Variable { name, problem } => write!(f, "{name} {problem}"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// Who the runner is and where its gateway is: all that `status` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The runner's id or name.
    pub runner_id: String,
    /// What proves it.
    pub token: Secret,
    /// True when it came by `--token`, where other users of the machine can see it.
    pub token_seen: bool,
    /// Its gateway.
    pub gateway: GatewayAddress,
    /// The version it claims.
    pub version_label: String,
}

impl Identity {
    /// A flag goes before a variable, a variable before the default; an empty variable counts as unset, an
    /// empty flag as given. `variable` looks into the environment.
    pub fn load(
        flags: &Flags,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let given = |flag: &Option<String>, name| flag.clone().or_else(|| variable(name));
        let runner_id = given(&flags.id, "SEMILAYER_RUNNER_ID")
            .filter(|id| !id.is_empty())
            .ok_or(ConfigError::MissingId)?;
        let token = match (&flags.token, variable("SEMILAYER_RUNNER_TOKEN")) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(token)) => Some(Secret::new(token)),
            (None, None) => variable(TOKEN_FILE)
                .map(|file| read_token(&file))
                .transpose()?,
        };
        let token = token
            .filter(|token| !token.expose().is_empty())
            .ok_or(ConfigError::MissingToken)?;
        let insecure = variable("SEMILAYER_ALLOW_INSECURE");
        let insecure = insecure.is_some_and(|v| v == "1" || v.eq_ignore_ascii_case("true"));
        let gateway = given(&flags.gateway, "SEMILAYER_GATEWAY_URL");
        let gateway = gateway.as_deref().unwrap_or(limits::GATEWAY_URL);
        Ok(Self {
            runner_id,
            token,
            token_seen: flags.token.is_some(),
            gateway: GatewayAddress::parse(gateway, insecure).map_err(ConfigError::Gateway)?,
            version_label: variable("SEMILAYER_RUNNER_VERSION")
                .unwrap_or_else(|| limits::VERSION_LABEL.to_owned()),
        })
    }
}

const TOKEN_FILE: &str = "SEMILAYER_RUNNER_TOKEN_FILE";

fn read_token(file: &str) -> Result<Secret, ConfigError> {
    let text = read_secret(Path::new(file));
    text.map(Secret::new)
        .map_err(|problem| ConfigError::Variable {
            name: TOKEN_FILE,
            problem: format!("is not usable: {problem}"),
        })
}

/// Everything `start` needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who and where.
    pub identity: Identity,
    /// The proxy before the gateway.
    pub proxy: Option<Proxy>,
    /// Name of the query parameter that carries the token.
    pub token_parameter: String,
    /// Name of the query parameter that carries the id; `None`: not sent.
    pub id_parameter: Option<String>,
    /// Time between two heartbeats.
    pub heartbeat: Duration,
    /// Time for in-flight jobs when the process is asked to stop.
    pub shutdown_grace: Duration,
    /// Workers, queue and chunks.
    pub engine: EngineSettings,
    /// Where the health listener listens.
    pub health: HealthSettings,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Audit log and policy.
    pub oversight: OversightSettings,
}

impl Settings {
    /// As [`Identity::load`], whose errors come first.
    pub fn load(
        flags: &Flags,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let identity = Identity::load(flags, &variable)?;
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let number = |name: &'static str, default: u64, least: u64, most: u64| match set(name) {
            None => Ok(default),
            Some(text) => bounded(&text, least, most)
                .map_err(|problem| ConfigError::Variable { name, problem }),
        };
        let size = |name, default: usize, least, most| {
            number(name, default as u64, least, most).map(|n| usize::try_from(n).unwrap_or(default))
        };
        let time = |name, default: Duration, least, most| {
            let default = u64::try_from(default.as_millis()).unwrap_or(most);
            number(name, default, least, most).map(Duration::from_millis)
        };
        Ok(Self {
            proxy: proxy(&identity.gateway, &variable)?,
            identity,
            token_parameter: set("SEMILAYER_TOKEN_PARAM").unwrap_or_else(|| "token".to_owned()),
            // Here an empty value says something.
            id_parameter: match variable("SEMILAYER_ID_PARAM") {
                None => Some("runnerId".to_owned()),
                Some(name) => Some(name).filter(|name| !name.is_empty()),
            },
            heartbeat: time("SEMILAYER_HEARTBEAT_MS", limits::HEARTBEAT, 50, 600_000)?,
            shutdown_grace: time(
                "SEMILAYER_SHUTDOWN_GRACE_MS",
                limits::SHUTDOWN_GRACE,
                0,
                3_600_000,
            )?,
            engine: EngineSettings {
                workers: size("SEMILAYER_WORKERS", limits::WORKERS, 1, 256)?,
                queue: size("SEMILAYER_QUEUE", limits::QUEUE, 1, 100_000)?,
                chunk: ChunkLimits {
                    rows: size("SEMILAYER_CHUNK_ROWS", limits::CHUNK_ROWS, 1, 100_000)?,
                    bytes: size("SEMILAYER_CHUNK_BYTES", limits::CHUNK_BYTES, 1024, 16 << 20)?,
                },
            },
            health: HealthSettings::load(&variable)?,
            log_format: LogFormat::load(&variable)?,
            oversight: OversightSettings::load(&variable)?,
        })
    }

    /// Path and query of the upgrade; a secret.
    pub fn upgrade_path(&self) -> String {
        let mut parameters = vec![(self.token_parameter.as_str(), self.identity.token.expose())];
        if let Some(name) = &self.id_parameter {
            parameters.push((name, &self.identity.runner_id));
        }
        self.identity.gateway.path_with(&parameters)
    }
}

/// An unencrypted gateway is a local one, which no proxy could reach.
fn proxy(
    gateway: &GatewayAddress,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, ConfigError> {
    if !gateway.tls {
        return Ok(None);
    }
    Proxy::choose(&gateway.host, gateway.port, variable).map_err(|problem| ConfigError::Variable {
        name: "HTTPS_PROXY",
        problem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: (&str, &str) = ("SEMILAYER_RUNNER_ID", "runner-1");
    const TOKEN: (&str, &str) = ("SEMILAYER_RUNNER_TOKEN", "rk_1");

    fn load(flags: &[&str], variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let flags: Vec<_> = flags.iter().map(Into::into).collect();
        Settings::load(&Flags::parse(&flags), |name| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn with(name: &str, value: &str) -> Result<Settings, ConfigError> {
        load(&[], &[ID, TOKEN, (name, value)])
    }

    #[test]
    fn what_is_missing_is_told_id_first() {
        assert_eq!(load(&[], &[]).unwrap_err(), ConfigError::MissingId);
        assert_eq!(load(&[], &[ID]).unwrap_err(), ConfigError::MissingToken);
        assert_eq!(
            load(&["--id="], &[ID, TOKEN]).unwrap_err(),
            ConfigError::MissingId
        );
        let empty = [ID, ("SEMILAYER_RUNNER_TOKEN", "")];
        assert_eq!(load(&[], &empty).unwrap_err(), ConfigError::MissingToken);
        assert_eq!(
            load(&["--token", ""], &[ID, TOKEN]).unwrap_err(),
            ConfigError::MissingToken
        );
    }

    #[test]
    fn flags_go_before_variables_before_defaults() {
        let defaults = load(&[], &[ID, TOKEN]).unwrap();
        assert_eq!(defaults.identity.gateway.to_string(), limits::GATEWAY_URL);
        assert_eq!(defaults.identity.version_label, "0.1.0");
        assert_eq!(defaults.engine.workers, limits::WORKERS);
        assert_eq!(defaults.heartbeat, limits::HEARTBEAT);
        assert_eq!(defaults.health.port, None);
        assert_eq!(
            defaults.upgrade_path(),
            "/connect?token=rk_1&runnerId=runner-1"
        );
        let flagged = load(&["--id", "x", "--gateway=wss://h/c"], &[ID, TOKEN]).unwrap();
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
        let error = with("HTTPS_PROXY", "socks5://u:s3cret@h").unwrap_err();
        assert!(!error.to_string().contains("s3cret"));
    }

    #[test]
    fn parameter_names_can_be_changed() {
        let settings = load(
            &[],
            &[
                ID,
                TOKEN,
                ("SEMILAYER_TOKEN_PARAM", "k"),
                ("SEMILAYER_ID_PARAM", ""),
            ],
        );
        assert_eq!(settings.unwrap().upgrade_path(), "/connect?k=rk_1");
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
        assert_eq!(load(&[], &variables).unwrap().proxy, None);
        let variables = [ID, TOKEN, ("https_proxy", "proxy")];
        let local = load(&["--gateway", "ws://localhost:1"], &variables).unwrap();
        assert_eq!(local.proxy, None);
    }

    #[test]
    fn a_token_may_come_from_a_file() {
        let missing = load(&[], &[ID, (TOKEN_FILE, "/nonexistent/token")]).unwrap_err();
        assert!(
            missing
                .to_string()
                .starts_with("SEMILAYER_RUNNER_TOKEN_FILE is not usable: /nonexistent/token")
        );
        let file = std::env::temp_dir().join(format!("runner-token-{}", std::process::id()));
        std::fs::write(&file, "rk_file\r\n").unwrap();
        let name = file.to_str().unwrap();
        let settings = load(&[], &[ID, (TOKEN_FILE, name)]).unwrap();
        assert_eq!(settings.identity.token.expose(), "rk_file");
        let settings = load(&[], &[ID, TOKEN, (TOKEN_FILE, name)]).unwrap();
        assert_eq!(settings.identity.token.expose(), "rk_1");
        std::fs::remove_file(file).unwrap();
    }
}
