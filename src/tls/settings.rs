//! What a source's configuration says about TLS, in any of the words that users of the databases' tools know: one
//! vocabulary for all bridges, whether it stands in a URL or in fields of its own. What was asked for is never
//! dropped: a word that is not known asks for TLS, and so does a root file.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::sign::CertifiedKey;
use serde_json::{Map, Value};

use crate::files;
use crate::tls::{Pem, identity, unverified_as, verified_as};

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Plain text.
    Off,
    /// TLS, not verified, if the server offers it; else plain text.
    IfOffered,
    /// TLS with the certificate and the host name verified.
    Verified,
    /// TLS with any certificate.
    Unverified,
}

/// What the configuration says; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsSettings {
    mode: Option<TlsMode>,
    reject_unauthorized: Option<bool>,
    libpq_compatible: bool,
    roots: Vec<Pem>,
    certificate: Option<Pem>,
    key: Option<Pem>,
}

/// What it comes to.
pub struct TlsDecision {
    /// Whether and how.
    pub mode: TlsMode,
    /// How the server is checked, and what it is shown.
    pub client: Arc<ClientConfig>,
}

impl TlsSettings {
    /// Takes one setting; true when it is about TLS. The first of those that ask for TLS counts, and one that does
    /// goes before those that do not.
    ///
    /// # Errors
    /// Says what cannot be read.
    pub fn take(&mut self, name: &str, value: &Value) -> Result<bool, String> {
        match plain(name).as_str() {
            "ssl" | "tls" | "usessl" | "requiressl" | "encrypt" | "sslmode" | "tlsmode" => {
                self.take_mode(name, value)?;
            }
            "sslaccept" => self.ask(match word(value).as_str() {
                "acceptinvalidcerts" => TlsMode::Unverified,
                _ => TlsMode::Verified,
            }),
            "rejectunauthorized" | "verifyservercertificate" => {
                self.reject_unauthorized = Some(truth(value));
            }
            "trustservercertificate" => self.reject_unauthorized = Some(!truth(value)),
            "uselibpqcompat" => self.libpq_compatible = truth(value),
            "sslrootcert" | "sslca" | "sslcapath" | "tlsca" | "tlscafile" => {
                // libpq's word for the roots of the system; ours are built in.
                match pem(value).filter(|pem| *pem != Pem::File("system".into())) {
                    Some(pem) => self.roots.push(pem),
                    None if !word(value).is_empty() => self.ask(TlsMode::Verified),
                    None => {}
                }
            }
            "sslcert" => self.certificate = pem(value),
            "sslkey" => self.key = pem(value),
            "sslpassword" if word(value).is_empty() => {}
            "sslpassword" => return Err(ENCRYPTED_KEY.to_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn take_mode(&mut self, name: &str, value: &Value) -> Result<(), String> {
        if let Value::Object(members) = value {
            return self.take_object(members);
        }
        if let Value::String(text) = value
            && text.trim_start().starts_with('{')
        {
            let members: Map<String, Value> = serde_json::from_str(text)
                .map_err(|_| format!("\"{name}\" is not a JSON object"))?;
            return self.take_object(&members);
        }
        match word(value).as_str() {
            "" => {}
            "disable" | "disabled" | "off" | "false" | "f" | "no" | "n" | "none" | "0" => {
                self.ask(TlsMode::Off);
            }
            "allow" | "prefer" | "preferred" => self.ask(TlsMode::IfOffered),
            "noverify" | "skipverify" => self.ask(TlsMode::Unverified),
            // Everything else is a way to say yes, names of certificate profiles included.
            _ => self.ask(TlsMode::Verified),
        }
        Ok(())
    }

    /// The options object of the Node drivers.
    fn take_object(&mut self, members: &Map<String, Value>) -> Result<(), String> {
        self.ask(TlsMode::Verified);
        let text = |value: &Value| value.as_str().map(|pem| Pem::Text(pem.to_owned()));
        for (name, value) in members {
            match (name.as_str(), value) {
                ("rejectUnauthorized", value) => self.reject_unauthorized = Some(truth(value)),
                ("ca", Value::Array(all)) => self.roots.extend(all.iter().filter_map(text)),
                ("ca", value) => self.roots.extend(text(value)),
                ("cert", value) => self.certificate = text(value),
                ("key", value) => self.key = text(value),
                ("passphrase", value) if !word(value).is_empty() => {
                    return Err(ENCRYPTED_KEY.to_owned());
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn ask(&mut self, mode: TlsMode) {
        let asks = |mode| matches!(mode, TlsMode::Verified | TlsMode::Unverified);
        match self.mode {
            Some(first) if asks(first) || !asks(mode) => {}
            _ => self.mode = Some(mode),
        }
    }

    /// How it is to be, before any file is read.
    fn mode(&self, required: bool) -> Result<TlsMode, String> {
        let mut mode = match (self.mode, self.reject_unauthorized) {
            (None | Some(TlsMode::IfOffered), Some(true)) => TlsMode::Verified,
            (None, Some(false)) => TlsMode::Unverified,
            (None | Some(TlsMode::IfOffered), None) if !self.roots.is_empty() => TlsMode::Verified,
            (mode, _) => mode.unwrap_or(TlsMode::IfOffered),
        };
        if required && mode == TlsMode::Off {
            return Err("this bridge needs TLS, which the configuration turns off".to_owned());
        }
        if required && mode == TlsMode::IfOffered {
            mode = TlsMode::Verified;
        }
        let lax = self.reject_unauthorized == Some(false)
            || self.libpq_compatible && self.roots.is_empty();
        if mode == TlsMode::Verified && lax {
            mode = TlsMode::Unverified;
        }
        Ok(mode)
    }

    /// The outcome; `required` when the bridge never talks in plain text.
    ///
    /// # Errors
    /// Says what is wrong, and of files no more than that they cannot be used.
    pub fn decide(self, required: bool) -> Result<TlsDecision, String> {
        let mode = self.mode(required)?;
        self.client(mode)
            .map(|client| TlsDecision { mode, client })
            .map_err(|problem| match files::is_managed() {
                false => problem,
                // Who wrote it down is not who has the files.
                true => {
                    log::warn!("a source's TLS settings cannot be used: {problem}");
                    "its TLS settings (sslrootcert, sslcert, sslkey) cannot be used; the runner's log says why"
                        .to_owned()
                }
            })
    }

    fn client(&self, mode: TlsMode) -> Result<Arc<ClientConfig>, String> {
        let identity = match mode {
            TlsMode::Off => None,
            _ => self.identity()?,
        };
        let mut own = Vec::new();
        if mode == TlsMode::Verified {
            for roots in &self.roots {
                let found = roots.certificates();
                own.extend(found.map_err(|error| format!("the roots (sslrootcert) {error}"))?);
            }
        }
        let client = match mode {
            TlsMode::Verified => verified_as(&own, identity),
            _ => unverified_as(identity),
        };
        client.map_err(|error| format!("TLS cannot be set up: {error}"))
    }

    /// What the server is shown. The key may stand in the file of the certificate.
    fn identity(&self) -> Result<Option<CertifiedKey>, String> {
        let Some(certificate) = &self.certificate else {
            return match self.key {
                Some(_) => {
                    Err("a client's key (sslkey) needs its certificate (sslcert)".to_owned())
                }
                None => Ok(None),
            };
        };
        let chain = certificate.certificates();
        let chain = chain.map_err(|error| format!("the client's certificate (sslcert) {error}"))?;
        let key = self.key.as_ref().unwrap_or(certificate).key();
        let key = key.map_err(|error| format!("the client's key (sslkey) {error}"))?;
        let identity = identity(chain, &key);
        identity
            .map(Some)
            .map_err(|problem| format!("the client's key (sslkey) {problem}"))
    }
}

const ENCRYPTED_KEY: &str = "a key with a password (sslpassword) is not supported; name one without: openssl pkey -in KEY -out PLAIN";

/// A name in lower case, without `-` and `_`.
fn plain(name: &str) -> String {
    name.to_lowercase().replace(['-', '_'], "")
}

/// A setting's value the same way.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text.trim()),
        Value::Null => String::new(),
        other => plain(&other.to_string()),
    }
}

fn truth(value: &Value) -> bool {
    !matches!(
        word(value).as_str(),
        "" | "false" | "f" | "0" | "no" | "n" | "off"
    )
}

fn pem(value: &Value) -> Option<Pem> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(Pem::of(text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mode(settings: &[(&str, Value)], required: bool) -> Option<TlsMode> {
        let mut found = TlsSettings::default();
        for (name, value) in settings {
            assert!(found.take(name, value).unwrap(), "{name}");
        }
        found.mode(required).ok()
    }

    #[test]
    fn a_word_against_encryption_wins_over_a_root_file() {
        let root = ("sslrootcert", json!("/ca.pem"));
        for off in [
            ("sslmode", json!("disable")),
            ("sslmode", json!("DISABLED")),
            ("ssl", json!(false)),
        ] {
            for both in [[off.clone(), root.clone()], [root.clone(), off.clone()]] {
                assert_eq!(mode(&both, false), Some(TlsMode::Off), "{both:?}");
            }
        }
    }

    #[test]
    fn words_of_many_tools_are_known() {
        for (name, value, expected) in [
            ("sslmode", json!("disable"), TlsMode::Off),
            ("ssl", json!(false), TlsMode::Off),
            ("ssl", json!("false"), TlsMode::Off),
            ("sslmode", json!("PREFERRED"), TlsMode::IfOffered),
            ("sslmode", json!("prefer"), TlsMode::IfOffered),
            ("ssl", json!(null), TlsMode::IfOffered),
            ("sslmode", json!("require"), TlsMode::Verified),
            ("SSLMODE", json!("verify-full"), TlsMode::Verified),
            ("sslMode", json!("VERIFY_IDENTITY"), TlsMode::Verified),
            ("sslmode", json!("verify-ca"), TlsMode::Verified),
            ("ssl", json!(true), TlsMode::Verified),
            ("ssl", json!("TRUE"), TlsMode::Verified),
            ("ssl", json!("on"), TlsMode::Verified),
            ("ssl", json!("yes"), TlsMode::Verified),
            ("ssl", json!("require"), TlsMode::Verified),
            ("ssl", json!("verify-full"), TlsMode::Verified),
            ("tls", json!("true"), TlsMode::Verified),
            ("requireSSL", json!("true"), TlsMode::Verified),
            ("encrypt", json!(true), TlsMode::Verified),
            ("ssl", json!({}), TlsMode::Verified),
            ("ssl", json!("Amazon RDS"), TlsMode::Verified),
            ("sslmode", json!("no such word"), TlsMode::Verified),
            ("sslaccept", json!("strict"), TlsMode::Verified),
            ("sslrootcert", json!("/ca.pem"), TlsMode::Verified),
            ("sslrootcert", json!("system"), TlsMode::Verified),
            ("ssl-ca", json!("/ca.pem"), TlsMode::Verified),
            ("rejectUnauthorized", json!(true), TlsMode::Verified),
            ("rejectUnauthorized", json!(false), TlsMode::Unverified),
            (
                "ssl",
                json!({"rejectUnauthorized": true}),
                TlsMode::Verified,
            ),
            ("sslmode", json!("no-verify"), TlsMode::Unverified),
            ("tls", json!("skip-verify"), TlsMode::Unverified),
            (
                "sslaccept",
                json!("accept_invalid_certs"),
                TlsMode::Unverified,
            ),
            (
                "ssl",
                json!({"rejectUnauthorized": false}),
                TlsMode::Unverified,
            ),
            (
                "ssl",
                json!("{\"rejectUnauthorized\":false}"),
                TlsMode::Unverified,
            ),
        ] {
            let found = mode(&[(name, value.clone())], false);
            assert_eq!(found, Some(expected), "{name}={value}");
        }
        assert_eq!(mode(&[], false), Some(TlsMode::IfOffered));
        assert!(TlsSettings::default().take("ssl", &json!("{oops")).is_err());
        assert_eq!(
            TlsSettings::default().take("charset", &json!("utf8")),
            Ok(false)
        );
    }

    #[test]
    fn settings_work_together() {
        let require = ("sslmode", json!("require"));
        let compatible = ("uselibpqcompat", json!("true"));
        let roots = ("sslrootcert", json!("/ca.pem"));
        let off = ("ssl", json!(false));
        let prefer = ("sslmode", json!("prefer"));
        for (settings, required, expected) in [
            (
                vec![require.clone(), compatible.clone()],
                false,
                Some(TlsMode::Unverified),
            ),
            (
                vec![require.clone(), compatible, roots.clone()],
                false,
                Some(TlsMode::Verified),
            ),
            (
                vec![require.clone(), off.clone()],
                false,
                Some(TlsMode::Verified),
            ),
            (vec![off.clone(), require], false, Some(TlsMode::Verified)),
            (vec![prefer, roots.clone()], false, Some(TlsMode::Verified)),
            (vec![off.clone(), roots], false, Some(TlsMode::Off)),
            (vec![off], true, None),
            (vec![], true, Some(TlsMode::Verified)),
            (
                vec![("sslmode", json!("no-verify"))],
                true,
                Some(TlsMode::Unverified),
            ),
        ] {
            assert_eq!(mode(&settings, required), expected, "{settings:?}");
        }
    }

    #[test]
    fn files_that_cannot_be_used_are_not_described() {
        for (name, path) in [
            ("sslrootcert", "/nonexistent/ca.pem"),
            ("sslrootcert", "/dev/zero"),
        ] {
            let mut settings = TlsSettings::default();
            settings.take(name, &json!(path)).unwrap();
            let error = settings.decide(false).err().unwrap();
            assert!(error.contains("sslrootcert"), "{error}");
            assert!(!error.contains(path), "{error}");
        }
        let mut settings = TlsSettings::default();
        for (name, value) in [
            ("ssl", "true"),
            ("sslcert", "/dev/zero"),
            ("sslkey", "/dev/zero"),
        ] {
            settings.take(name, &json!(value)).unwrap();
        }
        assert!(settings.decide(false).is_err());
    }
}
