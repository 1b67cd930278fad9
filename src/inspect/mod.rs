//! Looking at a runner's surroundings once, for a person: are its sources there, is the way to its gateway
//! open. Nothing here prints; `cli` does.

mod question;
mod source;

pub use question::{Answer, ask};
pub use source::{SourceFacts, SourceReport, check_sources, find_sources, open_source};
