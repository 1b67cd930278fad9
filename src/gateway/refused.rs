//! For how long the gateway has refused who we are.

use std::time::{Duration, Instant};

use crate::gateway::end::End;
use crate::limits;

/// Knows no clock: it is told the time.
#[derive(Debug, Default)]
pub struct Refused {
    since: Option<Instant>,
    told: bool,
}

impl Refused {
    /// An attempt has ended, `up_for` after the gateway had accepted the session. True once, when refusals have
    /// gone on for long: a gateway that is away says nothing about us, and neither ends nor begins it.
    pub fn note(&mut self, end: &End, up_for: Duration, now: Instant) -> bool {
        if !up_for.is_zero() {
            *self = Self::default();
        }
        if !end.unauthorized() {
            return false;
        }
        let since = *self.since.get_or_insert(now);
        let loud = !self.told && now.saturating_duration_since(since) >= limits::REFUSED_LOUDLY;
        self.told |= loud;
        loud
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_minutes_of_refusals_are_told_once() {
        let refused = End::Closed {
            code: 4401,
            reason: String::new(),
        };
        let lost = End::Lost(String::new());
        let start = Instant::now();
        let at = |minutes: u64| start + Duration::from_secs(60 * minutes);
        let mut watch = Refused::default();
        let never = Duration::ZERO;
        assert!(!watch.note(&refused, never, at(0)));
        assert!(!watch.note(&refused, never, at(9)));
        assert!(!watch.note(&lost, never, at(10)));
        assert!(watch.note(&refused, never, at(10)));
        assert!(!watch.note(&refused, never, at(30)));
        // A session, though it was refused in the end, is a new beginning.
        assert!(!watch.note(&refused, Duration::from_secs(1), at(40)));
        assert!(!watch.note(&refused, never, at(49)));
        assert!(watch.note(&refused, never, at(50)));
    }
}
