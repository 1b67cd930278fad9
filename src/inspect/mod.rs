//! Looking at a runner's surroundings once, for a person: are its sources there, is the way to its gateway
//! open. Nothing here prints; `cli` does.

mod audit;
mod check;
mod question;
mod source;
mod walk;

pub use audit::{TOKEN_SEEN, audit_oversight, audit_settings, audit_source, audit_variables};
pub use check::{Check, Mark};
pub use question::{Rules, ask};
#[cfg(test)]
pub use source::SourceFacts;
pub use source::{SourceReport, check_sources, find_sources, open_source};
pub use walk::{Reached, Walk};
