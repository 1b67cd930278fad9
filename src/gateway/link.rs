//! The link to the gateway for the life of the process: session after session, with pauses between.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use log::{debug, warn};
use rustls::ClientConfig;

use crate::engine::Engine;
use crate::gateway::address::GatewayAddress;
use crate::gateway::backoff::{Attempt, Backoff, random};
use crate::gateway::dial::dial;
use crate::gateway::end::End;
use crate::gateway::events::Events;
use crate::gateway::proxy::Proxy;
use crate::gateway::session::{self, SessionContext};
use crate::gateway::stop::Stop;
use crate::gateway::way::Destination;
use crate::limits;
use crate::net::Budget;

/// What the link needs to know, all of it fixed at start.
pub struct LinkSettings {
    /// The gateway.
    pub address: GatewayAddress,
    /// The proxy before it.
    pub proxy: Option<Proxy>,
    /// Path and query of the upgrade; a secret.
    pub path: String,
    /// How the gateway's certificate is checked.
    pub tls: Arc<ClientConfig>,
    /// The first frame of every session.
    pub hello: String,
    /// Time between two heartbeats.
    pub heartbeat: Duration,
    /// Room for what goes before rows; at least one error a live job.
    pub urgent_queue: usize,
}

/// Connects, and connects again, until `stop` says otherwise. A panic is a lost session, not the end.
pub fn run(settings: &LinkSettings, engine: &Arc<Engine>, events: &Events, stop: &Stop) {
    let mut backoff = Backoff::default();
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
        engine.metrics().link.reconnecting(end.code());
        events.disconnected(&end.reason());
        warn!(
            "{}; next attempt in {:.1} s. {}",
            end.detail(),
            wait.as_secs_f64(),
            sentence(end.advice())
        );
        if stop.waited(wait) {
            return;
        }
    }
}

fn attempt(
    settings: &LinkSettings,
    engine: &Arc<Engine>,
    events: &Events,
    stop: &Stop,
) -> (End, Duration) {
    let budget = Budget::new(limits::CONNECT_BUDGET);
    let destination = Destination {
        address: &settings.address,
        proxy: settings.proxy.as_ref(),
        path: &settings.path,
        tls: &settings.tls,
    };
    let link = match dial(&destination, budget) {
        Ok(link) => link,
        Err(error) => return (End::Failed(error), Duration::ZERO),
    };
    let context = SessionContext {
        engine,
        events,
        stop,
        hello: settings.hello.clone(),
        heartbeat: settings.heartbeat,
        urgent_queue: settings.urgent_queue,
    };
    session::run(link, budget, context)
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
