//! What a process can run out of, and what its operator is told then: descriptors and threads have limits that are set
//! outside of it.

use std::fs::File;
use std::io;
use std::sync::OnceLock;
use std::thread::{self, JoinHandle};

use crate::error::{ErrorCode, JobError};

/// Said when no descriptor is left.
const DESCRIPTORS: &str = "the runner has no file descriptor left: raise its limit of open files (ulimit -n, \
                           LimitNOFILE=, or --ulimit nofile=)";
/// Said when no thread is left.
const THREADS: &str = "the runner has no thread left: raise its limit of processes (ulimit -u, TasksMax=, or \
                       --pids-limit)";

/// Said when name servers do not answer.
const LOOK_UPS: &str = "too many names are being looked up: the name servers do not answer, or not all names (see \
                        /etc/resolv.conf)";

/// The error of a name that is not looked up because too many others are.
pub fn look_ups() -> io::Error {
    io::Error::other(LOOK_UPS)
}

/// Starts a thread.
///
/// # Errors
/// There is none left; it says what to set.
pub fn spawn<T: Send + 'static>(
    name: impl Into<String>,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let spawned = thread::Builder::new().name(name.into()).spawn(work);
    spawned.map_err(|error| io::Error::other(format!("{THREADS}: {error}")))
}

/// The same error, unless what failed only failed because something ran out: then it says so, and the job may be sent
/// again.
pub fn explained(error: JobError) -> JobError {
    use ErrorCode::{Internal, QueryFailed, SourceConfig, SourceUnreachable};
    if !matches!(
        error.code,
        SourceUnreachable | SourceConfig | QueryFailed | Internal
    ) {
        return error;
    }
    let overloaded = |message: &str| JobError::new(ErrorCode::Overloaded, message);
    match &error.message {
        message if message.contains(THREADS) => overloaded(THREADS),
        message if message.contains(LOOK_UPS) => overloaded(LOOK_UPS),
        message if names_descriptors(message) || none_is_left() => overloaded(DESCRIPTORS),
        _ => error,
    }
}

/// By the numbers of the system for "too many open files", of the process and of the machine.
fn names_descriptors(message: &str) -> bool {
    message.contains("(os error 24)") || message.contains("(os error 23)")
}

/// Libraries do not all pass on why they could not open something.
fn none_is_left() -> bool {
    File::open("/").is_err_and(|error| names_descriptors(&error.to_string()))
}

/// Most descriptors that the process may have. Where the system does not tell, what is least usual.
pub fn descriptors() -> usize {
    static DESCRIPTORS: OnceLock<usize> = OnceLock::new();
    *DESCRIPTORS.get_or_init(|| {
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
        soft_limit(&limits).unwrap_or(256)
    })
}

fn soft_limit(limits: &str) -> Option<usize> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(usize::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_counts() {
        let limits = "Max processes             100                  200                  processes \n\
                      Max open files            1024                 524288               files     \n";
        assert_eq!(soft_limit(limits), Some(1024));
        assert_eq!(
            soft_limit("Max open files  unlimited unlimited files"),
            Some(usize::MAX)
        );
        assert_eq!(soft_limit(""), None);
        assert!(descriptors() > 16);
    }

    #[test]
    fn only_a_shortage_is_told_as_one() {
        let told = |code, message: &str| explained(JobError::new(code, message)).code;
        let emfile = "db:1: Too many open files (os error 24)";
        assert_eq!(
            told(ErrorCode::SourceUnreachable, emfile),
            ErrorCode::Overloaded
        );
        assert_eq!(told(ErrorCode::Cancelled, emfile), ErrorCode::Cancelled);
        let refused = "db:1: Connection refused (os error 111)";
        assert_eq!(
            told(ErrorCode::SourceUnreachable, refused),
            ErrorCode::SourceUnreachable
        );
        let thread = JobError::unreachable(format!("db:1: {THREADS}"));
        let error = explained(thread);
        assert!(error.message.contains("ulimit -u"), "{error}");
    }
}
