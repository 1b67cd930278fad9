//! Why a connection could not be made.

use std::fmt;
use std::io;
use std::time::Duration;

use super::Cutter;
use crate::error::{ErrorCode, JobError};
use crate::net::{Budget, ConnectError, Phase};
use crate::tls::chain;

/// The step of dialling that failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum DialError {
    /// The host's name has no address, or nobody takes connections there.
    Connect(ConnectError),
    /// The socket of the file system takes none.
    Local {
        /// What the system says.
        source: io::Error,
    },
    /// The same with the proxy's host.
    ProxyUnreachable(ConnectError),
    /// The proxy broke off, or is none.
    Proxy {
        /// Its host and port.
        proxy: String,
        /// How it broke off.
        source: io::Error,
    },
    /// The proxy opens no tunnel.
    ProxyRefused {
        /// Its host and port.
        proxy: String,
        /// Its answer.
        status: u16,
    },
    /// The TLS handshake failed.
    Tls {
        /// Why, with rustls' own error inside.
        source: io::Error,
    },
    /// The budget was over.
    TimedOut {
        /// Where.
        phase: Phase,
        /// All of it.
        budget: Duration,
    },
    /// Another thread has cut the link.
    Cut,
}

impl DialError {
    /// True when another attempt may succeed: neither the answer nor time was final.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Connect(_)
            | Self::Local { .. }
            | Self::ProxyUnreachable(_)
            | Self::Proxy { .. } => true,
            // A certificate that is refused stays so.
            Self::Tls { source } => source.kind() != io::ErrorKind::InvalidData,
            Self::ProxyRefused { .. } | Self::TimedOut { .. } | Self::Cut => false,
        }
    }

    /// An error that is really the end of the budget, or a cut, says so.
    pub(super) fn in_view_of(self, budget: Budget, cutter: &Cutter) -> Self {
        if cutter.is_cut() {
            return Self::Cut;
        }
        let (phase, source) = match &self {
            Self::Connect(error) => (error.phase(), &error.source),
            Self::Local { source } => (Phase::Tcp, source),
            Self::Proxy { source, .. } => (Phase::Proxy, source),
            Self::Tls { source } => (Phase::Tls, source),
            _ => return self,
        };
        if source.kind() == io::ErrorKind::TimedOut {
            Self::TimedOut {
                phase,
                budget: budget.total(),
            }
        } else {
            self
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::Local { .. } => f.write_str("cannot connect to the socket"),
            Self::ProxyUnreachable(error) => write!(f, "the proxy that HTTPS_PROXY names, {error}"),
            Self::Proxy { proxy, .. } => write!(f, "the proxy {proxy} does not open a tunnel"),
            Self::ProxyRefused { proxy, status: 407 } => write!(
                f,
                "the proxy {proxy} refuses a tunnel with HTTP 407; put user and password into HTTPS_PROXY"
            ),
            Self::ProxyRefused { proxy, status } => {
                write!(f, "the proxy {proxy} refuses a tunnel with HTTP {status}")
            }
            Self::Tls { .. } => f.write_str("the TLS handshake failed"),
            Self::TimedOut { phase, budget } => {
                write!(f, "{phase} took longer than {} ms", budget.as_millis())
            }
            Self::Cut => f.write_str("the job has ended"),
        }
    }
}

impl std::error::Error for DialError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect(error) | Self::ProxyUnreachable(error) => Some(&error.source),
            Self::Local { source } | Self::Proxy { source, .. } | Self::Tls { source } => {
                Some(source)
            }
            Self::ProxyRefused { .. } | Self::TimedOut { .. } | Self::Cut => None,
        }
    }
}

impl From<DialError> for JobError {
    fn from(error: DialError) -> Self {
        Self::new(ErrorCode::SourceUnreachable, chain(&error))
    }
}
