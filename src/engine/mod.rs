//! The engine, between the gateway and the bridges: who runs when, who may still send, and when it must stop.

mod closers;
mod core;
mod dispatch;
mod done;
mod entry;
mod facts;
mod gauges;
mod lane;
mod lanes;
mod live_job;
mod outbox;
mod oversight;
mod ready;
mod report;
mod session;
mod timers;
mod watchdog;

pub use entry::{Engine, EngineSettings};
pub use outbox::{Outbox, Urgent};
pub use oversight::{Oversight, Ruled};
pub use session::JobSession;

#[cfg(test)]
mod tests;
