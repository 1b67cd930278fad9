//! A Redis of one test, in whatever configuration.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{RedisClient, skipped};
use crate::network;
use crate::temp::TempDir;

/// A running server; it ends with the value.
pub struct PrivateRedis {
    /// Its URL, without encryption.
    pub url: String,
    /// Its port for TLS, if it was given a certificate.
    pub tls_port: u16,
    child: Child,
    folder: TempDir,
}

impl PrivateRedis {
    /// A Redis, or a Valkey, with these options besides the usual ones. Files that options name by `{}/NAME` are in its
    /// folder, and `files` are written there. `None`, and why, where there is none.
    pub fn start(options: &[&str], files: &[(&str, &str)]) -> Option<Self> {
        let folder = TempDir::new();
        for (name, text) in files {
            folder.write(name, text);
        }
        let place = folder.path().to_str().expect("a path of text").to_owned();
        for server in ["redis-server", "valkey-server"] {
            let (port, tls_port) = (network::closed_port(), network::closed_port());
            let mut command = Command::new(server);
            command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
            command.args(["--port", &port.to_string(), "--dir", &place]);
            for option in options {
                let option = option.replace("{}", &place);
                command.arg(option.replace("{tls}", &tls_port.to_string()));
            }
            let command = command.stdin(Stdio::null()).stdout(Stdio::null());
            let Ok(child) = command.stderr(Stdio::null()).spawn() else {
                continue;
            };
            let redis = Self {
                url: format!("redis://127.0.0.1:{port}"),
                tls_port,
                child,
                folder,
            };
            let until = Instant::now() + Duration::from_secs(10);
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(
                    Instant::now() < until,
                    "{server} does not start: {options:?}"
                );
                thread::sleep(Duration::from_millis(20));
            }
            return Some(redis);
        }
        skipped(
            "redis",
            "there is no redis-server (Debian: apt-get install redis-server)",
        );
        None
    }

    /// A file of its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// As its default user.
    pub fn client(&self) -> RedisClient {
        RedisClient::connect(&self.url)
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
