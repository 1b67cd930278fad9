//! The link to the gateway: dialling, sessions, and the pauses between them. A session has two threads. The
//! reader (`reader`) takes frames in, keeps the clock and hands jobs to the engine; the writer (`writer`)
//! alone sends. Not for running jobs, which is `jobs`' business.

mod address;
mod backoff;
mod connect;
mod dial;
mod end;
mod error;
mod events;
mod frame_guard;
mod greet;
mod health_probe;
mod link;
mod memory;
mod proxy;
mod pulse;
mod reader;
mod session;
mod stop;
mod upgrade;
mod way;
mod wire;
mod writer;

pub use address::{AddressError, GatewayAddress};
pub use end::End;
pub use error::LinkError;
pub use events::{Events, short};
pub use greet::{Greeting, greet, knock};
pub use health_probe::{Health, ask_health};
pub use link::{LinkSettings, run};
pub use memory::resident_kib;
pub use proxy::{Proxy, exempt};
pub use stop::Stop;
pub use way::{Destination, Step};
