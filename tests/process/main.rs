//! The process on its machine: its clocks, its streams, its listener, who supervises it.
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

#[cfg(feature = "postgres")]
mod clock_jumps;
#[cfg(feature = "postgres")]
mod frozen;
mod health;
mod reload;
mod service_manager;
mod unread_output;
