//! What is handed over: the image and the deployment examples.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[cfg(feature = "postgres")]
mod deploy;
mod doctor_container;
#[cfg(feature = "postgres")]
mod image;
