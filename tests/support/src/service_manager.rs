//! The other end of systemd's protocol: what a runner tells its service manager.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use crate::temp::TempDir;

const SOON: Duration = Duration::from_secs(10);

/// The socket a service manager would have.
pub struct Manager {
    socket: UnixDatagram,
    folder: TempDir,
}

impl Manager {
    /// Binds a socket in a folder of its own.
    pub fn new() -> Self {
        let folder = TempDir::new();
        let socket = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
        Self { socket, folder }
    }

    /// The value of `NOTIFY_SOCKET`.
    pub fn name(&self) -> String {
        self.folder.path().join("notify").display().to_string()
    }

    /// The next text, if one comes within `limit`.
    pub fn told(&self, limit: Duration) -> Option<String> {
        let limit = limit.max(Duration::from_millis(1));
        self.socket
            .set_read_timeout(Some(limit))
            .expect("a time-out");
        let mut buffer = [0; 4096];
        match self.socket.recv(&mut buffer) {
            Ok(length) => Some(String::from_utf8_lossy(&buffer[..length]).into_owned()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Waits until it is told this; panics after ten seconds.
    #[track_caller]
    pub fn wait(&self, assignment: &str) {
        let until = Instant::now() + SOON;
        while let Some(text) = self.told(until.saturating_duration_since(Instant::now())) {
            if text.lines().any(|line| line == assignment) {
                return;
            }
        }
        panic!("not told {assignment}");
    }

    /// How often the watchdog is fed during this time.
    pub fn feedings(&self, during: Duration) -> usize {
        let until = Instant::now() + during;
        std::iter::from_fn(|| self.told(until.saturating_duration_since(Instant::now())))
            .filter(|text| text == "WATCHDOG=1")
            .count()
    }
}

impl Default for Manager {
    fn default() -> Self {
        Self::new()
    }
}
