//! Jobs between the gateway and the bridges: who runs when, who may still send, and when it must stop.

mod control;
mod sink;

pub use control::{JobControl, Outcome, StopGuard};
pub use sink::{ChunkLimits, FrameOut, RowSink, Slot};
