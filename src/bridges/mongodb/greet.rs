//! The first words with a server.

use super::bson::{Fields, fields};
use super::config::{Address, Settings};
use super::error;
use super::topology::{Greeting, OLDEST_WIRE};
use super::wire::{Connection, Failure};
use crate::error::{ErrorCode, JobError};
use crate::net::{Budget, Cutter, Link, Peer};

/// Connects to one server and hears what it is.
pub fn greet(
    settings: &Settings,
    address: &Address,
    budget: Budget,
    cutter: Cutter,
) -> Result<(Connection, Greeting), JobError> {
    let link = match address {
        Address::Host(host, port) => {
            let peer = Peer {
                host: host.clone(),
                port: *port,
                proxy: None,
                tls: settings.tls.clone(),
            };
            Link::open(&peer, budget, &cutter)
        }
        Address::Local(path) => Link::open_local(path, budget, &cutter),
    };
    let link = link.map_err(|error| {
        let error = JobError::from(error);
        JobError::new(error.code, format!("{address}: {}", error.message))
    })?;
    let mut connection = Connection::new(link, cutter);
    connection.until(budget.until());
    let failed = |failure| match error::connecting(failure, &address.to_string()) {
        // Nobody has logged in yet: it is no server of ours.
        error if error.code == ErrorCode::SourceAuthFailed => JobError::unreachable(error.message),
        error => error,
    };
    let greeting = match connection.command(&hello(settings, "hello")) {
        // Servers before 4.4.2 know it by its old name.
        Err(Failure::Server { code: 59, .. }) => connection.command(&hello(settings, "isMaster")),
        answer => answer,
    };
    let greeting = greeting
        .and_then(|answer| Ok(Greeting::read(answer)?))
        .map_err(failed)?;
    if greeting.wire < OLDEST_WIRE {
        let text = format!("{address}: the server is older than MongoDB 3.6");
        return Err(JobError::unreachable(text));
    }
    Ok((connection, greeting))
}

fn hello(settings: &Settings, name: &str) -> Fields {
    let client = fields! {
        "application": fields! { "name": settings.app_name.as_str() },
        "driver": fields! { "name": "semilayer-runner", "version": env!("CARGO_PKG_VERSION") },
        "os": fields! { "type": std::env::consts::OS },
    };
    let mut command = Fields::one(name, 1);
    command.push("client", client);
    let question = settings
        .credentials
        .as_ref()
        .and_then(|credentials| credentials.question());
    if let Some(question) = question {
        command.push("saslSupportedMechs", question);
    }
    command.with("$db", "admin")
}
