//! How long to wait before the next attempt to connect.

use std::time::Duration;

use crate::limits;

/// What the last attempt came to, as far as waiting goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempt {
    /// How long the session was up after its acknowledgement.
    pub up_for: Duration,
    /// The credentials were refused.
    pub unauthorized: bool,
    /// The gateway asked us to come back after this time.
    pub retry_after: Option<Duration>,
}

/// Full jitter over a ceiling that doubles: a thousand runners that lost their gateway together come back
/// spread out.
#[derive(Debug)]
pub struct Backoff {
    ceiling: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            ceiling: limits::BACKOFF_FIRST,
        }
    }
}

impl Backoff {
    /// The wait after `attempt`; `random` is between 0 and 1.
    pub fn after(&mut self, attempt: Attempt, random: f64) -> Duration {
        if attempt.up_for >= limits::BACKOFF_RESET_AFTER {
            self.ceiling = limits::BACKOFF_FIRST;
        }
        if attempt.unauthorized {
            self.ceiling = limits::BACKOFF_CAP;
        }
        let wait = self.ceiling.mul_f64(random.clamp(0.0, 1.0));
        self.ceiling = (self.ceiling * 2).min(limits::BACKOFF_CAP);
        wait + attempt.retry_after.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..7)
            .map(|_| backoff.after(Attempt::default(), 1.0).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(backoff.after(Attempt::default(), 0.0), Duration::ZERO);
        assert_eq!(backoff.after(Attempt::default(), 0.5), 15 * SECOND);
    }

    #[test]
    fn only_a_lasting_session_resets_it() {
        let mut backoff = Backoff::default();
        let up_for = |seconds| Attempt {
            up_for: Duration::from_secs(seconds),
            ..Attempt::default()
        };
        backoff.after(up_for(0), 1.0);
        assert_eq!(backoff.after(up_for(59), 1.0), 2 * SECOND);
        assert_eq!(backoff.after(up_for(60), 1.0), SECOND);
    }

    #[test]
    fn refused_credentials_start_at_the_cap() {
        let refused = Attempt {
            unauthorized: true,
            up_for: 2 * limits::BACKOFF_RESET_AFTER,
            ..Attempt::default()
        };
        assert_eq!(Backoff::default().after(refused, 1.0), limits::BACKOFF_CAP);
    }

    #[test]
    fn a_wish_of_the_gateway_comes_on_top() {
        let busy = Attempt {
            retry_after: Some(7 * SECOND),
            ..Attempt::default()
        };
        assert_eq!(Backoff::default().after(busy, 0.0), 7 * SECOND);
        assert_eq!(Backoff::default().after(busy, 1.0), 8 * SECOND);
    }
}
