//! The engine with bridges that do what a test tells them. Nothing sleeps: a test waits for a message, and
//! `PATIENCE` only bounds how long a broken one takes to fail.

mod ends;
mod pools;
pub(super) mod rig;
mod turns;
