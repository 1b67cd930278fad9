//! Ends the process when a test hangs. A hanging test would otherwise hold a CI machine for hours and say
//! nothing.

use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use crate::runner;

/// Alive as long as the test runs.
pub struct Watchdog {
    _alive: Sender<()>,
}

/// Ends the process, and every runner it started, unless the guard is dropped within this time.
pub fn watchdog(limit: Duration) -> Watchdog {
    let (alive, ended) = channel::<()>();
    let test = thread::current().name().unwrap_or("a test").to_owned();
    thread::Builder::new()
        .name("watchdog".into())
        .spawn(move || {
            if ended.recv_timeout(limit) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                eprintln!("{test} still runs after {limit:?}: giving up");
                runner::kill_all();
                std::process::exit(101);
            }
        })
        .expect("a thread");
    Watchdog { _alive: alive }
}
