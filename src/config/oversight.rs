//! Where the audit log and the policy are.

use std::path::PathBuf;

use crate::audit::{AuditSettings, OnFailure};
use crate::config::ConfigError;
use crate::policy::Policy;

/// What the customer's security people have set up; both are off by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OversightSettings {
    /// `SEMILAYER_AUDIT_LOG`, `SEMILAYER_AUDIT_ON_FAILURE`, `SEMILAYER_AUDIT`.
    pub audit: Option<AuditSettings>,
    /// `SEMILAYER_POLICY`.
    pub policy: Option<PathBuf>,
}

impl OversightSettings {
    /// Where the policy is.
    const POLICY: &str = "SEMILAYER_POLICY";
    /// Where the audit log is.
    pub const AUDIT_LOG: &str = "SEMILAYER_AUDIT_LOG";

    /// `variable` looks into the environment; an empty value counts as unset.
    pub fn load(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        const ON_FAILURE: &str = "SEMILAYER_AUDIT_ON_FAILURE";
        const STRICT: &str = "SEMILAYER_AUDIT";
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let on_failure = match set(ON_FAILURE).as_deref() {
            None | Some("refuse") => OnFailure::Refuse,
            Some("continue") => OnFailure::Continue,
            Some(_) => {
                return Err(ConfigError::variable(
                    ON_FAILURE,
                    "must be refuse or continue",
                ));
            }
        };
        let strict = match set(STRICT).as_deref() {
            None => false,
            Some("strict") if on_failure == OnFailure::Refuse => true,
            Some("strict") => {
                return Err(ConfigError::variable(
                    STRICT,
                    format!("cannot be strict with {ON_FAILURE}=continue"),
                ));
            }
            Some(_) => {
                return Err(ConfigError::variable(STRICT, "must be strict or unset"));
            }
        };
        let audit = set(Self::AUDIT_LOG).map(|path| AuditSettings {
            path: path.into(),
            on_failure,
            strict,
        });
        if strict && audit.is_none() {
            return Err(ConfigError::variable(
                STRICT,
                format!("needs {}", Self::AUDIT_LOG),
            ));
        }
        Ok(Self {
            audit,
            policy: set(Self::POLICY).map(PathBuf::from),
        })
    }

    /// Reads the policy; `None` when none is set.
    ///
    /// # Errors
    /// The file cannot be read, or has a mistake, told with its line and column.
    pub fn load_policy(&self) -> Result<Option<Policy>, ConfigError> {
        let policy = self.policy.as_deref().map(Policy::load).transpose();
        policy.map_err(|problem| {
            ConfigError::variable(Self::POLICY, format!("is not usable: {problem}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_log_refuses_jobs_unless_told_otherwise() {
        let load = |on_failure: &str| {
            OversightSettings::load(|name| match name {
                "SEMILAYER_AUDIT_LOG" => Some("/var/log/audit".to_owned()),
                "SEMILAYER_AUDIT_ON_FAILURE" => Some(on_failure.to_owned()),
                _ => None,
            })
            .map(|settings| settings.audit.unwrap().on_failure)
        };
        assert_eq!(load(""), Ok(OnFailure::Refuse));
        assert_eq!(load("continue"), Ok(OnFailure::Continue));
        assert!(load("ignore").is_err());
        let strict = |variables: &[(&str, &str)]| {
            OversightSettings::load(|name| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            })
            .map(|settings| settings.audit.is_some_and(|audit| audit.strict))
        };
        let (log, on) = (("SEMILAYER_AUDIT_LOG", "/a"), ("SEMILAYER_AUDIT", "strict"));
        assert_eq!(strict(&[log]), Ok(false));
        assert_eq!(strict(&[log, on]), Ok(true));
        assert!(strict(&[on]).is_err());
        assert!(strict(&[log, ("SEMILAYER_AUDIT", "yes")]).is_err());
        assert!(strict(&[log, on, ("SEMILAYER_AUDIT_ON_FAILURE", "continue")]).is_err());
        let none = OversightSettings::load(|_| None).unwrap();
        assert_eq!(none, OversightSettings::default());
    }
}
