//! Why there is no session: what went wrong on the way to the gateway, and in which phase.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::gateway::advice;
use crate::gateway::refusal::Refusal;
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
    /// The gateway's host cannot be resolved or takes no connection.
    Connect(ConnectError),
    /// The proxy's host.
    ProxyUnreachable(ConnectError),
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
    Refused(Refusal),
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
    /// The gateway took the session and said nothing in time that we understand.
    Silent {
        /// The whole budget, for the message.
        budget: Duration,
        /// What it did say, for people.
        said: Option<String>,
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
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// The I/O error under it.
    pub(super) fn io(&self) -> Option<&io::Error> {
        match self {
            Self::Connect(error) | Self::ProxyUnreachable(error) => Some(&error.source),
            Self::Proxy { source, .. }
            | Self::Tls { source, .. }
            | Self::Health { source }
            | Self::Upgrade { source }
            | Self::System { source } => Some(source),
            Self::TimedOut { .. }
            | Self::Silent { .. }
            | Self::ProxyRefused { .. }
            | Self::Refused(_) => None,
        }
    }

    /// True when more attempts with the same credentials will hardly do better.
    pub fn unauthorized(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.unauthorized())
    }

    /// True when other names for the credentials may do better.
    pub fn may_be_misnamed(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.may_be_misnamed(),
            Self::Silent { .. } => true,
            _ => false,
        }
    }

    /// The phase it happened in.
    pub fn phase(&self) -> Phase {
        match self {
            Self::TimedOut { phase, .. } => *phase,
            Self::Connect(error) | Self::ProxyUnreachable(error) => error.phase(),
            Self::ProxyRefused { .. } | Self::Proxy { .. } => Phase::Proxy,
            Self::Tls { .. } => Phase::Tls,
            Self::Health { .. } => Phase::Health,
            Self::Refused(_) | Self::Upgrade { .. } | Self::System { .. } => Phase::Upgrade,
            Self::Silent { .. } => Phase::Ack,
        }
    }

    /// What somebody can do about it.
    pub fn advice(&self) -> String {
        let text = match self {
            Self::Refused(refusal) => return refusal.advice(),
            Self::Silent { .. } => {
                return format!("the gateway takes the connection; {}", advice::CREDENTIALS);
            }
            Self::ProxyUnreachable(_) => {
                "check HTTPS_PROXY: its host and port, and that this machine may reach them"
            }
            Self::ProxyRefused { status: 407, .. } => advice::PROXY_USER,
            Self::Tls { source, .. } => tls_advice(source),
            Self::System { .. } => "check this machine's limits on threads and open files",
            _ => match self.phase() {
                Phase::Dns => "check this machine's name server; behind a proxy, set HTTPS_PROXY",
                Phase::Tcp => {
                    "check outbound firewall rules; the runner needs TCP 443 to reach the gateway"
                }
                Phase::Proxy => {
                    "check HTTPS_PROXY and NO_PROXY, and that the proxy allows CONNECT to the gateway"
                }
                Phase::Tls => {
                    "something on the way accepts connections but does not pass TLS: a firewall or a proxy"
                }
                Phase::Upgrade | Phase::Health if matches!(self, Self::TimedOut { .. }) => {
                    "nothing to do here, the gateway accepts connections but does not answer"
                }
                Phase::Upgrade | Phase::Health | Phase::Ack => advice::NO_GATEWAY,
            },
        };
        text.to_owned()
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
            Self::Silent { budget, said } => {
                let phase = Phase::Ack;
                let seconds = budget.as_secs_f64();
                write!(f, "{phase} took too long ({seconds} s in all)")?;
                said.iter()
                    .try_for_each(|said| write!(f, "; it said: {said}"))
            }
            Self::Connect(error) => error.fmt(f),
            Self::ProxyUnreachable(error) => write!(f, "the proxy {error}"),
            Self::ProxyRefused { proxy, status } => {
                write!(f, "the proxy {proxy} refuses with status {status}")
            }
            Self::Proxy { proxy, .. } => write!(f, "the proxy {proxy} failed"),
            Self::Tls { host, .. } => write!(f, "no TLS with {host}"),
            Self::Refused(refusal) => refusal.fmt(f),
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
        let silent = |said: Option<&str>| GatewayError::Silent {
            budget: Duration::from_secs(15),
            said: said.map(str::to_owned),
        };
        assert_eq!(
            chain(&silent(None)),
            "the gateway's hello-ack took too long (15 s in all)"
        );
        assert!(chain(&silent(Some("no token"))).ends_with("; it said: no token"));
    }

    #[test]
    fn a_proxy_is_called_a_proxy() {
        let error = || ConnectError {
            host: "p".into(),
            address: None,
            source: io::ErrorKind::NotFound.into(),
        };
        let proxy = GatewayError::ProxyUnreachable(error());
        assert!(chain(&proxy).starts_with("the proxy p cannot be resolved"));
        assert!(!proxy.advice().contains("set HTTPS_PROXY") && !proxy.advice().contains("443"));
        assert!(
            GatewayError::Connect(error())
                .advice()
                .contains("set HTTPS_PROXY")
        );
    }
}
