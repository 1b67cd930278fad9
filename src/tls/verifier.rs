//! The check of a server's certificate: webpki's, and besides it the certificates that are trusted as they
//! are, or none at all. Refusals say what the certificate is.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, PeerMisbehaved, SignatureScheme,
};

use crate::tls::certificate::{CertificateFacts, public_key};
use crate::tls::problem::CertificateProblem;

/// Whose certificates are accepted.
#[derive(Debug)]
pub(super) enum Trust {
    /// Anybody's, whoever signed it and whatever its name.
    Anybody,
    /// Those that webpki accepts, and each of `extra` as it is. OpenSSL, and so the official runner, trusts a
    /// server whose own self-signed certificate stands among the extra roots. webpki does not: for it a root
    /// is no server. A certificate that is, byte for byte, one of the extra roots is accepted here for the
    /// names and the time that it says.
    Roots {
        /// Knows all roots, the extra ones among them.
        webpki: Arc<WebPkiServerVerifier>,
        /// The roots that were added here.
        extra: Vec<CertificateDer<'static>>,
        /// Whatever the name of a certificate that is accepted otherwise.
        any_name: bool,
    },
}

/// Accepts the certificates that it trusts. The handshake's signature is checked whatever is trusted, so the
/// server does hold the certificate's key: a broken server is told from a working one.
#[derive(Debug)]
pub(super) struct Verifier {
    provider: Arc<CryptoProvider>,
    trust: Trust,
}

impl Verifier {
    pub(super) fn new(provider: Arc<CryptoProvider>, trust: Trust) -> Self {
        Self { provider, trust }
    }

    /// The name is checked by webpki as everywhere, the time by ourselves.
    fn accepts_as_is(
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let facts = CertificateFacts::read(certificate).ok_or(CertificateError::BadEncoding)?;
        if now.as_secs() < facts.not_before {
            return Err(CertificateError::NotValidYet.into());
        }
        if now.as_secs() > facts.not_after {
            return Err(CertificateError::Expired.into());
        }
        verify_server_name(&ParsedCertificate::try_from(certificate)?, name)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Trust::Roots {
            webpki,
            extra,
            any_name,
        } = &self.trust
        else {
            return Ok(ServerCertVerified::assertion());
        };
        let mut outcome =
            webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        // webpki looks at the name last, when the chain has been found good.
        if let Err(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) = outcome
            && *any_name
        {
            outcome = Ok(ServerCertVerified::assertion());
        }
        if outcome.is_err() && extra.iter().any(|extra| extra == end_entity) {
            outcome = Self::accepts_as_is(end_entity, server_name, now)
                .map(|()| ServerCertVerified::assertion());
        }
        outcome.map_err(|error| match error {
            Error::InvalidCertificate(cause) => {
                let problem = CertificateProblem::new(cause, end_entity);
                CertificateError::Other(OtherError(Arc::new(problem))).into()
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        match self.trust {
            Trust::Anybody => verify_by_key(message, cert, dss, algorithms),
            Trust::Roots { .. } => verify_tls12_signature(message, cert, dss, algorithms),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        match self.trust {
            Trust::Anybody => verify_by_key(message, cert, dss, algorithms),
            Trust::Roots { .. } => verify_tls13_signature(message, cert, dss, algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Checks a signature with a certificate's key, whatever else is in the certificate: webpki reads none of version 1,
/// which `openssl x509 -req` makes.
fn verify_by_key(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let (algorithm, key) = public_key(certificate).ok_or(CertificateError::BadEncoding)?;
    let mut schemes = algorithms.mapping.iter();
    let (_, ways) = schemes
        .find(|(scheme, _)| *scheme == signed.scheme)
        .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    ways.iter()
        .find(|way| way.public_key_alg_id().as_ref() == algorithm)
        .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?
        .verify_signature(key, message, signed.signature())
        .map_err(|_| CertificateError::BadSignature)?;
    Ok(HandshakeSignatureValid::assertion())
}
