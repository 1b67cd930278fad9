//! What every connection needs, whatever is at its other end.
//!
//! - `budget`: the time one attempt may take, shared by its phases and candidates
//! - `names`: names to addresses; `connect`: from a name to a connection
//! - `proxy`: which proxy leads to a host; `tunnel`: through it, by CONNECT or `socks`; `layers`: TLS, perhaps within that of a proxy
//! - `link`: connections to databases that any thread can cut
//! - `http`: asking a server, on a link, and what answers begin with; `http_date`: their dates
//! - `base64`, `percent`: how texts travel in heads and URLs

pub(crate) mod base64;
mod budget;
mod connect;
pub mod http;
pub(crate) mod http_date;
mod layers;
mod link;
mod names;
pub(crate) mod percent;
mod proxy;
mod socks;
mod tunnel;

pub(crate) use budget::{Budget, Budgeted, Phase};
pub use connect::ConnectError;
pub(crate) use connect::{Progress, connect, connect_by};
pub(crate) use layers::Layers;
pub use link::{Cutter, DialError, Link, Peer};
pub(crate) use names::{bracketed, resolve, resolve_unless, without_brackets, without_zone};
pub use proxy::{Proxy, ProxyKind, exempt};
pub(crate) use tunnel::{TunnelError, open_tunnel};
