//! The hostile gateway: it floods, breaks the framing, cuts, does not read, cancels what it never sent.

use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::Gateway;

use super::frames::{self, STRANGE};
use super::source::HostileSource;
use super::witness::Witness;
use crate::random::Random;

/// Between two of its acts.
const PAUSE: (u64, u64) = (100, 2_000);
/// Between two that end the session; more often, and a runner would mostly wait to reconnect.
const SESSION: (u64, u64) = (20_000, 40_000);

/// What the gateway does beside its honest work.
pub struct HostileGateway<'a> {
    gateway: &'a Gateway,
    source: &'a HostileSource<'a>,
    witness: &'a Witness,
}

impl<'a> HostileGateway<'a> {
    /// Begins to be hostile: answers to its strange jobs are no breach.
    pub fn new(gateway: &'a Gateway, source: &'a HostileSource<'a>, witness: &'a Witness) -> Self {
        gateway.state().ledger.ignore(STRANGE);
        Self {
            gateway,
            source,
            witness,
        }
    }

    /// Goes on until `end`.
    pub fn until(&self, end: Instant, random: &mut Random) {
        let mut session = Instant::now() + random.millis(SESSION.0, SESSION.1);
        while Instant::now() < end {
            thread::sleep(random.millis(PAUSE.0, PAUSE.1));
            let current = self.gateway.state().current();
            let Some(connection) = current else { continue };
            if Instant::now() > session {
                session = Instant::now() + random.millis(SESSION.0, SESSION.1);
                self.witness.saw("the gateway ends the session");
                match random.below(6) {
                    0 => connection.cut(),
                    1 => connection.close(random.below(5000) as u16, "hostile"),
                    // Longer than two and a half heartbeats.
                    2 => self.stop_reading(Duration::from_secs(8)),
                    _ => connection.raw(frames::broken(random)),
                }
                continue;
            }
            match random.below(10) {
                0 => (0..5000).for_each(|_| connection.ping()),
                1 => (0..500).for_each(|_| connection.binary(vec![7; 2000])),
                2 => self.stop_reading(random.millis(200, 3_000)),
                _ => {
                    let source = self.source.source(random);
                    let (name, texts) = frames::texts(&source, random);
                    self.witness.saw(format!("the gateway sends {name}"));
                    texts.into_iter().for_each(|text| connection.text(text));
                }
            }
        }
    }

    fn stop_reading(&self, time: Duration) {
        let current = self.gateway.state().current();
        if let Some(connection) = current {
            self.witness
                .saw(format!("the gateway does not read for {time:?}"));
            connection.stall(true);
            thread::sleep(time);
            connection.stall(false);
        }
    }
}
