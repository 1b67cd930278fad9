//! How long to wait before the next attempt to connect.

use std::hash::{BuildHasher, RandomState};
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

/// Between 0 and 1. The hasher's seed is the only randomness of the standard library; jitter needs no better.
pub fn random() -> f64 {
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
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

    /// By so much of all runners a second's share may exceed what is expected.
    const EXCESS: f64 = 0.05;

    /// Expected shares of the runners that come back in each hundredth of a second after their `step`-th
    /// failure in a row: the sum of independent waits, each even between zero and its ceiling.
    fn expected(step: usize) -> Vec<f64> {
        let mut shares = vec![1.0];
        let mut ceiling = limits::BACKOFF_FIRST;
        for _ in 0..step {
            let width = ceiling.as_millis() as usize / 10;
            let mut next = vec![0.0; shares.len() + width];
            for (at, share) in shares.iter().enumerate() {
                for cell in &mut next[at..at + width] {
                    *cell += share / width as f64;
                }
            }
            shares = next;
            ceiling = (ceiling * 2).min(limits::BACKOFF_CAP);
        }
        shares
    }

    #[test]
    fn a_thousand_runners_come_back_spread_out() {
        /// Twenty times a thousand, so that chance does not decide.
        const RUNNERS: usize = 20_000;
        for step in 1..=6 {
            let mut seconds = vec![0usize; 100];
            for _ in 0..RUNNERS {
                let mut backoff = Backoff::default();
                let after: Duration = (0..step)
                    .map(|_| backoff.after(Attempt::default(), random()))
                    .sum();
                seconds[after.as_secs() as usize] += 1;
            }
            let expected = expected(step);
            for (second, count) in seconds.iter().enumerate() {
                let cells = expected.iter().skip(second * 100).take(100);
                let share = *count as f64 / RUNNERS as f64;
                assert!(
                    share <= cells.sum::<f64>() + EXCESS,
                    "{count} of {RUNNERS} in second {second} after {step} failures"
                );
            }
        }
        // At the cap, half a minute is used evenly.
        let mut backoff = Backoff::default();
        for _ in 0..6 {
            backoff.after(Attempt::default(), 1.0);
        }
        let mut seconds = [0usize; 30];
        for _ in 0..RUNNERS {
            let wait = backoff.after(Attempt::default(), random());
            seconds[(wait.as_secs() as usize).min(29)] += 1;
        }
        let most = seconds.iter().max().copied().unwrap_or_default();
        assert!(most <= RUNNERS / 30 + RUNNERS / 20, "{seconds:?}");
        let none = seconds.iter().filter(|count| **count == 0).count();
        assert_eq!(none, 0, "{seconds:?}");
    }
}
