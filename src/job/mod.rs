//! One job as a bridge sees it: whether it may go on, where its rows go, what it says besides them. Bridges and
//! the engine both stand on it; it knows neither.

mod caps;
mod column;
mod control;
mod inlet;
mod privileges;
mod sink;
mod summary;

pub use caps::Caps;
pub use column::TargetColumn;
pub use control::{JobControl, Outcome, Phase, StopGuard};
pub use inlet::{Bell, Inlet, Undelivered};
pub use privileges::Privileges;
pub use sink::{Chunk, ChunkLimits, FrameKind, FrameOut, RowSink, Slot};
pub use summary::{ServerFacts, Summary};
