//! Configuration of the process: what comes from the environment and from files.

pub mod secret_file;
