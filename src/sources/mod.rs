//! Sources: the databases that jobs name, and how each is reached.

mod source;

pub use source::{CredentialsLocation, Source};
