//! Sources: the databases that jobs name, and how each is reached.

mod environment;
mod key;
mod local;
mod names;
mod source;

pub use environment::SourceEnvironment;
pub use key::{RecentKeys, SourceKey, SourceKeys};
pub use local::LocalSource;
pub use names::{LocalNames, variable_name};
pub use source::{CredentialsLocation, Source};
