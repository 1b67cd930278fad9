//! What is typed: the commands beside `start`, and the script that looks for what is wrong.
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

mod cli;
mod doctor;
mod doctor_script;
#[cfg(all(feature = "postgres", feature = "sqlite"))]
mod terminal;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod test_source;
