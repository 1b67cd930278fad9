//! TLS to a MySQL server: what the configuration asks for, in any of the words its users know, and the
//! driver's options for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mysql::{ClientIdentity, SslOpts};
use serde_json::{Map, Value};

use super::roots::RootsFile;
use crate::bridges::config::unusable;
use crate::error::JobError;
use crate::tls;

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Plain text.
    Off,
    /// TLS, not verified, if the server offers it; else plain text.
    IfOffered,
    /// TLS with the certificate and the host name verified.
    Verified,
    /// TLS with any certificate.
    Unverified,
}

/// What the configuration says about TLS; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TlsSettings {
    mode: Option<Mode>,
    reject_unauthorized: Option<bool>,
    libpq_compatible: bool,
    roots: Option<PathBuf>,
    inline_roots: Option<String>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl TlsSettings {
    /// Takes one setting; true when it is about TLS. The first mode that is named counts. `name` is in lower
    /// case without `-` and `_`.
    pub(super) fn take(&mut self, name: &str, value: &Value) -> Result<bool, JobError> {
        match name {
            "ssl" | "tls" | "usessl" | "sslmode" | "tlsmode" => self.take_mode(name, value)?,
            "sslaccept" => self.mode(match word(value).as_str() {
                "acceptinvalidcerts" => Mode::Unverified,
                _ => Mode::Verified,
            }),
            "rejectunauthorized" => self.reject_unauthorized = Some(truth(value)),
            "uselibpqcompat" => self.libpq_compatible = truth(value),
            "sslrootcert" | "sslca" | "sslcapath" | "tlsca" => self.roots = path(value),
            "sslcert" => self.certificate = path(value),
            "sslkey" => self.key = path(value),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn take_mode(&mut self, name: &str, value: &Value) -> Result<(), JobError> {
        if let Value::Object(members) = value {
            return self.take_object(members);
        }
        if let Value::String(text) = value
            && text.trim_start().starts_with('{')
        {
            let members = serde_json::from_str(text)
                .map_err(|_| unusable(format!("\"{name}\" is not a JSON object")))?;
            return self.take_object(&members);
        }
        match word(value).as_str() {
            "" => {}
            "disable" | "disabled" | "off" | "false" | "no" | "0" => self.mode(Mode::Off),
            "allow" | "prefer" | "preferred" => self.mode(Mode::IfOffered),
            "noverify" | "skipverify" => self.mode(Mode::Unverified),
            // Everything else is a way to say yes, names of certificate profiles included.
            _ => self.mode(Mode::Verified),
        }
        Ok(())
    }

    /// The options object of the Node drivers.
    fn take_object(&mut self, members: &Map<String, Value>) -> Result<(), JobError> {
        self.mode(Mode::Verified);
        for (name, value) in members {
            match (name.as_str(), value) {
                ("rejectUnauthorized", value) => self.reject_unauthorized = Some(truth(value)),
                ("ca", Value::String(pem)) => self.inline_roots = Some(pem.clone()),
                _ => {}
            }
        }
        Ok(())
    }

    fn mode(&mut self, mode: Mode) {
        self.mode.get_or_insert(mode);
    }

    /// The outcome; `required` when the bridge never talks in plain text.
    pub(super) fn decide(self, required: bool) -> Result<Encryption, JobError> {
        let mut mode = self.mode.unwrap_or(Mode::IfOffered);
        if required && mode == Mode::Off {
            return Err(unusable(
                "this bridge needs TLS, which the configuration turns off",
            ));
        }
        if required && mode == Mode::IfOffered {
            mode = Mode::Verified;
        }
        if mode == Mode::Verified
            && (self.reject_unauthorized == Some(false) || self.libpq_compatible)
        {
            mode = Mode::Unverified;
        }
        let identity = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            _ => None,
        };
        let mut roots = tls::extra_certificates().to_vec();
        let mut own = Vec::new();
        if let Some(file) = &self.roots {
            own = tls::read_certificates(file)
                .map_err(|error| unusable(format!("sslrootcert {}: {error}", file.display())))?;
        }
        if let Some(pem) = &self.inline_roots {
            let found = tls::parse_certificates(pem.as_bytes())
                .map_err(|error| unusable(format!("ssl.ca {error}")))?;
            own.extend(found);
        }
        roots.extend(own);
        Ok(Encryption {
            mode,
            roots: (mode == Mode::Verified)
                .then(|| RootsFile::new(&roots))
                .flatten()
                .map(Arc::new),
            identity,
            not_offered: Arc::default(),
        })
    }
}

/// TLS settings of one source.
#[derive(Debug, Clone)]
pub(super) struct Encryption {
    /// Whether and how.
    pub(super) mode: Mode,
    roots: Option<Arc<RootsFile>>,
    identity: Option<(PathBuf, PathBuf)>,
    not_offered: Arc<AtomicBool>,
}

impl Encryption {
    /// The ways to try, in order: encrypted or not.
    pub(super) fn attempts(&self) -> &'static [bool] {
        match self.mode {
            Mode::Off => &[false],
            Mode::IfOffered if self.not_offered.load(Ordering::Relaxed) => &[false],
            Mode::IfOffered => &[true, false],
            Mode::Verified | Mode::Unverified => &[true],
        }
    }

    /// Remembers that the server took a plain connection after an encrypted one had failed: each attempt
    /// leaves a line about a broken handshake in its log.
    pub(super) fn set_not_offered(&self) {
        self.not_offered.store(true, Ordering::Relaxed);
    }

    /// The driver's options for an encrypted connection. The driver trusts the roots of the public web
    /// anyway.
    pub(super) fn options(&self) -> SslOpts {
        let identity = self.identity.clone();
        SslOpts::default()
            .with_root_cert_path(self.roots.as_ref().map(|roots| roots.path.clone()))
            .with_client_identity(identity.map(|(cert, key)| ClientIdentity::new(cert, key)))
            .with_danger_accept_invalid_certs(self.mode != Mode::Verified)
            .with_danger_skip_domain_validation(self.mode != Mode::Verified)
    }
}

/// A setting's value as a word in lower case, without `-` and `_`.
fn word(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.trim().to_lowercase(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    text.replace(['-', '_'], "")
}

fn truth(value: &Value) -> bool {
    !matches!(word(value).as_str(), "" | "false" | "0" | "no" | "off")
}

fn path(value: &Value) -> Option<PathBuf> {
    match value {
        Value::String(text) if !text.is_empty() => Some(PathBuf::from(text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decided(settings: &[(&str, Value)], required: bool) -> Option<Mode> {
        let mut found = TlsSettings::default();
        for (name, value) in settings {
            assert!(found.take(name, value).unwrap());
        }
        found
            .decide(required)
            .ok()
            .map(|encryption| encryption.mode)
    }

    #[test]
    fn words_of_many_tools_are_known() {
        for (name, value, mode) in [
            ("sslmode", json!("disable"), Mode::Off),
            ("ssl", json!(false), Mode::Off),
            ("ssl", json!("false"), Mode::Off),
            ("sslmode", json!("PREFERRED"), Mode::IfOffered),
            ("sslmode", json!("prefer"), Mode::IfOffered),
            ("ssl", json!(null), Mode::IfOffered),
            ("sslmode", json!("require"), Mode::Verified),
            ("sslmode", json!("VERIFY_IDENTITY"), Mode::Verified),
            ("sslmode", json!("verify-ca"), Mode::Verified),
            ("ssl", json!(true), Mode::Verified),
            ("ssl", json!({}), Mode::Verified),
            ("ssl", json!("Amazon RDS"), Mode::Verified),
            ("sslaccept", json!("strict"), Mode::Verified),
            ("sslmode", json!("no-verify"), Mode::Unverified),
            ("tls", json!("skip-verify"), Mode::Unverified),
            ("sslaccept", json!("accept_invalid_certs"), Mode::Unverified),
            (
                "ssl",
                json!({"rejectUnauthorized": false}),
                Mode::Unverified,
            ),
            (
                "ssl",
                json!("{\"rejectUnauthorized\":false}"),
                Mode::Unverified,
            ),
        ] {
            assert_eq!(
                decided(&[(name, value.clone())], false),
                Some(mode),
                "{name}={value}"
            );
        }
        assert_eq!(decided(&[], false), Some(Mode::IfOffered));
        assert!(TlsSettings::default().take("ssl", &json!("{oops")).is_err());
        assert!(
            !TlsSettings::default()
                .take("charset", &json!("utf8"))
                .unwrap()
        );
    }

    #[test]
    fn settings_work_together() {
        let require = ("sslmode", json!("require"));
        let compatible = ("uselibpqcompat", json!("true"));
        assert_eq!(
            decided(&[require.clone(), compatible], false),
            Some(Mode::Unverified)
        );
        let off = ("ssl", json!(false));
        assert_eq!(
            decided(&[require.clone(), off.clone()], false),
            Some(Mode::Verified)
        );
        assert_eq!(decided(&[off], true), None);
        assert_eq!(decided(&[], true), Some(Mode::Verified));
        assert_eq!(
            decided(&[("sslmode", json!("no-verify"))], true),
            Some(Mode::Unverified)
        );
    }

    #[test]
    fn roots_that_cannot_be_read_are_a_fault_of_the_configuration() {
        let mut settings = TlsSettings::default();
        settings
            .take("sslrootcert", &json!("/nonexistent/ca.pem"))
            .unwrap();
        let error = settings.decide(false).unwrap_err();
        assert!(error.message.contains("/nonexistent/ca.pem"), "{error}");
    }
}
