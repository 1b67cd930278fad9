//! Why there is no session: what went wrong on the way to the gateway, and in which phase.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::net::{ConnectError, Phase};
use crate::tls::{self, Remedy};

/// An attempt to connect that failed. All of these are worth another attempt; who must act differs.
#[derive(Debug)]
#[non_exhaustive]
pub enum GatewayError {
    /// The budget ran out in this phase.
    TimedOut {
        /// The phase.
        phase: Phase,
        /// The whole budget, for the message.
        budget: Duration,
    },
    /// The host, the gateway's or the proxy's, cannot be resolved or takes no connection.
    Connect(ConnectError),
    /// The proxy answered CONNECT with something else than 2xx.
    ProxyRefused {
        /// Host and port of the proxy.
        proxy: String,
        /// The status, 407 when it wants a user.
        status: u16,
    },
    /// The proxy broke off, or does not speak HTTP.
    Proxy {
        /// Host and port of the proxy.
        proxy: String,
        /// What happened.
        source: io::Error,
    },
    /// The TLS handshake failed; most of the time the certificate is why.
    Tls {
        /// The gateway's host name.
        host: String,
        /// rustls' error, or that of the socket.
        source: io::Error,
    },
    /// The gateway, or something before it, answered the upgrade with another status than 101.
    Refused {
        /// The status.
        status: u16,
        /// When it asks us to come back.
        retry_after: Option<Duration>,
    },
    /// The upgrade went wrong in another way.
    Upgrade {
        /// What happened.
        source: io::Error,
    },
    /// The answer to `GET /health`, which only `doctor` asks for.
    Health {
        /// What happened.
        source: io::Error,
    },
    /// This machine refused: no thread, no socket option.
    System {
        /// What happened.
        source: io::Error,
    },
}

impl GatewayError {
    /// When the other end asked us to come back.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The I/O error under it.
    pub(super) fn io(&self) -> Option<&io::Error> {
        match self {
            Self::Connect(error) => Some(&error.source),
            Self::Proxy { source, .. }
            | Self::Tls { source, .. }
            | Self::Health { source }
            | Self::Upgrade { source }
            | Self::System { source } => Some(source),
            Self::TimedOut { .. } | Self::ProxyRefused { .. } | Self::Refused { .. } => None,
        }
    }

    /// True when more attempts with the same credentials will hardly do better.
    pub fn unauthorized(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                status: 401 | 403,
                ..
            }
        )
    }

    /// What somebody can do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Connect(ConnectError { address: None, .. })
            | Self::TimedOut {
                phase: Phase::Dns, ..
            } => "check this machine's name server; behind a proxy, set HTTPS_PROXY",
            Self::Connect(_)
            | Self::TimedOut {
                phase: Phase::Tcp, ..
            } => "check outbound firewall rules; the runner needs TCP 443 to reach the gateway",
            Self::ProxyRefused { status: 407, .. } => {
                "put user and password into HTTPS_PROXY: http://user:password@host:port"
            }
            Self::ProxyRefused { .. }
            | Self::Proxy { .. }
            | Self::TimedOut {
                phase: Phase::Proxy,
                ..
            } => "check HTTPS_PROXY and NO_PROXY, and that the proxy allows CONNECT to the gateway",
            Self::Tls { source, .. } => tls_advice(source),
            Self::TimedOut {
                phase: Phase::Tls, ..
            } => {
                "something on the way accepts connections but does not pass TLS: a firewall or a proxy"
            }
            Self::Refused {
                status: 401 | 403, ..
            } => {
                "check SEMILAYER_RUNNER_ID and SEMILAYER_RUNNER_TOKEN; mint a new token in the Console"
            }
            Self::Refused {
                status: 429 | 500..=599,
                ..
            } => "nothing to do here, the gateway is busy or restarting",
            Self::Refused { .. } | Self::Upgrade { .. } | Self::Health { .. } => {
                "check SEMILAYER_GATEWAY_URL: what answers there is no runner gateway"
            }
            Self::TimedOut { .. } => {
                "nothing to do here, the gateway accepts connections but does not answer"
            }
            Self::System { .. } => "check this machine's limits on threads and open files",
        }
    }
}

fn tls_advice(error: &io::Error) -> &'static str {
    match tls::remedy(error) {
        Some(Remedy::Trust) => {
            "if a proxy intercepts TLS here, set NODE_EXTRA_CA_CERTS to a PEM file with its root"
        }
        Some(Remedy::Time) => {
            "check this machine's clock; if it is right, the gateway's certificate is out of date"
        }
        Some(Remedy::Name) => {
            "check SEMILAYER_GATEWAY_URL: the server there has a certificate for another name"
        }
        Some(Remedy::Other) | None => {
            "something on the way breaks TLS off: a firewall, a proxy, or a port without TLS"
        }
    }
}

impl From<ConnectError> for GatewayError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error)
    }
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut { phase, budget } => {
                write!(
                    f,
                    "{phase} took too long ({} s in all)",
                    budget.as_secs_f64()
                )
            }
            Self::Connect(error) => error.fmt(f),
            Self::ProxyRefused { proxy, status } => {
                write!(f, "the proxy {proxy} refuses with status {status}")
            }
            Self::Proxy { proxy, .. } => write!(f, "the proxy {proxy} failed"),
            Self::Tls { host, .. } => write!(f, "no TLS with {host}"),
            Self::Refused { status, .. } => {
                write!(f, "the upgrade was refused with status {status}")
            }
            Self::Upgrade { .. } => f.write_str("the upgrade failed"),
            Self::Health { .. } => f.write_str("no answer to GET /health"),
            Self::System { .. } => f.write_str("this machine refuses"),
        }
    }
}

impl std::error::Error for GatewayError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.io().map(|error| error as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::chain;

    #[test]
    fn the_cause_is_printed_however_deep() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = GatewayError::Tls {
            host: "h".into(),
            source: io::Error::new(io::ErrorKind::InvalidData, tls),
        };
        assert_eq!(
            chain(&error),
            "no TLS with h: the server's certificate is signed by nobody who is trusted here (UnknownIssuer); \
             to trust it, name its PEM file in NODE_EXTRA_CA_CERTS"
        );
        assert!(error.advice().contains("NODE_EXTRA_CA_CERTS"));
        let timed_out = GatewayError::TimedOut {
            phase: Phase::Ack,
            budget: Duration::from_secs(15),
        };
        assert_eq!(
            chain(&timed_out),
            "the gateway's hello-ack took too long (15 s in all)"
        );
    }
}
