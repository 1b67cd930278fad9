//! Jobs between the gateway and the bridges: who runs when, who may still send, and when it must stop.

mod control;
mod outbox;
mod sink;

pub use control::{JobControl, Outcome, StopGuard};
pub use outbox::{Outbox, Urgent};
pub use sink::{ChunkLimits, FrameKind, FrameOut, RowSink, Slot};
