//! Why a certificate is refused, in words that say what to do.

use std::error::Error;
use std::fmt;
use std::io;

use rustls::CertificateError::{
    BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
    NotValidYetContext, UnknownIssuer,
};
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use crate::text::printable;
use crate::tls::certificate::{CertificateFacts, Day};

/// Most names of a certificate that are listed.
const NAMES: usize = 5;

/// A certificate that was refused, and what it says about itself.
#[derive(Debug)]
pub struct CertificateProblem {
    cause: CertificateError,
    facts: Option<CertificateFacts>,
}

/// Who can do something about a refused certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Whoever decides which roots are trusted.
    Trust,
    /// Whoever sets this machine's clock or renews the certificate.
    Time,
    /// Whoever wrote the host name.
    Name,
    /// Nobody in particular.
    Other,
}

impl CertificateProblem {
    pub(super) fn new(cause: CertificateError, der: &[u8]) -> Self {
        Self {
            cause,
            facts: CertificateFacts::read(der),
        }
    }

    /// What the refused certificate says about itself, if it can be read.
    pub fn facts(&self) -> Option<&CertificateFacts> {
        self.facts.as_ref()
    }
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, &self.cause, self.facts.as_ref())
    }
}

impl Error for CertificateProblem {}

fn describe(
    f: &mut fmt::Formatter<'_>,
    cause: &CertificateError,
    facts: Option<&CertificateFacts>,
) -> fmt::Result {
    let now = || Day(UnixTime::now().as_secs());
    match (cause, facts) {
        (Expired | ExpiredContext { .. }, Some(facts)) => write!(
            f,
            "the server's certificate expired on {} (this machine's clock says {})",
            Day(facts.not_after),
            now()
        ),
        (ExpiredContext { not_after, .. }, None) => write!(
            f,
            "the server's certificate expired on {} (this machine's clock says {})",
            Day(not_after.as_secs()),
            now()
        ),
        (NotValidYet | NotValidYetContext { .. }, Some(facts)) => write!(
            f,
            "the server's certificate is valid only from {} on (this machine's clock says {})",
            Day(facts.not_before),
            now()
        ),
        (
            NotValidForNameContext {
                expected,
                presented,
            },
            _,
        ) => {
            write!(
                f,
                "the server's certificate is not for {}",
                expected.to_str()
            )?;
            match presented.as_slice() {
                [] => f.write_str(", it names no host at all"),
                names => write!(f, " but for {}", list(names)),
            }
        }
        (UnknownIssuer, Some(facts)) if facts.self_issued => write!(
            f,
            "the server's certificate is self-signed by \"{}\", which is not trusted here (UnknownIssuer); \
             {TRUST}",
            facts.issuer
        ),
        (UnknownIssuer, Some(facts)) => write!(
            f,
            "the server's certificate is signed by \"{}\", which is not trusted here (UnknownIssuer); {TRUST}",
            facts.issuer
        ),
        (UnknownIssuer, None) => write!(
            f,
            "the server's certificate is signed by nobody who is trusted here (UnknownIssuer); {TRUST}"
        ),
        // Found by its name, refused by its key: a certificate that was renewed, most of the time.
        (BadSignature, Some(facts)) => write!(
            f,
            "the server's certificate is signed by another \"{}\" than the one that is trusted here \
             (BadSignature); {TRUST}",
            facts.issuer
        ),
        (BadSignature, None) => write!(
            f,
            "the server's certificate is signed by another authority than the one of that name that is trusted \
             here (BadSignature); {TRUST}"
        ),
        (other, Some(facts)) if is_authority(other) => write!(
            f,
            "the server shows the certificate of the authority \"{}\" as its own, which is not trusted here \
             (CaUsedAsEndEntity); {TRUST}",
            facts.subject
        ),
        (other, _) if is_certificate(other, "UnsupportedCertVersion") => f.write_str(
            "the server's certificate is of version 1, as `openssl x509 -req` makes it, which cannot be verified \
             (UnsupportedCertVersion); make it with `-extfile` and `subjectAltName=DNS:<host>`",
        ),
        (other, _) => write!(f, "the server's certificate is refused: {other}"),
    }
}

/// How rustls begins a text that goes on with a link to its manual.
const NO_GOOD_BYE: &str = "peer closed connection without sending TLS close_notify";

const TRUST: &str = "to trust it, name its PEM file in NODE_EXTRA_CA_CERTS";

/// webpki's error for an end that shows a certificate of an authority.
fn is_authority(cause: &CertificateError) -> bool {
    is_certificate(cause, "CaUsedAsEndEntity")
}

/// True for the error of webpki by this name, which rustls passes on as it is.
fn is_certificate(cause: &CertificateError, name: &str) -> bool {
    matches!(cause, CertificateError::Other(other) if other.0.to_string() == name)
}

/// webpki quotes names as `DnsName("a.example")` and `IpAddress(10.0.0.1)`.
fn list(names: &[String]) -> String {
    let mut shown: Vec<String> = names
        .iter()
        .take(NAMES)
        .map(|name| {
            let inner = name
                .split_once('(')
                .and_then(|(_, rest)| rest.strip_suffix(')'));
            printable(inner.unwrap_or(name).trim_matches('"').chars().take(100))
        })
        .collect();
    if names.len() > NAMES {
        shown.push(format!("{} more", names.len() - NAMES));
    }
    shown.join(", ")
}

/// rustls' error, when that is what `error` is: by itself or inside I/O errors, which do not name what is in
/// them as their source.
fn rustls_error<'a>(mut error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    while let Some(outer) = error.downcast_ref::<io::Error>() {
        error = outer.get_ref()?;
    }
    error.downcast_ref()
}

/// The certificate that is behind an error, if one is.
pub fn certificate_problem<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CertificateProblem> {
    match rustls_error(error)? {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => other.0.downcast_ref(),
        _ => None,
    }
}

/// Who can do something about an error; `None` when it is not about a certificate.
pub fn remedy(error: &(dyn Error + 'static)) -> Option<Remedy> {
    let rustls::Error::InvalidCertificate(cause) = rustls_error(error)? else {
        return None;
    };
    let cause = certificate_problem(error).map_or(cause, |problem| &problem.cause);
    Some(match cause {
        UnknownIssuer | BadSignature => Remedy::Trust,
        other if is_authority(other) => Remedy::Trust,
        Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. } => Remedy::Time,
        NotValidForName | NotValidForNameContext { .. } => Remedy::Name,
        _ => Remedy::Other,
    })
}

/// The words for an error of TLS; `None` for other errors, and for those whose own words will do.
pub fn words(error: &(dyn Error + 'static)) -> Option<String> {
    struct Words<'a>(&'a CertificateError);
    impl fmt::Display for Words<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            describe(f, self.0, None)
        }
    }
    if let Some(end) = error.downcast_ref::<io::Error>()
        && end.kind() == io::ErrorKind::UnexpectedEof
        && end.to_string().starts_with(NO_GOOD_BYE)
    {
        return Some("the other end hung up (no close_notify)".to_owned());
    }
    match rustls_error(error)? {
        rustls::Error::InvalidCertificate(cause) => Some(match certificate_problem(error) {
            Some(problem) => problem.to_string(),
            None => Words(cause).to_string(),
        }),
        error @ (rustls::Error::PeerIncompatible(_)
        | rustls::Error::AlertReceived(
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity,
        )) => Some(format!(
            "the server has no kind of TLS that the runner speaks ({error}): TLS 1.2 or 1.3 with ECDHE, \
             AES-GCM or ChaCha20, and a certificate of RSA, P-256, P-384 or Ed25519"
        )),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            Some("what answers there does not speak TLS (InvalidContentType)".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_plainly() {
        let names = [
            "DnsName(\"a.example\")".to_owned(),
            "IpAddress(::1)".to_owned(),
        ];
        assert_eq!(list(&names), "a.example, ::1");
        let many = vec!["DnsName(\"a\")".to_owned(); 7];
        assert_eq!(list(&many), "a, a, a, a, a, 2 more");
    }

    #[test]
    fn drivers_with_a_check_of_their_own_get_the_same_words() {
        let error = |cause| {
            let error = rustls::Error::InvalidCertificate(cause);
            io::Error::new(io::ErrorKind::InvalidData, error)
        };
        let unknown = error(UnknownIssuer);
        assert_eq!(remedy(&unknown), Some(Remedy::Trust));
        let said = words(&unknown).unwrap();
        assert!(said.contains("UnknownIssuer") && said.contains("NODE_EXTRA_CA_CERTS"));
        assert_eq!(remedy(&error(Expired)), Some(Remedy::Time));
        let text = format!("{NO_GOOD_BYE}: https://example.org/manual");
        let end = io::Error::new(io::ErrorKind::UnexpectedEof, text);
        assert_eq!(
            words(&end).as_deref(),
            Some("the other end hung up (no close_notify)")
        );
        let other = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!((words(&other), remedy(&other)), (None, None));
    }
}
