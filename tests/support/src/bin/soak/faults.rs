//! The faults of a soak run, one after the other.

use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::{FaultProxy, Faults, Gateway};
use serde_json::json;

use crate::databases::Database;
use crate::random::Random;

/// Between two faults of the gateway or its link; more often, and a runner would mostly wait to reconnect.
const SESSION_FAULTS: (u64, u64) = (25_000, 50_000);
/// Between two faults of a database.
const DATABASE_FAULTS: (u64, u64) = (500, 4_000);

/// Everything that can fail.
pub struct Faulty<'a> {
    /// The gateway.
    pub gateway: &'a Gateway,
    /// The way to it.
    pub link: &'a FaultProxy,
    /// The databases with the ways to them.
    pub databases: &'a [Database],
}

impl Faulty<'_> {
    /// Makes faults, and heals them, until `end`.
    pub fn until(&self, end: Instant, random: &mut Random) {
        let mut session = Instant::now() + random.millis(SESSION_FAULTS.0, SESSION_FAULTS.1);
        while Instant::now() < end {
            thread::sleep(random.millis(DATABASE_FAULTS.0, DATABASE_FAULTS.1));
            if Instant::now() < session {
                let database = random.of(self.databases);
                self.disturb_database(database, random);
            } else {
                self.disturb_session(random);
                session = Instant::now() + random.millis(SESSION_FAULTS.0, SESSION_FAULTS.1);
            }
        }
    }

    fn disturb_session(&self, random: &mut Random) {
        match random.below(8) {
            0 => self.link.cut(),
            1 => self.link.reset(),
            // No record of TLS.
            2 => self.link.inject(&[0x17; 4000]),
            3 => self.with_link(|connection| connection.close(1012, "restart")),
            4 => self.with_link(|connection| connection.raw(b"HTTP/1.1 500 Oops\r\n\r\n".to_vec())),
            // Half-open: longer than two and a half heartbeats.
            5 => self.stall(Faults::stalled(), Faults::stalled(), Duration::from_secs(7)),
            6 => self.stall(
                Faults::default(),
                Faults::stalled(),
                random.millis(500, 8_000),
            ),
            _ => self.stall(
                narrow(200_000),
                narrow(200_000),
                random.millis(2_000, 6_000),
            ),
        }
    }

    fn with_link(&self, act: impl FnOnce(&runner_testkit::connection::Connection)) {
        let current = self.gateway.state().current();
        if let Some(connection) = current {
            act(&connection);
        }
    }

    fn stall(&self, to: Faults, from: Faults, time: Duration) {
        self.link.set(to, from);
        thread::sleep(time);
        self.link.heal();
    }

    fn disturb_database(&self, database: &Database, random: &mut Random) {
        let Some(link) = &database.link else {
            // A file cannot be disturbed; the list of sources can.
            let assigned: Vec<_> = self.databases.iter().map(|one| &one.source).collect();
            let count = random.below(assigned.len() as u64 + 1) as usize;
            let frame =
                json!({ "type": "assignments-changed", "assignedSources": assigned[..count] });
            return self.with_link(|connection| connection.text(frame.to_string()));
        };
        match random.below(7) {
            0 => link.cut(),
            1 => link.reset(),
            2 => link.set(Faults::default(), Faults::cut_after(random.below(200_000))),
            3 => link.set(Faults::stalled(), Faults::stalled()),
            4 => link.set(Faults::default(), narrow(100_000)),
            5 => link.set(
                Faults::single_bytes(),
                Faults {
                    slice: Some(5),
                    ..Faults::default()
                },
            ),
            _ => database.kill_everything(),
        }
        thread::sleep(random.millis(50, 1_500));
        link.heal();
    }
}

fn narrow(rate: u32) -> Faults {
    Faults {
        rate: Some(rate),
        slice: Some(2_000),
        ..Faults::default()
    }
}
