//! What a server's refusals and a broken connection mean for a job.

use std::io;

use crate::error::{ErrorCode, JobError, Retry};
use crate::tls::chain;

/// Said of a server whose keys are spread over several.
pub(super) const CLUSTER: &str = "this server is one node of a cluster, which holds only a part of the keys; clusters \
                                  are not served by this bridge";

/// The job's error for a command that the server refused. The server's words begin with one in capitals.
pub(super) fn refused(error: &str) -> JobError {
    let word = error.split(' ').next().unwrap_or_default();
    match word {
        "WRONGPASS" | "NOAUTH" => JobError::new(ErrorCode::SourceAuthFailed, error),
        "LOADING" | "MASTERDOWN" | "TRYAGAIN" | "CLUSTERDOWN" => JobError::unreachable(error),
        "MOVED" | "ASK" | "CROSSSLOT" => {
            JobError::new(ErrorCode::SourceConfig, format!("{CLUSTER} ({word})"))
        }
        _ => JobError::query_failed(error),
    }
}

/// The job's error for a connection that broke off while it was used.
pub(super) fn broken(error: &io::Error) -> JobError {
    let retry = match error.kind() {
        // Another attempt would hear the same.
        io::ErrorKind::InvalidData | io::ErrorKind::TimedOut => Retry::No,
        _ => Retry::NewConnection,
    };
    let message = format!("the connection broke off: {}", chain(error));
    JobError {
        retry,
        ..JobError::query_failed(message)
    }
}
