//! When to send a sign of life, and when to believe that the other end is dead.

use std::time::{Duration, Instant};

use crate::limits;

/// What the clock asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Nothing until then.
    Wait(Instant),
    /// Send a heartbeat and a ping.
    Heartbeat,
    /// Nothing was received for too long.
    Dead,
    /// The gateway has not answered `hello` yet: say it once more.
    HelloAgain,
    /// The gateway did not acknowledge in time.
    NoAck,
}

/// The timers of one session. Knows no clock: it is told the time.
#[derive(Debug)]
pub struct Pulse {
    interval: Duration,
    patience: Duration,
    next: Instant,
    ack_until: Option<Instant>,
    hello_again: Option<Instant>,
}

impl Pulse {
    /// A session that begins now and must be acknowledged until `ack_until`.
    pub fn new(interval: Duration, now: Instant, ack_until: Instant) -> Self {
        Self {
            interval,
            patience: interval.mul_f64(limits::DEAD_AFTER_HEARTBEATS),
            next: now + interval,
            ack_until: Some(ack_until),
            hello_again: Some(now + limits::HELLO_AGAIN),
        }
    }

    /// A gateway that is silent for longer is dead.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// The gateway has acknowledged.
    pub fn acknowledged(&mut self) {
        self.ack_until = None;
        self.hello_again = None;
    }

    /// A heartbeat was sent for another reason, so the next one is a whole interval away.
    pub fn sent(&mut self, now: Instant) {
        self.next = now + self.interval;
    }

    /// What to do now. After `Heartbeat` and `HelloAgain`, ask again.
    pub fn at(&mut self, now: Instant, last_received: Instant) -> Beat {
        let dead = last_received + self.patience;
        if now >= dead {
            return Beat::Dead;
        }
        if self.ack_until.is_some_and(|until| now >= until) {
            return Beat::NoAck;
        }
        if self.hello_again.is_some_and(|at| now >= at) {
            self.hello_again = None;
            return Beat::HelloAgain;
        }
        if now >= self.next {
            // From the plan, not from now, so that the beat does not drift; unless a beat was missed.
            self.next += self.interval;
            if self.next <= now {
                self.next = now + self.interval;
            }
            return Beat::Heartbeat;
        }
        let ack = self.ack_until.unwrap_or(dead);
        let hello = self.hello_again.unwrap_or(dead);
        Beat::Wait(self.next.min(dead).min(ack).min(hello))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pulse() -> (Pulse, Instant) {
        let start = Instant::now();
        (Pulse::new(10 * SECOND, start, start + 15 * SECOND), start)
    }

    #[test]
    fn heartbeats_keep_to_the_plan() {
        let (mut pulse, start) = pulse();
        pulse.acknowledged();
        assert_eq!(pulse.at(start, start), Beat::Wait(start + 10 * SECOND));
        let late = start + 11 * SECOND;
        assert_eq!(pulse.at(late, late), Beat::Heartbeat);
        assert_eq!(pulse.at(late, late), Beat::Wait(start + 20 * SECOND));
        let much_later = start + 95 * SECOND;
        assert_eq!(pulse.at(much_later, much_later), Beat::Heartbeat);
    }

    #[test]
    fn an_asked_for_heartbeat_moves_the_next() {
        let (mut pulse, start) = pulse();
        pulse.acknowledged();
        let now = start + 4 * SECOND;
        pulse.sent(now);
        assert_eq!(pulse.at(now, now), Beat::Wait(start + 14 * SECOND));
    }

    #[test]
    fn silence_is_death_after_two_and_a_half_beats() {
        let (mut pulse, start) = pulse();
        pulse.acknowledged();
        assert_eq!(pulse.at(start + 20 * SECOND, start), Beat::Heartbeat);
        assert_eq!(
            pulse.at(start + 24 * SECOND, start),
            Beat::Wait(start + 25 * SECOND)
        );
        assert_eq!(pulse.at(start + 25 * SECOND, start), Beat::Dead);
    }

    #[test]
    fn the_ack_is_waited_for_but_not_for_ever() {
        let (mut pulse, start) = pulse();
        let again = start + limits::HELLO_AGAIN;
        assert_eq!(pulse.at(start, start), Beat::Wait(again));
        assert_eq!(pulse.at(again, again), Beat::HelloAgain);
        assert_eq!(pulse.at(again, again), Beat::Wait(start + 10 * SECOND));
        let now = start + 11 * SECOND;
        assert_eq!(pulse.at(now, now), Beat::Heartbeat);
        assert_eq!(pulse.at(now, now), Beat::Wait(start + 15 * SECOND));
        let now = start + 15 * SECOND;
        assert_eq!(pulse.at(now, now), Beat::NoAck);
    }
}
