//! The gateway: dialling, sessions, and the pauses between them. A session has two threads. The reader takes
//! frames in, keeps the clock and hands jobs to the engine; the writer sends, unless a worker can do it at once. Not for running jobs.
//!
//! - `reconnect`: session after session, for the life of the process; `backoff`: the pauses; `stop`: its end
//! - `address`: the gateway's URL; `credentials`: who we are; `transport`: DNS, TCP, proxy, TLS; `upgrade`: from HTTP to a WebSocket;
//!   `dial`: all of it within one budget; `error`, `refusal`: why it failed
//! - `session`: what belongs to one connection; `socket`: one socket for two threads
//! - `reader`, `incoming`: what comes in; `frame_guard`: nothing too large; `pulse`: when to send a sign of life
//! - `writer`, `outlet`, `frame_writer`: what goes out; `shortcut`: what need not wait for the writer; `control`: what the session
//!   itself has to send
//! - `end`, `advice`: how a session ended, and what to do about it; `refused`: for how long it was; `events`: what people see of it
//! - `health_probe`, `trial`: what `doctor` asks a gateway

mod address;
mod advice;
mod backoff;
mod control;
mod credentials;
mod dial;
mod end;
mod error;
mod events;
mod frame_guard;
mod frame_writer;
mod health_probe;
mod incoming;
mod outlet;
mod pulse;
mod reader;
mod reconnect;
mod refusal;
mod refused;
mod session;
mod shortcut;
mod socket;
mod stop;
mod transport;
mod trial;
mod upgrade;
mod writer;

pub(crate) use address::AddressError;
pub use address::GatewayAddress;
pub(crate) use credentials::Credentials;
pub(crate) use end::End;
pub(crate) use error::GatewayError;
pub(crate) use events::{Events, short};
pub(crate) use health_probe::{Health, ask_health};
pub(crate) use reconnect::{GatewaySettings, run};
#[cfg(test)]
pub(crate) use refusal::Refusal;
pub(crate) use stop::Stop;
pub(crate) use transport::{Destination, Step};
pub(crate) use trial::{Greeting, authenticate, probe};
