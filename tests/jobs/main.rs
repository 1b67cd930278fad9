//! Jobs, whatever database they ask: each gets exactly one answer, in time, and leaves nothing behind.
// A build without some bridges leaves some helpers without a test.
#![cfg_attr(
    not(all(feature = "postgres", feature = "mysql", feature = "sqlite")),
    allow(dead_code, unused_imports)
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[cfg(feature = "sqlite")]
mod burst;
mod cancel;
mod deadline;
#[cfg(all(feature = "postgres", feature = "sqlite"))]
mod drain;
#[cfg(feature = "sqlite")]
mod restarts;
#[cfg(all(feature = "postgres", feature = "sqlite"))]
mod runner_local;
mod terminated_backend;
mod unreachable_source;
