//! Sources: the databases that jobs name, and how each is reached.

mod environment;
mod source;

pub use environment::SourceEnvironment;
pub use source::{CredentialsLocation, Source};
