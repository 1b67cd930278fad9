//! What the driver reads, looked at before it gets it. The driver reads whatever a server sends, without end, and
//! knows no way to give up: here reading ends with the job, with the time for connecting, and where a server sends
//! more than anybody could want.

use std::any::Any;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::error::unspoken;
use crate::error::{ErrorCode, JobError};
use crate::job::JobControl;
use crate::limits;
use crate::locks::lock;

/// Looks after one connection; clones do the same.
#[derive(Clone)]
pub(super) struct Guard(Arc<State>);

struct State {
    /// How TLS is set up, and for which name, where it is.
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// The job that the connection is used by.
    job: Mutex<Option<Arc<JobControl>>>,
    cut: AtomicBool,
    /// Until the session is open: by when it must be, and the socket.
    opening: Mutex<Option<Opening>>,
    /// Bytes since a statement or a row was taken.
    received: AtomicUsize,
    /// Bytes since the connection was opened.
    total: AtomicUsize,
    /// Parameters that a statement is expected to have which is being prepared.
    parameters: AtomicUsize,
    /// The next bytes begin the answer to a command.
    fresh: AtomicBool,
    /// Why nothing more is read.
    problem: Mutex<Option<JobError>>,
}

struct Opening {
    until: Instant,
    socket: Option<Socket>,
}

enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Guard {
    /// For a connection that is opened for this job, or for none.
    pub(super) fn new(
        tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
        job: Option<&Arc<JobControl>>,
    ) -> Self {
        Self(Arc::new(State {
            tls,
            job: Mutex::new(job.cloned()),
            cut: AtomicBool::new(false),
            opening: Mutex::default(),
            received: AtomicUsize::new(0),
            total: AtomicUsize::new(0),
            parameters: AtomicUsize::new(0),
            fresh: AtomicBool::new(false),
            problem: Mutex::default(),
        }))
    }

    /// Does what connects, within `budget`.
    pub(super) fn watch<T>(&self, budget: Duration, connect: impl FnOnce() -> T) -> T {
        *lock(&self.0.opening) = Some(Opening {
            until: Instant::now() + budget,
            socket: None,
        });
        self.0.received.store(0, Ordering::Relaxed);
        bufstream::guarded(Arc::new(self.clone()), connect)
    }

    /// Ends whatever the driver is doing with an error, at once while the session is not open yet.
    pub(super) fn cut(&self) {
        self.0.cut.store(true, Ordering::Release);
        if let Some(Opening { socket, .. }) = &*lock(&self.0.opening) {
            // It fails only when the other side has closed the connection already.
            let _ = match socket {
                Some(Socket::Tcp(socket)) => socket.shutdown(Shutdown::Both),
                Some(Socket::Unix(socket)) => socket.shutdown(Shutdown::Both),
                None => Ok(()),
            };
        }
    }

    /// Cuts the connection unless it is open.
    pub(super) fn give_up(&self) {
        if lock(&self.0.opening).is_some() {
            self.cut();
        }
    }

    /// The session is open: the server may be silent for longer from now on.
    pub(super) fn opened(&self, silence: Duration) {
        let socket = lock(&self.0.opening).take().and_then(|open| open.socket);
        // A socket without a limit would be a statement that never ends; it has the one for connecting.
        let _ = match socket {
            Some(Socket::Tcp(socket)) => socket.set_read_timeout(Some(silence)),
            Some(Socket::Unix(socket)) => socket.set_read_timeout(Some(silence)),
            None => Ok(()),
        };
    }

    /// What comes in from now on comes in for this job, or for none.
    pub(super) fn serve(&self, job: Option<&Arc<JobControl>>) {
        *lock(&self.0.job) = job.cloned();
    }

    /// A command is about to be sent.
    pub(super) fn command(&self) {
        self.0.received.store(0, Ordering::Relaxed);
        self.0.fresh.store(true, Ordering::Relaxed);
    }

    /// A statement of so many parameters is about to be prepared.
    pub(super) fn prepare(&self, parameters: usize) {
        self.0.parameters.store(parameters, Ordering::Relaxed);
        self.command();
    }

    /// Bytes that came in since the last command was sent or the last row taken.
    pub(super) fn received(&self) -> usize {
        self.0.received.load(Ordering::Relaxed)
    }

    /// Bytes that came in since the connection was opened.
    pub(super) fn total(&self) -> usize {
        self.0.total.load(Ordering::Relaxed)
    }

    /// A row was taken.
    pub(super) fn row(&self) {
        self.0.received.store(0, Ordering::Relaxed);
    }

    /// Why nothing more is read, if that is so.
    pub(super) fn problem(&self) -> Option<JobError> {
        lock(&self.0.problem).clone()
    }

    fn check(&self, bytes: &[u8]) -> Result<(), JobError> {
        let state = &*self.0;
        let parameters = state.parameters.load(Ordering::Relaxed);
        if state.fresh.swap(false, Ordering::Relaxed) && !is_sane(bytes, parameters) {
            return Err(too_much());
        }
        state.total.fetch_add(bytes.len(), Ordering::Relaxed);
        let received = state.received.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        if lock(&state.opening).is_some() {
            if received > limits::MYSQL_LOGIN {
                return Err(too_much());
            }
            if asks_for_parsec(bytes) {
                let problem = unspoken("parsec");
                return Err(JobError::new(ErrorCode::SourceAuthFailed, problem));
            }
        }
        if received <= limits::LARGE_ROW {
            return Ok(());
        }
        let Some(job) = lock(&state.job).clone() else {
            return Err(too_much());
        };
        if received > job.large_rows().most_received() {
            return Err(job.large_rows().too_large());
        }
        job.receive_large()
    }
}

/// False for an answer that begins with more columns than any table has, or more parameters
/// than there are. The driver makes room for whatever number
/// it is told. (MySQL protocol: a packet's length and number, then for a result the number of columns as an integer
/// whose first byte says how long it is; for a prepared statement zero, its id, and two bytes.)
fn is_sane(bytes: &[u8], parameters: usize) -> bool {
    let number = |a: &u8, b: &u8| usize::from(u16::from_le_bytes([*a, *b]));
    match bytes.get(4..) {
        Some([0xfc, a, b, ..]) => number(a, b) <= limits::RESULT_COLUMNS,
        Some([0xfd | 0xfe, ..]) => false,
        Some([0x00, _, _, _, _, a, b, c, d, ..]) if bytes.first() == Some(&12) => {
            let most = limits::RESULT_COLUMNS.max(parameters);
            number(a, b) <= limits::RESULT_COLUMNS && number(c, d) <= most
        }
        _ => true,
    }
}

/// True for a server that asks for another way to log in, MariaDB's `parsec`, at which the driver panics. (A packet's
/// length and number, then 254 and the plugin's name.)
fn asks_for_parsec(bytes: &[u8]) -> bool {
    matches!(bytes.get(4..), Some([0xfe, name @ ..]) if name.starts_with(b"parsec\0"))
}

fn too_much() -> JobError {
    JobError::unreachable(
        "the server sends more than a MySQL server would; the connection is closed",
    )
}

impl bufstream::Guard for Guard {
    fn opened(&self, stream: &mut dyn Any) -> io::Result<()> {
        if let Some(tls) = stream.downcast_mut::<Box<StreamOwned<ClientConnection, TcpStream>>>() {
            let (config, name) = self.0.tls.clone().ok_or(io::ErrorKind::Unsupported)?;
            // Before its first byte: the driver's own settings trust other roots, or nobody's signature.
            tls.conn = ClientConnection::new(config, name).map_err(io::Error::other)?;
            return Ok(());
        }
        let socket = if let Some(socket) = stream.downcast_ref::<TcpStream>() {
            Socket::Tcp(socket.try_clone()?)
        } else if let Some(socket) = stream.downcast_ref::<UnixStream>() {
            Socket::Unix(socket.try_clone()?)
        } else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        if let Some(opening) = &mut *lock(&self.0.opening) {
            opening.socket = Some(socket);
        }
        Ok(())
    }

    fn before_read(&self) -> io::Result<()> {
        if self.0.cut.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let late = |opening: &Opening| Instant::now() >= opening.until;
        if lock(&self.0.opening).as_ref().is_some_and(late) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    fn received(&self, bytes: &[u8]) -> io::Result<()> {
        self.check(bytes).map_err(|problem| {
            let error = io::Error::other(problem.message.clone());
            *lock(&self.0.problem) = Some(problem);
            error
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_with_more_columns_than_there_are_end_the_connection() {
        for sane in [
            &[1, 0, 0, 1, 3][..],
            &[7, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0],
            &[12, 0, 0, 1, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0],
            &[3, 0, 0, 1, 0xfc, 0, 16],
            &[9, 0, 0, 1, 0xff, 0x48, 4, b'#'],
            &[12, 0, 0, 1, 0, 1, 0, 0, 0, 3, 0, 0x88, 0x13, 0, 0, 0],
            &[1, 0],
        ] {
            assert!(is_sane(sane, 5000), "{sane:?}");
        }
        for hostile in [
            &[3, 0, 0, 1, 0xfc, 1, 16][..],
            &[4, 0, 0, 1, 0xfd, 0, 0, 1],
            &[9, 0, 0, 1, 0xfe, 255, 255, 255, 255, 255, 255, 255, 255],
            &[12, 0, 0, 1, 0, 1, 0, 0, 0, 255, 255, 0, 0, 0, 0, 0],
            &[12, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 255, 255, 0, 0, 0],
        ] {
            assert!(!is_sane(hostile, 5000), "{hostile:?}");
        }
    }
}
