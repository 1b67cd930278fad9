//! Jobs between the gateway and the bridges: who runs when, who may still send, and when it must stop.

mod closers;
mod control;
mod core;
mod dispatch;
mod done;
mod engine;
mod facts;
mod gauges;
mod inlet;
mod lane;
mod lanes;
mod live_job;
mod outbox;
mod oversight;
mod ready;
mod report;
mod session;
mod sink;
mod timers;
mod watchdog;

pub use control::{JobControl, Outcome, Phase, StopGuard};
pub use engine::{Engine, EngineSettings};
pub use inlet::{Bell, Inlet};
pub use outbox::{Outbox, Urgent};
pub use oversight::{Oversight, Ruled};
pub use session::JobSession;
pub use sink::{Chunk, ChunkLimits, FrameKind, FrameOut, RowSink, Slot};

#[cfg(test)]
mod tests;
