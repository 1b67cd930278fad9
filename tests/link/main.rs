//! The session with the gateway: how it begins, what is said in it, and every way in which it breaks.
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

// First by its name, because one of its tests takes a minute.
#[cfg(feature = "postgres")]
mod absent_reader;
mod connect_phases;
#[cfg(feature = "sqlite")]
mod encrypted_link;
mod first_contact;
mod garbage_frames;
#[cfg(feature = "sqlite")]
mod half_open;
#[cfg(feature = "sqlite")]
mod intercepted;
#[cfg(all(target_os = "linux", feature = "sqlite"))]
mod network_namespace;
mod proxy;
mod reconnect;
mod session;
mod tls;
