//! Sources: the databases that jobs name, and how each is reached.

mod environment;
mod key;
mod source;

pub use environment::{LocalSource, SourceEnvironment, variable_name};
pub use key::{RecentKeys, SourceKey, SourceKeys};
pub use source::{CredentialsLocation, Source};
