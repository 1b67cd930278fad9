//! The files of this checkout.

use std::env;
use std::path::{Path, PathBuf};

/// A file or folder of the project. Looked for when a test runs, from where cargo runs it: a target folder may
/// have been filled from another checkout, whose path the compiler would have kept.
pub fn project(path: impl AsRef<Path>) -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let start = package.or_else(|| env::current_dir().ok());
    let start = start.expect("a working folder");
    let mut folders = start.ancestors();
    let root = folders.find(|folder| folder.join("Cargo.lock").exists());
    let root = root.unwrap_or_else(|| panic!("{} is not in the project", start.display()));
    root.join(path)
}
