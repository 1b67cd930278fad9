//! Certificates and keys by the `openssl` of this machine: of kinds, and in forms, that only it makes.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::temp::TempDir;

/// Options of `genpkey` for an RSA key.
pub const RSA: &[&str] = &["-algorithm", "RSA"];
/// For keys of elliptic curves.
pub const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
/// See [`P256`].
pub const P384: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
/// See [`P256`].
pub const P521: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"];
/// For one of Edwards' curve.
pub const ED25519: &[&str] = &["-algorithm", "ED25519"];

/// A folder in which `openssl` works.
pub struct Openssl {
    folder: TempDir,
}

impl Openssl {
    /// `None`, and why, where there is no `openssl`.
    pub fn start() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            println!("skipped: openssl is not installed (Debian: apt-get install openssl)");
            return None;
        }
        Some(Self {
            folder: TempDir::new(),
        })
    }

    /// A file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What one of its files holds.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file that openssl wrote")
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        self.folder.write(name, text)
    }

    /// Runs it.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) {
        let mut command = Command::new("openssl");
        let output = command.args(arguments).current_dir(self.folder.path());
        let output = output.output().expect("openssl");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }

    /// A new key in the file `NAME.key`.
    pub fn key(&self, name: &str, kind: &[&str]) {
        let out = format!("{name}.key");
        self.run(&[&["genpkey", "-out", &out], kind].concat());
    }

    /// The key in the file `key` once more in the file `locked`, behind the password `s3cret`.
    pub fn lock(&self, key: &str, locked: &str) {
        self.run(&[
            "pkcs8",
            "-topk8",
            "-in",
            key,
            "-passout",
            "pass:s3cret",
            "-out",
            locked,
        ]);
    }

    /// A certificate for the key `NAME.key`, signed by itself, in the file `NAME.pem`.
    pub fn self_sign(&self, name: &str, subject: &str) {
        let (key, out) = (format!("{name}.key"), format!("{name}.pem"));
        self.run(&["req", "-x509", "-key", &key, "-subj", subject, "-out", &out]);
    }

    /// One that `AUTHORITY.key` has signed. Of the first version, since it has no extensions.
    pub fn sign(&self, name: &str, subject: &str, authority: &str) {
        let (key, out) = (format!("{name}.key"), format!("{name}.pem"));
        let (ca, ca_key) = (format!("{authority}.pem"), format!("{authority}.key"));
        self.run(&[
            "req", "-new", "-key", &key, "-subj", subject, "-out", "request",
        ]);
        self.run(&[
            "x509",
            "-req",
            "-in",
            "request",
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-CAcreateserial",
            "-out",
            &out,
        ]);
    }
}
