//! What a service manager that watches the process is told, by systemd's protocol: short texts on a datagram
//! socket whose name is in the environment. Silent where there is no service manager.
//!
//! The service has started when it is configured and tries to connect. A gateway that is away, or refuses, is
//! told as the status and is no reason to start it anew: that would not bring the gateway back. The watchdog is
//! fed while the engine answers.

use std::io;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use log::debug;

use crate::text::is_unseen;

/// The line to the service manager, open or not.
#[derive(Debug, Default)]
pub struct ServiceManager {
    line: Option<Line>,
}

#[derive(Debug)]
struct Line {
    socket: UnixDatagram,
    address: SocketAddr,
    /// How often the watchdog wants to be fed; `None` where nobody set one.
    watchdog: Option<Duration>,
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
        let watchdog = watchdog(
            variable("WATCHDOG_USEC").as_deref(),
            variable("WATCHDOG_PID").as_deref(),
            std::process::id(),
        );
        Ok(Self {
            line: Some(Line {
                socket,
                address,
                watchdog,
            }),
        })
    }

    /// The runner is configured, and about to connect: the service has started.
    pub fn started(&self) {
        self.tell("READY=1\nSTATUS=connecting");
    }

    /// The gateway has accepted the session.
    pub fn connected(&self) {
        self.tell("STATUS=connected, awaiting jobs");
    }

    /// The session is over.
    pub fn disconnected(&self, reason: &str) {
        self.tell(&format!("STATUS=disconnected: {}", one_line(reason)));
    }

    /// How often to say that the runner is alive; `None`: nobody wants to know.
    pub fn watchdog(&self) -> Option<Duration> {
        self.line.as_ref()?.watchdog
    }

    /// The runner is alive.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1");
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

/// A path, or after an `@` a name in the kernel's own name space, which only Linux has.
fn address(name: &str) -> io::Result<SocketAddr> {
    match name.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(name),
    }
}

/// Half of the time after which the watchdog bites, if this process is the one it was set for.
fn watchdog(usec: Option<&str>, watched: Option<&str>, this: u32) -> Option<Duration> {
    let usec = usec?.parse::<u64>().ok().filter(|usec| *usec > 0)?;
    let ours = watched.is_none_or(|pid| pid.parse() == Ok(this));
    ours.then(|| Duration::from_micros(usec / 2))
}

/// A line break would begin another assignment.
fn one_line(text: &str) -> String {
    text.replace(is_unseen, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
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
        let half = Some(Duration::from_millis(500));
        assert_eq!(watchdog(Some("1000000"), None, 7), half);
        assert_eq!(watchdog(Some("1000000"), Some("7"), 7), half);
        assert_eq!(watchdog(Some("1000000"), Some("8"), 7), None);
        assert_eq!(watchdog(Some("0"), None, 7), None);
        assert_eq!(watchdog(Some("soon"), None, 7), None);
        assert_eq!(watchdog(None, Some("7"), 7), None);
    }

    #[test]
    fn a_reason_is_one_assignment() {
        assert_eq!(one_line("4401 bad\nREADY=1"), "4401 bad READY=1");
    }

    #[test]
    fn without_a_service_manager_nothing_is_told() {
        let nobody = ServiceManager::from_env(|_| None).unwrap();
        assert!(nobody.line.is_none());
        nobody.started();
        assert_eq!(nobody.watchdog(), None);
        nobody.alive();
        nobody.stopping();
        assert!(ServiceManager::from_env(|_| Some("x".repeat(200))).is_err());
    }
}
