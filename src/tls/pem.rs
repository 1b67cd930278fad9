//! Certificates and keys as people have them: a file or its text, in PEM as any tool writes it, and with what editors,
//! tools and copying add to it.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::tls::certificate::first_element;
use crate::{files, limits};

/// Where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pem {
    /// In this file.
    File(PathBuf),
    /// Right here.
    Text(String),
}

/// Why it is of no use.
#[derive(Debug)]
#[non_exhaustive]
pub enum PemError {
    /// The file cannot be opened or read.
    Io(io::Error),
    /// The file is longer than any bundle of roots.
    TooLong,
    /// A section of the file is broken.
    Pem(pem::Error),
    /// The file holds no certificate.
    Empty,
    /// The file holds no key.
    NoKey,
    /// The key needs a password.
    EncryptedKey,
}

impl fmt::Display for PemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot be read: {error}"),
            Self::TooLong => write!(f, "is longer than {} bytes", limits::MAX_PEM_BYTES),
            Self::Pem(error) => write!(f, "is not PEM: {error}"),
            Self::Empty => f.write_str("holds no certificate"),
            Self::NoKey => f.write_str("holds no private key as PEM"),
            Self::EncryptedKey => f.write_str(
                "holds a key with a password, which is not supported; write one without: \
                 openssl pkey -in KEY -out PLAIN",
            ),
        }
    }
}

impl std::error::Error for PemError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Pem(error) => Some(error),
            Self::TooLong | Self::Empty | Self::NoKey | Self::EncryptedKey => None,
        }
    }
}

impl Pem {
    /// What a setting says: the text itself, or else the name of a file.
    pub fn of(setting: &str) -> Self {
        match setting.contains("-----BEGIN ") {
            true => Self::Text(setting.to_owned()),
            false => Self::File(PathBuf::from(setting.trim_end())),
        }
    }

    /// Its certificates, at least one.
    ///
    /// # Errors
    /// It cannot be read, or holds none.
    pub fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, PemError> {
        let found = CertificateDer::pem_slice_iter(self.usual()?.as_bytes())
            .map(|found| found.map(certificate_alone))
            .collect::<Result<Vec<_>, _>>()
            .map_err(PemError::Pem)?;
        match found.is_empty() {
            true => Err(PemError::Empty),
            false => Ok(found),
        }
    }

    /// Its first private key, in any of the usual forms (PKCS#8, PKCS#1, SEC1).
    ///
    /// # Errors
    /// It cannot be read, holds none, or one that a password protects.
    pub fn key(&self) -> Result<PrivateKeyDer<'static>, PemError> {
        let text = self.usual()?;
        // The newer form says so at its beginning, the older one in a line of its own.
        let encrypted = [
            "-----BEGIN ENCRYPTED PRIVATE KEY-----",
            "Proc-Type: 4,ENCRYPTED",
        ];
        if encrypted.iter().any(|mark| text.contains(mark)) {
            return Err(PemError::EncryptedKey);
        }
        PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| match error {
            pem::Error::NoItemsFound => PemError::NoKey,
            other => PemError::Pem(other),
        })
    }

    /// The text without the mark that some editors put before it (and before each part of what was put together), and
    /// with the usual name on every certificate: old tools have a longer one, and OpenSSL another where it says what the
    /// certificate is trusted for. A variable may have `\n` for its line ends.
    fn usual(&self) -> Result<String, PemError> {
        let text = match self {
            Self::Text(text) if !text.contains('\n') => text.replace("\\n", "\n"),
            Self::Text(text) => text.clone(),
            Self::File(file) => String::from_utf8_lossy(&read(file)?).into_owned(),
        };
        let mut usual = text.replace('\u{feff}', "");
        for name in ["X509 CERTIFICATE", "TRUSTED CERTIFICATE"] {
            for edge in ["BEGIN", "END"] {
                usual = usual.replace(
                    &format!("-----{edge} {name}-----"),
                    &format!("-----{edge} CERTIFICATE-----"),
                );
            }
        }
        Ok(usual)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, PemError> {
    files::read(file, limits::MAX_PEM_BYTES).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => PemError::TooLong,
        _ => PemError::Io(error),
    })
}

/// Without what OpenSSL says of its trust, which follows it.
fn certificate_alone(der: CertificateDer<'static>) -> CertificateDer<'static> {
    match first_element(&der) {
        Some(alone) if alone.len() < der.len() => alone.to_vec().into(),
        _ => der,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

    fn certificates(text: &str) -> usize {
        let found = Pem::Text(text.to_owned()).certificates();
        let found = found.unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert!(found.iter().all(|der| **der == [0x30, 0]), "{text:?}");
        found.len()
    }

    #[test]
    fn what_editors_and_tools_add_is_no_part_of_a_certificate() {
        let crlf = ONE.replace('\n', "\r\n");
        let (old, trusted) = (
            ONE.replace("CERTIFICATE", "X509 CERTIFICATE"),
            // What it is trusted for follows.
            ONE.replace("CERTIFICATE", "TRUSTED CERTIFICATE")
                .replace("MAA=", "MAAwAA=="),
        );
        for (text, count) in [
            (ONE.to_owned(), 1),
            (format!("\u{feff}{ONE}"), 1),
            (format!("{ONE}\u{feff}{ONE}"), 2),
            (crlf.clone(), 1),
            (format!("\u{feff}{crlf}{crlf}"), 2),
            (ONE.trim_end().to_owned(), 1),
            (format!("subject=CN = x\n\n{ONE}and more\n{ONE}"), 2),
            (old, 1),
            (trusted, 1),
            (ONE.replace('\n', "\\n"), 1),
        ] {
            assert_eq!(certificates(&text), count, "{text:?}");
        }
    }

    #[test]
    fn what_holds_nothing_says_so() {
        let error = |text: &str| Pem::Text(text.to_owned()).certificates().unwrap_err();
        assert!(matches!(error("nothing"), PemError::Empty));
        assert!(matches!(
            error("-----BEGIN CERTIFICATE-----\nMAA="),
            PemError::Pem(_)
        ));
        let key = |text: &str| Pem::Text(text.to_owned()).key();
        assert!(matches!(key(ONE), Err(PemError::NoKey)));
        let plain = "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n";
        assert!(key(&format!("\u{feff}{ONE}{plain}")).is_ok());
        for encrypted in [
            plain.replace("EC PRIVATE", "ENCRYPTED PRIVATE"),
            plain.replace(
                "\nMAA",
                "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMAA",
            ),
        ] {
            assert!(matches!(key(&encrypted), Err(PemError::EncryptedKey)));
        }
    }

    #[test]
    fn a_setting_is_a_file_or_the_text_itself() {
        assert_eq!(Pem::of("/ca.pem\n"), Pem::File("/ca.pem".into()));
        assert_eq!(Pem::of(ONE), Pem::Text(ONE.to_owned()));
    }
}
