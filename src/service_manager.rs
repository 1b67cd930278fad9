//! What a service manager that watches the process is told, by systemd's protocol: short texts on a datagram
//! socket whose name is in the environment. Silent where there is no service manager.
//!
//! The watchdog is fed with what the gateway sends and with nothing else: a runner that lives but is not
//! answered is a runner worth restarting.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use log::debug;

/// Telling more often than this is of no use to anybody.
const WATCHDOG_PAUSE: Duration = Duration::from_secs(1);

/// The line to the service manager, open or not.
#[derive(Debug, Default)]
pub struct ServiceManager {
    line: Option<Line>,
}

#[derive(Debug)]
struct Line {
    socket: UnixDatagram,
    address: SocketAddr,
    /// When the watchdog was last fed; `None` where nobody set one.
    watchdog: Option<Mutex<Option<Instant>>>,
}

impl ServiceManager {
    /// By `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` of the environment.
    ///
    /// # Errors
    /// `NOTIFY_SOCKET` names no socket, or the machine refuses one.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> io::Result<Self> {
        let Some(name) = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Ok(Self::default());
        };
        let address = address(&name)
            .map_err(|error| io::Error::new(error.kind(), format!("NOTIFY_SOCKET: {error}")))?;
        let socket = UnixDatagram::unbound()?;
        // A service manager that does not read must not hold up a session.
        socket.set_nonblocking(true)?;
        let watched = watches(
            variable("WATCHDOG_USEC").as_deref(),
            variable("WATCHDOG_PID").as_deref(),
            std::process::id(),
        );
        Ok(Self {
            line: Some(Line {
                socket,
                address,
                watchdog: watched.then(Mutex::default),
            }),
        })
    }

    /// The gateway has accepted the session: the service has started.
    pub fn ready(&self) {
        self.tell("READY=1\nSTATUS=connected, awaiting jobs");
        self.alive();
    }

    /// The session is over.
    pub fn disconnected(&self, reason: &str) {
        self.tell(&format!("STATUS=disconnected: {}", one_line(reason)));
    }

    /// The gateway has sent something.
    pub fn alive(&self) {
        let Some(fed) = self.line.as_ref().and_then(|line| line.watchdog.as_ref()) else {
            return;
        };
        let Ok(mut fed) = fed.lock() else { return };
        let now = Instant::now();
        if due(*fed, now) {
            *fed = Some(now);
            drop(fed);
            self.tell("WATCHDOG=1");
        }
    }

    /// The process is on its way out.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=finishing the jobs in hand");
    }

    fn tell(&self, text: &str) {
        if let Some(line) = &self.line
            && let Err(error) = line.socket.send_to_addr(text.as_bytes(), &line.address)
        {
            debug!("the service manager does not listen: {error}");
        }
    }
}

/// A path, or after an `@` a name in the kernel's own name space.
fn address(name: &str) -> io::Result<SocketAddr> {
    match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    }
}

/// Is this process the one the watchdog was set for?
fn watches(usec: Option<&str>, watched: Option<&str>, this: u32) -> bool {
    usec.and_then(|text| text.parse::<u64>().ok())
        .is_some_and(|usec| usec > 0)
        && watched.is_none_or(|pid| pid.parse() == Ok(this))
}

fn due(fed: Option<Instant>, now: Instant) -> bool {
    fed.is_none_or(|fed| now.duration_since(fed) >= WATCHDOG_PAUSE)
}

/// A line break would begin another assignment.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_paths_or_abstract() {
        assert!(
            address("/run/systemd/notify")
                .unwrap()
                .as_pathname()
                .is_some()
        );
        assert_eq!(
            address("@runner").unwrap().as_abstract_name(),
            Some(&b"runner"[..])
        );
        assert!(address(&"x".repeat(200)).is_err());
    }

    #[test]
    fn the_watchdog_is_only_ours_when_it_says_so() {
        assert!(watches(Some("1000000"), None, 7));
        assert!(watches(Some("1000000"), Some("7"), 7));
        assert!(!watches(Some("1000000"), Some("8"), 7));
        assert!(!watches(Some("0"), None, 7));
        assert!(!watches(Some("soon"), None, 7));
        assert!(!watches(None, Some("7"), 7));
    }

    #[test]
    fn the_watchdog_is_not_fed_with_every_frame() {
        let start = Instant::now();
        assert!(due(None, start));
        assert!(!due(Some(start), start + WATCHDOG_PAUSE / 2));
        assert!(due(Some(start), start + WATCHDOG_PAUSE));
    }

    #[test]
    fn a_reason_is_one_assignment() {
        assert_eq!(one_line("4401 bad\nREADY=1"), "4401 bad READY=1");
    }

    #[test]
    fn without_a_service_manager_nothing_is_told() {
        let nobody = ServiceManager::from_env(|_| None).unwrap();
        assert!(nobody.line.is_none());
        nobody.ready();
        nobody.alive();
        nobody.stopping();
        assert!(ServiceManager::from_env(|_| Some("x".repeat(200))).is_err());
    }
}
