//! The link to the gateway: is it up, when was it last heard of, why did it end.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::limits;
use crate::locks::lock;
use crate::metrics::Exposition;

/// Whether jobs can be expected to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// A session is acknowledged and alive.
    Ready,
    /// No session, or one that is not acknowledged yet.
    NotConnected,
    /// Nothing has come in for longer than a live gateway is silent.
    Silent,
    /// No session, and for long the gateway has refused the runner's credentials.
    Refused,
    /// The runner is about to stop.
    Stopping,
}

impl Readiness {
    /// For people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotConnected => "not connected to the gateway",
            Self::Silent => "the gateway is silent",
            Self::Refused => {
                "the gateway refuses this runner: see its log, and compare id and token with the Console"
            }
            Self::Stopping => "stopping",
        }
    }
}

/// Name of the family.
const ENDS: &str = "semilayer_runner_reconnects_total";

/// Figures of the link. Times are milliseconds since the start of the process plus one; zero is never.
pub struct GatewayMetrics {
    start: Instant,
    up: AtomicBool,
    stopping: AtomicBool,
    refused: AtomicBool,
    received: AtomicU64,
    heartbeat: AtomicU64,
    patience_ms: AtomicU64,
    /// Ends by close code; `None` for attempts that never became a session.
    ends: Mutex<BTreeMap<Option<u16>, u64>>,
}

impl GatewayMetrics {
    pub(super) fn new(start: Instant) -> Self {
        Self {
            start,
            up: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            refused: AtomicBool::new(false),
            received: AtomicU64::new(0),
            heartbeat: AtomicU64::new(0),
            patience_ms: AtomicU64::new(0),
            ends: Mutex::default(),
        }
    }

    /// A session is acknowledged; a gateway that is silent for longer than `patience` is dead.
    pub(super) fn up(&self, patience: Duration, now: Instant) {
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        self.patience_ms.store(patience, Ordering::Relaxed);
        self.received(now);
        self.refused.store(false, Ordering::Relaxed);
        self.up.store(true, Ordering::Release);
    }

    /// The session is over.
    pub(super) fn down(&self) {
        self.up.store(false, Ordering::Release);
    }

    /// Something came in.
    pub fn received(&self, now: Instant) {
        self.received.store(self.stamp(now), Ordering::Relaxed);
    }

    /// A heartbeat was sent.
    pub fn heartbeat(&self, now: Instant) {
        self.heartbeat.store(self.stamp(now), Ordering::Relaxed);
    }

    /// A session ended, by this close code, or never began (`None`); another attempt follows.
    pub fn reconnecting(&self, code: Option<u16>) {
        let mut ends = lock(&self.ends);
        // The codes are the gateway's: a bound keeps it from making series without end.
        let known = ends.contains_key(&code) || ends.len() < limits::METRIC_CLOSE_CODES;
        let code = if known { code } else { Some(0) };
        *ends.entry(code).or_default() += 1;
    }

    /// The gateway has refused the runner's credentials for long.
    pub fn refused(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    /// The runner is about to stop.
    pub fn stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether jobs can be expected to be answered.
    pub fn readiness(&self, now: Instant) -> Readiness {
        if self.stopping.load(Ordering::Relaxed) {
            return Readiness::Stopping;
        }
        if !self.up.load(Ordering::Acquire) {
            return match self.refused.load(Ordering::Relaxed) {
                true => Readiness::Refused,
                false => Readiness::NotConnected,
            };
        }
        let silent = self.age(&self.received, now);
        if silent.is_none_or(|age| age > self.patience_ms.load(Ordering::Relaxed)) {
            return Readiness::Silent;
        }
        Readiness::Ready
    }

    /// Writes the samples.
    pub fn render(&self, now: Instant, out: &mut Exposition) {
        let ready = self.readiness(now) == Readiness::Ready;
        out.gauge(
            "semilayer_runner_ready",
            "1 while a session is acknowledged and alive.",
        );
        out.sample("semilayer_runner_ready", &[], u64::from(ready));
        for (name, help, stamp) in [
            (
                "semilayer_runner_heartbeat_age_seconds",
                "Since the last heartbeat was sent.",
                &self.heartbeat,
            ),
            (
                "semilayer_runner_received_age_seconds",
                "Since anything came in from the gateway.",
                &self.received,
            ),
        ] {
            out.gauge(name, help);
            if let Some(age) = self.age(stamp, now) {
                out.sample(name, &[], age as f64 / 1e3);
            }
        }
        out.counter(
            ENDS,
            "Sessions that ended and were tried again, by close code; 'connect' never began, '1006' broke.",
        );
        let ends = lock(&self.ends);
        for (code, count) in ends.iter() {
            let code = match code {
                None => "connect".to_owned(),
                Some(0) => "other".to_owned(),
                Some(code) => code.to_string(),
            };
            out.sample(ENDS, &[("code", &code)], *count);
        }
    }

    fn stamp(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.start).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX - 1) + 1
    }

    fn age(&self, stamp: &AtomicU64, now: Instant) -> Option<u64> {
        match stamp.load(Ordering::Relaxed) {
            0 => None,
            at => Some(self.stamp(now).saturating_sub(at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn ready_means_acknowledged_and_heard_of_lately() {
        let start = Instant::now();
        let link = GatewayMetrics::new(start);
        assert_eq!(link.readiness(start), Readiness::NotConnected);
        link.up(25 * SECOND, start);
        assert_eq!(link.readiness(start + 25 * SECOND), Readiness::Ready);
        assert_eq!(link.readiness(start + 26 * SECOND), Readiness::Silent);
        link.received(start + 20 * SECOND);
        assert_eq!(link.readiness(start + 26 * SECOND), Readiness::Ready);
        link.down();
        assert_eq!(link.readiness(start), Readiness::NotConnected);
        link.refused();
        assert_eq!(link.readiness(start), Readiness::Refused);
        link.up(25 * SECOND, start);
        link.down();
        assert_eq!(link.readiness(start), Readiness::NotConnected);
        link.up(25 * SECOND, start);
        link.stopping();
        assert_eq!(link.readiness(start), Readiness::Stopping);
    }

    #[test]
    fn a_gateway_cannot_make_series_without_end() {
        let link = GatewayMetrics::new(Instant::now());
        link.reconnecting(None);
        for code in 1..u16::MAX {
            link.reconnecting(Some(code));
        }
        let mut out = Exposition::default();
        link.render(Instant::now(), &mut out);
        let text = out.finish();
        let series = text.matches("reconnects_total{").count();
        assert_eq!(series, limits::METRIC_CLOSE_CODES + 1);
        assert!(text.contains("{code=\"connect\"} 1\n"), "{text}");
        assert!(text.contains("{code=\"other\"} 65"), "{text}");
    }
}
