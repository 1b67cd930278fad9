//! What leaves the house and what stays: the policy, the audit log, the log.
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
mod audit;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod logs;
#[cfg(feature = "default")]
mod places;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod policy;
#[cfg(feature = "default")]
mod secrets;
#[cfg(feature = "sqlite")]
mod strict_audit;
