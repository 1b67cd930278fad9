//! Roots for the driver, which takes the path of a file and no bytes.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use nix::sys::memfd::{MFdFlags, memfd_create};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;

use crate::net::base64;

/// Roots as a file of the process' memory: the runner's file system may be read-only.
#[derive(Debug)]
pub(super) struct RootsFile {
    /// Where the driver finds it.
    pub(super) path: PathBuf,
    _file: File,
}

impl RootsFile {
    /// `None` when there is nothing to add.
    pub(super) fn new(certificates: &[CertificateDer<'static>]) -> Option<Self> {
        let mut store = RootCertStore::empty();
        let mut pem = String::new();
        for certificate in certificates {
            // The driver gives up on a file with a single certificate that cannot be a root.
            if store.add(certificate.clone()).is_ok() {
                pem.push_str("-----BEGIN CERTIFICATE-----\n");
                pem.push_str(&base64::encode(certificate));
                pem.push_str("\n-----END CERTIFICATE-----\n");
            }
        }
        if pem.is_empty() {
            return None;
        }
        let written = memfd_create("roots", MFdFlags::MFD_CLOEXEC)
            .map_err(io::Error::from)
            .and_then(|memory| {
                let mut file = File::from(memory);
                file.write_all(pem.as_bytes())?;
                Ok(file)
            });
        match written {
            Ok(file) => Some(Self {
                path: Path::new("/proc/self/fd").join(file.as_raw_fd().to_string()),
                _file: file,
            }),
            Err(error) => {
                log::warn!("the extra roots cannot be handed to the MySQL driver: {error}");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_root_is_left_out() {
        assert!(RootsFile::new(&[]).is_none());
        assert!(RootsFile::new(&[CertificateDer::from(vec![1, 2, 3])]).is_none());
    }
}
