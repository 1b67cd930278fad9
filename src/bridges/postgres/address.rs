//! Where the servers of a source are.

use postgres::config::Host;

use super::Flavour;
use super::parameters::Parameters;
use crate::bridges::config::no_port;
use crate::error::JobError;
use crate::net::without_brackets;

/// One place a server may be at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A name or address, and a port.
    Tcp(String, u16),
    /// The folder of a Unix socket, and the port in the socket's name.
    Unix(std::path::PathBuf, u16),
}

/// The servers, by the parameters where these name any.
pub(super) fn addresses(
    parsed: &postgres::Config,
    parameters: &Parameters,
    flavour: Flavour,
) -> Result<Vec<Address>, JobError> {
    let hosts = match &parameters.hosts {
        Some(hosts) => hosts.split(',').map(|host| host_of(host.trim())).collect(),
        None => parsed.get_hosts().to_vec(),
    };
    let ports = match &parameters.ports {
        Some(ports) => {
            let ports = ports.split(',').map(|port| port_of(port.trim(), flavour));
            ports.collect::<Result<_, _>>()?
        }
        None => parsed.get_ports().to_vec(),
    };
    if ports.contains(&0) {
        return Err(no_port());
    }
    let port = |i: usize| {
        let port = ports.get(i).or(ports.first()).copied();
        port.unwrap_or(flavour.default_port())
    };
    if hosts.is_empty() {
        return Ok(vec![Address::Tcp("localhost".into(), port(0))]);
    }
    let hosts = hosts.into_iter().enumerate();
    let addresses = hosts.map(|(i, host)| match host {
        Host::Tcp(name) if name.is_empty() => Address::Tcp("localhost".into(), port(i)),
        Host::Tcp(name) => Address::Tcp(name, port(i)),
        Host::Unix(folder) => Address::Unix(folder, port(i)),
    });
    Ok(addresses.collect())
}

fn host_of(text: &str) -> Host {
    if text.starts_with('/') {
        return Host::Unix(text.into());
    }
    Host::Tcp(without_brackets(text).to_owned())
}

fn port_of(text: &str, flavour: Flavour) -> Result<u16, JobError> {
    match text.parse() {
        Ok(port) => Ok(port),
        Err(_) if text.is_empty() => Ok(flavour.default_port()),
        Err(_) => Err(no_port()),
    }
}
