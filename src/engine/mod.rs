//! The engine, between the gateway and the bridges: who runs when, who may still send, and when it must stop.
//!
//! - `handle`: the engine as the rest of the process holds it; `core`: what its threads share
//! - `session`: the jobs of one gateway session; `outbox`: their way out
//! - `live_job`, `facts`: one accepted job with the session it answers to, and what people are told of it
//! - `dispatch`: who runs when; `lanes`, `lane`: the jobs of each source; `ready`: jobs for idle workers
//! - `watchdog`, `timers`: deadlines, and workers that do not come back
//! - `oversight`: policy before a job, audit log after it; `audit_record`: what that log keeps of a live job
//! - `done`, `report`: the end of a job as frame and log line
//! - `closers`: threads that close pools

mod audit_record;
mod closers;
mod core;
mod dispatch;
mod done;
mod facts;
mod handle;
mod lane;
mod lanes;
mod live_job;
mod outbox;
mod outside;
mod oversight;
mod ready;
mod report;
mod session;
mod timers;
mod watchdog;

pub use handle::{Engine, EngineSettings, OpenBridge};
pub use outbox::{ErrorFrame, Outbox};
pub use oversight::{Oversight, run_permitted};
pub use session::JobSession;

#[cfg(test)]
mod tests;
