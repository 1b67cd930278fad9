//! One job as a bridge sees it: whether it may go on, where its rows go, what it says besides them. Bridges and
//! the engine both stand on it; it knows neither.
//!
//! - `control`: whether the job may go on, and how its statement is stopped
//! - `sink`: where rows go, chunk by chunk; `frame`: what becomes of them; `buffers`: into which memory; `caps`: how
//!   many of them; `queue`: the way to the thread that sends
//! - `package`: what is known of a bridge beforehand; `names`: when two names mean the same
//! - `column`: the columns of a target; `summary`, `privileges`: what a job says besides rows

mod buffers;
mod caps;
mod column;
mod control;
mod frame;
mod held;
mod large_rows;
mod names;
mod package;
mod privileges;
mod queue;
mod sink;
mod summary;

pub use buffers::Buffers;
pub(crate) use caps::Caps;
pub use column::{Columns, TargetColumn};
pub use control::{JobControl, Outcome};
pub(crate) use control::{Phase, StopGuard};
pub(crate) use frame::{Chunk, FrameKind};
pub use frame::{ChunkLimits, FrameOut, Slot};
pub use held::{Held, Pool, Share};
pub use large_rows::{LargeRows, Turn};
pub use names::{Case, NameRules};
#[cfg(test)]
pub(crate) use package::fixture;
pub use package::{Key, KeyKind, Package};
pub(crate) use privileges::Privileges;
pub use queue::{QueueSender, Undelivered, Wakeup};
pub use sink::RowSink;
pub use summary::Summary;
pub(crate) use summary::{KeptBy, ServerFacts};
