//! A runner for SemiLayer: it dials out over one WebSocket, receives query jobs, runs them on the databases
//! beside it and streams the rows back. A job comes in by `gateway`; `engine` says when it runs, `sources` finds
//! its database, `options` and `sql` say what to ask, `bridges` ask, `json` writes the answer.
//!
//! The rooms, the ground first. Each imports only from lines above its own or from its own, and never in a
//! circle:
//!
//! ```text
//! error files limits text words
//! console json service_manager
//! net tls
//! options
//! job
//! sql
//! audit metrics policy protocol sources
//! bridges
//! engine
//! gateway health
//! config
//! inspect
//! cli
//! ```

// A test may stop at once where the runner must not.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice
    )
)]
// What only some bridges use is no dead code in a build without them; with all of them it shows.
#![cfg_attr(not(feature = "default"), allow(dead_code, unused_imports))]

mod audit;
pub mod bridges;
pub mod cli;
mod config;
mod console;
mod engine;
pub mod error;
mod files;
pub mod gateway;
mod health;
mod inspect;
pub mod job;
pub mod json;
pub mod limits;
mod metrics;
pub mod net;
pub mod options;
mod policy;
pub mod protocol;
mod service_manager;
pub mod sources;
pub mod sql;
mod text;
mod tls;
mod words;
