//! A runner for SemiLayer: it dials out over one WebSocket, receives query jobs, runs them on the databases
//! beside it and streams the rows back. The modules follow the way of a job: `gateway` receives it, `engine`
//! schedules it, `sources` finds its database, `options` and `sql` say what to ask, `bridges` ask, `json`
//! writes the answer.

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

pub mod audit;
pub mod bridges;
pub mod cli;
pub mod config;
pub mod console;
pub mod engine;
pub mod error;
pub mod gateway;
pub mod health;
pub mod inspect;
pub mod job;
pub mod json;
pub mod limits;
pub mod metrics;
pub mod net;
pub mod options;
pub mod policy;
pub mod protocol;
pub mod service_manager;
pub mod sources;
pub mod sql;
pub mod tls;
