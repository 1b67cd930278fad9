//! A database server of one test, to be restarted and maltreated.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;

use crate::temp::TempDir;
use crate::{TestCa, project};

/// A running server without anybody else on it; it ends with the value.
pub struct PrivateServer {
    /// The URL of its conformance database.
    pub url: String,
    engine: &'static str,
    folder: TempDir,
}

pub(super) fn script() -> PathBuf {
    project("scripts/databases.sh")
}

impl PrivateServer {
    /// A PostgreSQL. `None`, and why, where it cannot be started.
    pub fn postgres() -> Option<Self> {
        Self::start("postgres", "TEST_POSTGRES_URL")
    }

    /// A MariaDB.
    pub fn mariadb() -> Option<Self> {
        Self::start("mariadb", "TEST_MARIADB_URL")
    }

    fn start(engine: &'static str, variable: &str) -> Option<Self> {
        let folder = TempDir::new();
        let mut command = Command::new(script());
        command.arg("up").arg(folder.path());
        // The script starts what it is not given.
        for other in [
            "TEST_POSTGRES_URL",
            "TEST_MARIADB_URL",
            "TEST_PGBOUNCER_URL",
            "TEST_MYSQL_URL",
            "TEST_MONGODB_URL",
            "TEST_REDIS_URL",
            "TEST_TURSO_URL",
        ] {
            command.env(other, "none");
        }
        command.env_remove(variable);
        let output = command.output().expect("scripts/databases.sh");
        let exports = fs::read_to_string(folder.path().join("env")).unwrap_or_default();
        let mut lines = exports.lines();
        let url = lines
            .find_map(|line| line.split_once(&format!("{variable}=")))
            .map(|(_, url)| url);
        let Some(url) = url.filter(|_| output.status.success()) else {
            let said = String::from_utf8_lossy(&output.stderr);
            super::skipped(engine, &format!("no {engine} of its own: {}", said.trim()));
            return None;
        };
        Some(Self {
            url: url.to_owned(),
            engine,
            folder,
        })
    }

    /// Ends it without a good-bye, as a crash does, and starts it again on the same port.
    pub fn restart(&self) {
        self.script("restart");
    }

    /// Gives a PostgreSQL a standby that follows it, and tells the standby's URL. It ends with the server.
    pub fn replica(&self) -> String {
        self.script("replica").trim().to_owned()
    }

    /// Has a PostgreSQL offer TLS with a certificate for 127.0.0.1 that this authority has signed.
    pub fn encrypt(&self, ca: &TestCa) {
        let (certificate, key) = ca.issue_pem(&["127.0.0.1"]);
        self.encrypt_with(&certificate, &key);
    }

    /// The same with a certificate and key from elsewhere, as PEM. A MariaDB is started again for it.
    pub fn encrypt_with(&self, certificate: &str, key: &str) {
        if self.engine == "mariadb" {
            return self.configure(&self.encryption(certificate, key));
        }
        self.file("data/server.crt", certificate);
        self.file("data/server.key", key);
        self.administrate("ALTER SYSTEM SET ssl = on");
        self.administrate("SELECT pg_reload_conf()");
    }

    /// What a MariaDB's settings say of a certificate and its key.
    pub fn encryption(&self, certificate: &str, key: &str) -> String {
        let certificate = self.file("server.crt", certificate);
        let key = self.file("server.key", key);
        let (certificate, key) = (certificate.display(), key.display());
        format!("ssl_cert = {certificate}\nssl_key = {key}\n")
    }

    /// Starts a MariaDB again with these settings beside those that all have.
    pub fn configure(&self, settings: &str) {
        self.file("my.cnf", &format!("[mariadbd]\n{settings}\n"));
        self.restart();
    }

    /// A file that is the server's own.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let folder = self.folder.path().join(self.engine);
        let owner = fs::metadata(folder.join("data")).expect("the data folder");
        let file = folder.join(name);
        fs::write(&file, text).expect("a file of the server");
        // Of keys servers insist on both.
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("its mode");
        chown(&file, Some(owner.uid()), Some(owner.gid())).expect("its owner");
        file
    }

    /// What the script prints.
    fn script(&self, word: &str) -> String {
        let mut command = Command::new(script());
        let output = command.arg(word).arg(self.folder.path()).output();
        let output = output.expect("scripts/databases.sh");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{word} {}: {said}", self.engine);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs statements as the administrator.
    pub fn administrate(&self, sql: &str) {
        let mut command = match self.engine {
            "postgres" => {
                let mut command = Command::new("psql");
                command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, &self.url]);
                command
            }
            _ => {
                let mut command = Command::new("mariadb");
                let socket = self.folder.path().join("mariadb/s");
                command
                    .args(["--no-defaults", "--skip-ssl", "-u", "root", "-e", sql, "-S"])
                    .arg(socket);
                command
            }
        };
        let output = command.output().expect("a client");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {said}");
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        let _ = Command::new(script())
            .arg("down")
            .arg(self.folder.path())
            .status();
    }
}
