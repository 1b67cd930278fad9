//! The connection to the gateway for the life of the process: session after session, with pauses between.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::{debug, error, warn};
use rustls::ClientConfig;

use crate::engine::Engine;
use crate::gateway::address::GatewayAddress;
use crate::gateway::backoff::{Attempt, Backoff, random};
use crate::gateway::credentials::Credentials;
use crate::gateway::dial::dial;
use crate::gateway::end::End;
use crate::gateway::events::Events;
use crate::gateway::refused::Refused;
use crate::gateway::session::{self, SessionContext};
use crate::gateway::stop::Stop;
use crate::gateway::transport::Destination;
use crate::limits;
use crate::net::{Budget, Proxy};

/// What it takes to connect.
pub struct GatewaySettings {
    /// The gateway.
    pub address: GatewayAddress,
    /// The proxy before it.
    pub proxy: Option<Proxy>,
    /// Who we are, asked before every attempt: the token may be in a file that has changed.
    pub credentials: Box<dyn Fn() -> Arc<Credentials> + Send>,
    /// How the gateway's certificate is checked.
    pub tls: Arc<ClientConfig>,
    /// The first frame of every session.
    pub hello: String,
    /// Time between two heartbeats.
    pub heartbeat: Duration,
}

/// Connects, and connects again, until `stop` says otherwise. A panic is a lost session, not the end.
pub fn run(settings: &GatewaySettings, engine: &Arc<Engine>, events: &Events, stop: &Stop) {
    let mut backoff = Backoff::default();
    let mut refused = Refused::default();
    while !stop.has_begun() {
        let attempt = AssertUnwindSafe(|| attempt(settings, engine, events, stop));
        let (end, up_for) = catch_unwind(attempt).unwrap_or_else(|_| {
            (
                End::Lost("a fault of the runner ended the session".to_owned()),
                Duration::ZERO,
            )
        });
        if stop.has_begun() {
            debug!("session over: {}", end.detail());
            return;
        }
        let wait = backoff.after(
            Attempt {
                up_for,
                unauthorized: end.unauthorized(),
                retry_after: end.retry_after(),
            },
            random(),
        );
        engine.metrics().gateway.reconnecting(end.code());
        if refused.note(&end, up_for, Instant::now()) {
            engine.metrics().gateway.refused();
            error!(
                "the gateway has refused this runner for {} minutes, and will not stop by itself: {}. {}",
                limits::REFUSED_LOUDLY.as_secs() / 60,
                end.detail(),
                sentence(&end.advice())
            );
        }
        events.disconnected(&end.reason());
        warn!(
            "{}; next attempt in {:.1} s. {}",
            end.detail(),
            wait.as_secs_f64(),
            sentence(&end.advice())
        );
        if stop.waited(wait) {
            return;
        }
    }
}

fn attempt(
    settings: &GatewaySettings,
    engine: &Arc<Engine>,
    events: &Events,
    stop: &Stop,
) -> (End, Duration) {
    let budget = Budget::new(limits::CONNECT_BUDGET);
    let credentials = (settings.credentials)();
    let destination = Destination {
        address: &settings.address,
        proxy: settings.proxy.as_ref(),
        credentials: Some(&credentials),
        tls: &settings.tls,
    };
    let open = match dial(&destination, budget) {
        Ok(open) => open,
        Err(error) => return (End::Failed(error), Duration::ZERO),
    };
    let context = SessionContext {
        engine,
        events,
        stop,
        credentials,
        hello: settings.hello.clone(),
        heartbeat: settings.heartbeat,
    };
    session::run(open, budget, context)
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
