//! What a service manager is told: that the runner is up, that the gateway answers, that it stops.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use runner_testkit::gateway::Options;
use runner_testkit::temp::TempDir;
use runner_testkit::{Admission, Gateway, runner, watchdog};

const SOON: Duration = Duration::from_secs(10);

/// The socket a service manager would have.
struct Manager {
    socket: UnixDatagram,
    folder: TempDir,
}

impl Manager {
    fn new() -> Self {
        let folder = TempDir::new();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        Self { socket, folder }
    }

    fn name(&self) -> String {
        self.folder.path().join("notify").display().to_string()
    }

    /// The next text, if one comes within `limit`.
    fn told(&self, limit: Duration) -> Option<String> {
        let limit = limit.max(Duration::from_millis(1));
        self.socket.set_read_timeout(Some(limit)).unwrap();
        let mut buffer = [0; 4096];
        match self.socket.recv(&mut buffer) {
            Ok(length) => Some(String::from_utf8(buffer[..length].to_vec()).unwrap()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn wait(&self, assignment: &str) {
        let until = Instant::now() + SOON;
        while let Some(text) = self.told(until.saturating_duration_since(Instant::now())) {
            if text.lines().any(|line| line == assignment) {
                return;
            }
        }
        panic!("not told {assignment}");
    }

    /// How often the watchdog is fed during this time.
    fn feedings(&self, during: Duration) -> usize {
        let until = Instant::now() + during;
        std::iter::from_fn(|| self.told(until.saturating_duration_since(Instant::now())))
            .filter(|text| text == "WATCHDOG=1")
            .count()
    }
}

#[test]
fn start_life_and_end_are_told() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let manager = Manager::new();
    let gateway = Gateway::start();
    let runner = runner!(gateway)
        .env("NOTIFY_SOCKET", manager.name())
        .env("WATCHDOG_USEC", "5000000")
        .env("SEMILAYER_HEARTBEAT_MS", "1500")
        .start();
    manager.wait("READY=1");
    assert!(manager.feedings(Duration::from_secs(4)) >= 2);
    // A gateway that does not answer: the runner lives, tries again, and is not reported as alive.
    gateway.connection().stall(true);
    manager.wait("STATUS=disconnected: close 1006");
    manager.wait("READY=1");
    runner.signal("TERM");
    manager.wait("STOPPING=1");
    assert!(runner.wait_exit(SOON).success());
}

#[test]
fn nobody_is_fed_by_a_gateway_that_is_silent_or_refuses() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let manager = Manager::new();
    let gateway = Gateway::with(Options {
        admit: Box::new(|_| Admission::Close(4401, "bad token")),
        ..Options::default()
    });
    let runner = runner!(gateway)
        .env("NOTIFY_SOCKET", manager.name())
        .env("WATCHDOG_USEC", "5000000")
        .start();
    manager.wait("STATUS=disconnected: 4401 bad token");
    assert_eq!(manager.feedings(Duration::from_secs(2)), 0);
    runner.signal("TERM");
    manager.wait("STOPPING=1");
    assert!(runner.wait_exit(SOON).success());
}

#[test]
fn without_a_watchdog_none_is_fed() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let manager = Manager::new();
    let gateway = Gateway::start();
    let _runner = runner!(gateway)
        .env("NOTIFY_SOCKET", manager.name())
        .env("SEMILAYER_HEARTBEAT_MS", "300")
        .start();
    manager.wait("READY=1");
    assert_eq!(manager.feedings(Duration::from_secs(2)), 0);
}
