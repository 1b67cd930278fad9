//! Roots for the driver, which takes the path of a file and no bytes.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;

use crate::net::base64;

/// Roots as a file.
#[derive(Debug)]
pub(super) struct RootsFile {
    /// Where the driver finds it.
    pub(super) path: PathBuf,
    _file: File,
}

/// A new file for reading and writing, and where others find it: on Linux one of the process' memory, because the
/// runner's file system may be read-only.
#[cfg(target_os = "linux")]
fn create() -> io::Result<(File, PathBuf)> {
    use std::os::fd::AsRawFd;

    use nix::sys::memfd::{MFdFlags, memfd_create};

    let file = File::from(memfd_create("roots", MFdFlags::MFD_CLOEXEC)?);
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    Ok((file, path))
}

/// Elsewhere an ordinary one, which nobody else may have made before.
#[cfg(not(target_os = "linux"))]
fn create() -> io::Result<(File, PathBuf)> {
    use std::sync::atomic::{AtomicU64, Ordering};

    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("semilayer-runner-roots-{}-{number}.pem", std::process::id());
    let path = std::env::temp_dir().join(name);
    let file = File::options().write(true).create_new(true).open(&path)?;
    Ok((file, path))
}

#[cfg(not(target_os = "linux"))]
impl Drop for RootsFile {
    fn drop(&mut self) {
        // It holds nothing secret.
        let _ = std::fs::remove_file(&self.path);
    }
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
        let written = create().and_then(|(mut file, path)| {
            file.write_all(pem.as_bytes())?;
            Ok(Self { path, _file: file })
        });
        match written {
            Ok(roots) => Some(roots),
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
