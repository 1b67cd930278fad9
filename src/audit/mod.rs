//! The audit log (`SEMILAYER_AUDIT_LOG`): one JSON line for every job that ended, for the customer's security
//! people. It says who asked what, in shape but not in value, and how much left the house.
//!
//! A job is accepted only when there is a place for its line, so no line is ever lost: while the log cannot be
//! written, new jobs are refused (`AUDIT_FAILED`) unless `SEMILAYER_AUDIT_ON_FAILURE=continue` says that
//! answering is more important than recording.

mod file;
mod line;
mod log;
mod shape;

pub use line::{AuditLine, Clipped};
pub use log::{AuditLog, AuditSettings, OnFailure};
pub use shape::details;
