//! TLS to a MySQL server: which ways to try.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::ClientConfig;

use crate::tls::{self, TlsDecision, TlsMode};

/// TLS settings of one source.
#[derive(Debug, Clone)]
pub(super) struct Encryption {
    /// Whether and how.
    pub(super) mode: TlsMode,
    /// How the server is checked.
    pub(super) client: Arc<ClientConfig>,
    not_offered: Arc<AtomicBool>,
}

impl Encryption {
    pub(super) fn new(decision: TlsDecision) -> Self {
        Self {
            mode: decision.mode,
            client: decision.client,
            not_offered: Arc::default(),
        }
    }

    /// The ways to try, in order: encrypted or not.
    pub(super) fn attempts(&self) -> &'static [bool] {
        match self.mode {
            TlsMode::Off => &[false],
            TlsMode::IfOffered if self.not_offered.load(Ordering::Relaxed) => &[false],
            TlsMode::IfOffered => &[true, false],
            TlsMode::Verified | TlsMode::Unverified => &[true],
        }
    }

    /// Remembers that the server took a plain connection after an encrypted one had failed: each attempt
    /// leaves a line about a broken handshake in its log. With the reason, once, where it did offer TLS.
    pub(super) fn set_not_offered(&self, reason: Option<&str>) {
        if !self.not_offered.swap(true, Ordering::Relaxed)
            && let Some(reason) = reason
        {
            log::warn!("{reason}; {}", tls::ONLY_PREFERRED);
        }
    }
}
