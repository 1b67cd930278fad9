//! Jobs between the gateway and the bridges: who runs when, who may still send, and when it must stop.

mod control;
mod engine;
mod outbox;
mod session;
mod sink;

pub use control::{JobControl, Outcome, StopGuard};
pub use engine::{Engine, EngineSettings};
pub use outbox::{Outbox, Urgent};
pub use session::JobSession;
pub use sink::{ChunkLimits, FrameKind, FrameOut, RowSink, Slot};
