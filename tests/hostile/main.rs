//! Hostile servers, gateways and configurations: what the threat model promises holds while they do their worst. The
//! process stays small, other sources are answered, no job is lost.
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

#[cfg(feature = "default")]
mod contents;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod files;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod flood;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod frames;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod heavy_jobs;
#[cfg(feature = "default")]
mod idle;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod kept;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod large_rows;
#[cfg(feature = "default")]
mod names;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod read_only;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod scene;
#[cfg(feature = "default")]
mod sealed;
#[cfg(feature = "default")]
mod shortage;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod silence;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod spellings;
#[cfg(feature = "default")]
mod villains;
