//! Bounds of memory and time. One at a time, because whatever runs beside it would be measured too.
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

#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod aggregate_stream;
#[cfg(all(feature = "postgres", feature = "sqlite"))]
mod footprint;
#[cfg(all(feature = "postgres", feature = "sqlite"))]
mod hanging_source;
#[cfg(all(feature = "postgres", feature = "sqlite"))]
mod leaks;
#[cfg(feature = "mongodb")]
mod mongodb_stream;
#[cfg(feature = "mysql")]
mod mysql_stream;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held by every test here as long as it measures.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
