//! Looking at a runner's surroundings once, for a person: are its sources there, is the way to its gateway
//! open. Nothing here prints; `cli` does.

mod assigned;
mod audit;
mod check;
mod container;
mod question;
mod source;
mod source_audit;
mod token_name;
mod walk;

pub use audit::{audit_identity, audit_names, audit_oversight, audit_proxy, audit_roots};
pub use check::{Check, Mark};
pub use container::is_container;
pub use question::{Rules, ask};
pub use source::{SourceFacts, SourceReport, check_sources, find_sources, open_source};
pub use source_audit::{audit_source, audit_variables};
pub use walk::{Reached, Walk};
