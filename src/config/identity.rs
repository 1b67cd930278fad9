//! Who the runner is.

use std::path::Path;

use crate::config::error::{Problems, TOKEN_FILE};
use crate::config::{ConfigError, Flags};
use crate::files::read_secret;
use crate::gateway::GatewayAddress;
use crate::limits;
use crate::secret::Secret;

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
    /// empty flag as given. The id's problem comes before the token's. `None` without a usable address.
    pub(super) fn survey(
        flags: &Flags,
        variable: impl Fn(&str) -> Option<String>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let given = |flag: &Option<String>, name| flag.clone().or_else(|| variable(name));
        let runner_id = given(&flags.id, "SEMILAYER_RUNNER_ID")
            .filter(|id| !id.is_empty())
            .ok_or(ConfigError::MissingId);
        let runner_id = problems.note(runner_id).unwrap_or_default();
        let token = match (&flags.token, variable("SEMILAYER_RUNNER_TOKEN")) {
            (Some(token), _) => Ok(Some(token.clone())),
            (None, Some(token)) => Ok(Some(Secret::new(token))),
            (None, None) => variable(TOKEN_FILE)
                .map(|file| read_token(&file))
                .transpose(),
        };
        let token = token.and_then(|token| {
            token
                .filter(|token| !token.expose().is_empty())
                .ok_or(ConfigError::MissingToken)
        });
        let token = problems.note(token);
        let insecure = variable("SEMILAYER_ALLOW_INSECURE");
        let insecure = insecure.is_some_and(|v| v == "1" || v.eq_ignore_ascii_case("true"));
        let gateway = given(&flags.gateway, "SEMILAYER_GATEWAY_URL");
        let gateway = gateway.as_deref().unwrap_or(limits::GATEWAY_URL);
        let gateway = GatewayAddress::parse(gateway, insecure).map_err(ConfigError::Gateway);
        Some(Self {
            gateway: problems.note(gateway)?,
            runner_id,
            token: token.unwrap_or_else(|| Secret::new(String::new())),
            token_seen: flags.token.is_some(),
            version_label: variable("SEMILAYER_RUNNER_VERSION")
                .unwrap_or_else(|| limits::VERSION_LABEL.to_owned()),
        })
    }
}

fn read_token(file: &str) -> Result<Secret, ConfigError> {
    let text = read_secret(Path::new(file));
    text.map(Secret::new)
        .map_err(|problem| ConfigError::variable(TOKEN_FILE, format!("is not usable: {problem}")))
}
