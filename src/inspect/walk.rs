//! The way to the gateway, step by step, until one fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::gateway::{
    Credentials, Destination, End, GatewayAddress, GatewayError, Greeting, Health, Step,
    ask_health, authenticate, probe,
};
use crate::inspect::assigned::check_assigned;
use crate::inspect::check::{Check, Mark};
use crate::inspect::token_name::find_name;
use crate::limits;
use crate::net::{Budget, Phase, Progress, Proxy};
use crate::sources::SourceEnvironment;
use crate::tls::chain;
use crate::tls::{self, CertificateFacts, Day};

/// Clocks that differ by more than this are told about: tokens and certificates have times.
const CLOCK_SLACK: u64 = 30;

/// What it takes to walk.
pub struct Walk<'a> {
    /// The gateway.
    pub address: &'a GatewayAddress,
    /// The proxy before it.
    pub proxy: Option<&'a Proxy>,
    /// How its certificate is checked.
    pub tls: &'a Arc<ClientConfig>,
}

/// The first part of the walk.
pub struct Reached {
    /// What the gateway's host answers to `GET /health`.
    pub health: Result<Health, GatewayError>,
    /// The steps up to there.
    pub checks: Vec<Check>,
}

impl Walk<'_> {
    /// Up to the host's answer to `GET /health`, as far as it goes.
    pub fn reach(&self) -> Reached {
        let mut checks = Vec::new();
        let mut last = Instant::now();
        let health = ask_health(
            &self.destination(),
            Budget::new(limits::HEALTH_PROBE),
            &mut |step| {
                let took = last.elapsed().as_secs_f64() * 1000.0;
                let check = self.describe(step);
                checks.push(Check {
                    text: format!("{} ({took:.1} ms)", check.text),
                    ..check.fact("ms", took)
                });
                last = Instant::now();
            },
        );
        match &health {
            Ok(health) => checks.extend(clock(health)),
            Err(error) => checks.push(failure(error)),
        }
        Reached { health, checks }
    }

    /// Whether a WebSocket gateway answers there, without any credentials.
    pub fn probe(&self) -> Check {
        match probe(&self.destination(), Budget::new(limits::CONNECT_BUDGET)) {
            Ok(status) => {
                let text = match status {
                    101 => "the gateway speaks WebSocket".to_owned(),
                    status => format!("the gateway asks for credentials (status {status})"),
                };
                Check::new("upgrade", Mark::Good, text).fact("status", status)
            }
            Err(error) => failure(&error),
        }
    }

    /// Authenticates, and says what is assigned. After a refusal that may be one of names, the usual ones are
    /// tried. `hello` holds the runner's id.
    pub fn connect(
        &self,
        credentials: &Credentials,
        hello: &str,
        environment: &SourceEnvironment,
    ) -> Vec<Check> {
        let started = Instant::now();
        let budget = Budget::new(limits::CONNECT_BUDGET);
        match authenticate(&self.destination(), credentials, hello, budget) {
            Ok(greeting) => accepted(greeting, started.elapsed(), environment),
            Err(end) => {
                let names = end.may_be_misnamed() && self.address.is_private();
                let mut checks = vec![refused(&end)];
                if names {
                    checks.extend(find_name(&self.destination(), credentials, hello));
                }
                checks
            }
        }
    }

    fn destination(&self) -> Destination<'_> {
        Destination {
            address: self.address,
            proxy: self.proxy,
            credentials: None,
            tls: self.tls,
        }
    }

    fn describe(&self, step: Step<'_>) -> Check {
        match step {
            Step::Connecting(host, Progress::Resolved(addresses)) => {
                let addresses: Vec<_> = addresses.iter().map(|a| a.ip().to_string()).collect();
                let text = format!("{host} → {}", addresses.join(", "));
                Check::new("dns", Mark::Good, text)
                    .fact("host", host)
                    .fact("addresses", addresses)
            }
            Step::Connecting(_, Progress::Connected(address)) => {
                Check::new("tcp", Mark::Good, address.to_string())
                    .fact("address", address.to_string())
            }
            Step::Tunnelled(proxy) => {
                let text = format!("{proxy} leads to {}", self.address.host_port());
                Check::new("proxy", Mark::Good, text).fact("proxy", proxy.to_string())
            }
            Step::Encrypted(tls) => encrypted(tls, &self.address.host),
        }
    }
}

fn accepted(greeting: Greeting, took: Duration, environment: &SourceEnvironment) -> Vec<Check> {
    let ms = took.as_secs_f64() * 1000.0;
    let text = match &greeting.sources {
        Some(sources) if sources.is_empty() => "no sources are assigned".to_owned(),
        Some(sources) => format!("number of sources assigned: {}", sources.len()),
        None => "by another frame than hello-ack".to_owned(),
    };
    let sources = greeting.sources.unwrap_or_default();
    let names: Vec<_> = sources.iter().map(|source| source.name.as_str()).collect();
    let text = format!("acknowledged ({ms:.1} ms); {text}");
    let session = Check::new("session", Mark::Good, text)
        .fact("ms", ms)
        .fact("sources", names)
        .fact("serverVersion", greeting.server_version);
    let assigned = check_assigned(&sources, environment);
    std::iter::once(session).chain(assigned).collect()
}

fn refused(end: &End) -> Check {
    match end {
        End::Failed(error) => failure(error),
        end => Check::new("session", Mark::Bad, end.detail())
            .advise(end.advice())
            .fact("reason", end.reason()),
    }
}

fn encrypted(tls: &ClientConnection, host: &str) -> Check {
    let version = match tls.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS 1.3",
    };
    let chain = tls.peer_certificates().unwrap_or_default();
    let Some(facts) = chain.first().and_then(|own| CertificateFacts::read(own)) else {
        return Check::new("tls", Mark::Good, version);
    };
    let public = ServerName::try_from(host).is_ok_and(|name| tls::is_public(chain, &name));
    let text = format!(
        "{version}, certificate issued by \"{}\", valid until {}",
        facts.issuer,
        Day(facts.not_after)
    );
    let check = if public {
        Check::new("tls", Mark::Good, text)
    } else {
        Check::new("tls", Mark::Warning, text).advise(
            "the issuer is no public authority; it is trusted because of NODE_EXTRA_CA_CERTS or SSL_CERT_FILE. \
             Unless the gateway is your own, a proxy reads this connection",
        )
    };
    check
        .fact("version", version)
        .fact("issuer", facts.issuer)
        .fact("subject", facts.subject)
        .fact("validUntil", Day(facts.not_after).to_string())
        .fact("publicRoot", public)
}

fn clock(health: &Health) -> Option<Check> {
    let ahead = health.clock_ahead?;
    let direction = if ahead < 0 { "behind" } else { "ahead of" };
    let text = format!("{} s {direction} the gateway's", ahead.unsigned_abs());
    let check = if ahead.unsigned_abs() > CLOCK_SLACK {
        Check::new("clock", Mark::Warning, text).advise("set this machine's clock, by NTP at best")
    } else {
        Check::new("clock", Mark::Good, text)
    };
    Some(check.fact("aheadSeconds", ahead))
}

/// The name of the check that a phase is.
fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Dns => "dns",
        Phase::Tcp => "tcp",
        Phase::Proxy => "proxy",
        Phase::Tls => "tls",
        Phase::Health => "health",
        Phase::Upgrade => "upgrade",
        Phase::Ack => "session",
    }
}

/// The step that an error ended.
fn failure(error: &GatewayError) -> Check {
    let step = phase_name(error.phase());
    let mut check = Check::new(step, Mark::Bad, chain(error)).advise(error.advice());
    let certificate = std::error::Error::source(error).and_then(tls::certificate_problem);
    if let Some(facts) = certificate.and_then(|problem| problem.facts()) {
        check = check
            .fact("issuer", facts.issuer.as_str())
            .fact("subject", facts.subject.as_str())
            .fact("validUntil", Day(facts.not_after).to_string());
    }
    match error {
        GatewayError::ProxyRefused { status, .. } => check = check.fact("status", *status),
        GatewayError::Refused(refusal) => {
            check = check.fact("status", refusal.status);
            if let Some(location) = &refusal.location {
                check = check.fact("location", location.as_str());
            }
        }
        _ => {}
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::Refusal;

    #[test]
    fn clocks_far_apart_are_told() {
        let found = |ahead| {
            clock(&Health {
                status: 200,
                clock_ahead: ahead,
            })
        };
        assert_eq!(found(None), None);
        let close = found(Some(-3)).unwrap();
        assert_eq!(
            (close.mark, close.text.as_str()),
            (Mark::Good, "3 s behind the gateway's")
        );
        let far = found(Some(4000)).unwrap();
        assert_eq!(far.mark, Mark::Warning);
        assert_eq!(far.text, "4000 s ahead of the gateway's");
    }

    #[test]
    fn the_step_that_fails_is_named() {
        let refused = GatewayError::Refused(Refusal {
            status: 404,
            ..Refusal::default()
        });
        let check = failure(&refused);
        assert_eq!((check.name.as_str(), check.mark), ("upgrade", Mark::Bad));
        assert_eq!(check.facts["status"], 404);
        let late = GatewayError::TimedOut {
            phase: Phase::Proxy,
            budget: limits::HEALTH_PROBE,
        };
        assert_eq!(failure(&late).name, "proxy");
    }
}
