//! What a connection string says of TLS. It is off unless asked for, which naming a file or a service does too; then
//! the server's certificate is checked in full unless an option lowers that by name.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::options::Options;
use crate::bridges::config::unusable;
use crate::error::JobError;
use crate::files;
use crate::tls::{self, Pem};

pub(super) fn configure(
    options: &Options,
    service: bool,
) -> Result<Option<Arc<ClientConfig>>, JobError> {
    let named = options.ca_file.is_some() || options.certificate_key_file.is_some();
    if !options.tls.unwrap_or(service || named) {
        return Ok(None);
    }
    let config = client(options).map_err(|problem| match files::is_managed() {
        false => unusable(problem),
        // Who wrote it down is not who has the files.
        true => {
            log::warn!("a source's TLS settings cannot be used: {problem}");
            unusable(
                "its TLS settings (tlsCAFile, tlsCertificateKeyFile) cannot be used; the runner's log says why",
            )
        }
    })?;
    Ok(Some(config))
}

fn client(options: &Options) -> Result<Arc<ClientConfig>, String> {
    let own = match &options.ca_file {
        None => Vec::new(),
        Some(file) => Pem::File(file.into())
            .certificates()
            .map_err(|error| format!("tlsCAFile {file} {}", tls::chain(&error)))?,
    };
    let config = if options.insecure || options.any_certificate {
        log::warn!(
            "the server's certificate is not checked: the url says tlsInsecure or tlsAllowInvalidCertificates"
        );
        tls::unverified()
    } else if options.any_host_name {
        tls::verified_whatever_its_name(&own)
    } else if own.is_empty() {
        tls::verified()
    } else {
        tls::verified_by(&own)
    };
    let config = config.map_err(|error| format!("TLS: {}", tls::chain(&error)))?;
    let Some(file) = &options.certificate_key_file else {
        return Ok(config);
    };
    let identity = read_identity(&Pem::File(file.into()))
        .map_err(|problem| format!("tlsCertificateKeyFile {file} {problem}"))?;
    let mut config = ClientConfig::clone(&config);
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(identity));
    Ok(Arc::new(config))
}

/// A certificate, what it was signed with, and its key, all in one PEM file.
fn read_identity(file: &Pem) -> Result<CertifiedKey, String> {
    let certificates = file.certificates().map_err(|error| error.to_string())?;
    let key = file.key().map_err(|error| error.to_string())?;
    tls::identity(certificates, &key).map_err(|problem| format!("holds a key that {problem}"))
}
