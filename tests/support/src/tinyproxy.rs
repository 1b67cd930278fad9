//! Debian's tinyproxy as a child process: a proxy that was not written by us.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::network::closed_port;
use crate::temp::TempDir;

/// A running tinyproxy on the loopback interface, ended when dropped.
pub struct Tinyproxy {
    /// Where it listens.
    pub port: u16,
    folder: TempDir,
    child: Child,
}

impl Tinyproxy {
    /// Starts one that lets anybody through, or only a user with a password. `None` where it is not installed.
    pub fn start(user: Option<(&str, &str)>) -> Option<Self> {
        let binary = ["/usr/bin/tinyproxy", "/usr/sbin/tinyproxy"]
            .into_iter()
            .find(|path| fs::metadata(path).is_ok());
        let Some(binary) = binary else {
            println!("skipped: tinyproxy is not installed (Debian: apt-get install tinyproxy-bin)");
            return None;
        };
        let folder = TempDir::new();
        let port = closed_port();
        let log = folder.path().join("log");
        let mut config = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 60\nLogLevel Connect\nLogFile \"{}\"\nMaxClients 20\n",
            log.display()
        );
        if let Some((name, password)) = user {
            config.push_str(&format!("BasicAuth {name} {password}\n"));
        }
        let file = folder.write("tinyproxy.conf", config);
        let child = Command::new(binary)
            .arg("-d")
            .arg("-c")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("tinyproxy starts");
        let proxy = Self {
            port,
            folder,
            child,
        };
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "tinyproxy does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        Some(proxy)
    }

    /// What it has written down: the hosts it was asked for.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Tinyproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
