//! What other threads know of a connection's socket, and do with it.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Waker};

use super::greeting::Greeting;
use super::messages::{Heard, Messages};
use crate::error::JobError;
use crate::job::JobControl;
use crate::limits;
use crate::locks::lock;

/// One connection's socket as other threads see it.
#[derive(Default)]
pub struct Link {
    reader: Mutex<Reader>,
    open: AtomicBool,
    encrypted: AtomicBool,
    /// The server offers TLS, and no handshake came about.
    no_handshake: AtomicBool,
    greeting: Mutex<Greeting>,
    /// Something large came in, whose memory the driver keeps.
    heavy: AtomicBool,
    /// Bytes of the longest message that came in, and of the longest that was sent.
    longest: AtomicUsize,
    sent: AtomicUsize,
    /// Rows that came in and were not taken, and bytes of those that came in since one was.
    untaken: AtomicUsize,
    untaken_bytes: AtomicUsize,
    /// The job that the connection is used by.
    job: Mutex<Option<Arc<JobControl>>>,
    /// Why nothing more is read from the server.
    problem: Mutex<Option<JobError>>,
    /// Why the server has ended the session.
    last_words: Mutex<Option<JobError>>,
}

#[derive(Default)]
struct Reader {
    cut: bool,
    waker: Option<Waker>,
}

impl Link {
    /// Ends whatever the driver is waiting for with an error. The connection is of no more use.
    pub fn cut(&self) {
        let waker = {
            let mut reader = lock(&self.reader);
            reader.cut = true;
            reader.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Says that the session is open: the time limit of connecting no longer counts.
    pub fn opened(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    /// The process that the server says the session is served by; see [`Greeting::process_id`].
    pub fn process_id(&self) -> Option<i32> {
        self.greeting().process_id()
    }

    /// What comes in from now on comes in for this job, or for none.
    pub fn serve(&self, job: Option<&Arc<JobControl>>) {
        if job.is_some() {
            self.untaken.store(0, Ordering::Relaxed);
            self.untaken_bytes.store(0, Ordering::Relaxed);
        }
        *lock(&self.job) = job.cloned();
    }

    /// Why nothing more is read from the server, if that is so.
    pub fn problem(&self) -> Option<JobError> {
        lock(&self.problem).clone()
    }

    /// True once something large came in: the connection's buffers stay that large.
    pub fn is_heavy(&self) -> bool {
        self.heavy.load(Ordering::Relaxed)
    }

    /// Why the server has ended the session, if it said so.
    pub fn last_words(&self) -> Option<JobError> {
        lock(&self.last_words).clone()
    }

    /// About how many bytes the driver's buffers have, in both directions and while they grow.
    pub fn buffered(&self) -> usize {
        let both = [&self.longest, &self.sent].map(|bytes| bytes.load(Ordering::Relaxed));
        2 * both.iter().sum::<usize>()
    }

    /// So many bytes are to be sent at once.
    pub(super) fn send(&self, bytes: usize) {
        self.sent.fetch_max(bytes, Ordering::Relaxed);
    }

    /// A row was taken.
    pub fn taken(&self) {
        self.untaken.fetch_sub(1, Ordering::Relaxed);
        self.untaken_bytes.store(0, Ordering::Relaxed);
    }

    /// True when rows came in that nobody took: the driver asked for them itself, about types that it does not know, and
    /// remembers what they say.
    pub fn knows_types(&self) -> bool {
        self.untaken.load(Ordering::Relaxed) != 0
    }

    /// Looks at what has come in, and waits for the job's turn if that is the head of a large row.
    pub(super) fn hear(&self, messages: &mut Messages, bytes: &[u8]) -> io::Result<()> {
        let Some(job) = lock(&self.job).clone() else {
            return Ok(());
        };
        let heard = messages.hear(bytes, job.large_rows());
        self.longest
            .fetch_max(messages.longest(), Ordering::Relaxed);
        let (rows, bytes) = messages.take_rows();
        self.untaken.fetch_add(rows, Ordering::Relaxed);
        let untaken = bytes + self.untaken_bytes.fetch_add(bytes, Ordering::Relaxed);
        let heard = heard.and_then(|heard| match untaken {
            0..=limits::LARGE_ROW => Ok(heard),
            untaken if untaken <= limits::POSTGRES_UNTAKEN => Ok(Heard::Large),
            _ => Err(JobError::unreachable(
                "the server tells without end of types; the connection is closed",
            )),
        });
        if let Some(words) = messages.last_words() {
            *lock(&self.last_words) = Some(words);
        }
        let heard = heard.and_then(|heard| match heard {
            Heard::Usual => Ok(()),
            Heard::Large => {
                self.heavy.store(true, Ordering::Relaxed);
                job.receive_large()
            }
        });
        heard.map_err(|problem| {
            let error = io::Error::other(problem.message.clone());
            *lock(&self.problem) = Some(problem);
            error
        })
    }

    /// True when the server offers TLS that is of no use here: its versions, ciphers or keys are others than ours.
    pub fn has_no_handshake(&self) -> bool {
        self.no_handshake.load(Ordering::Relaxed)
    }

    /// What the server has said before the session was open.
    pub(super) fn greeting(&self) -> MutexGuard<'_, Greeting> {
        lock(&self.greeting)
    }

    /// Whether the session is open.
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// The connection is encrypted.
    pub(super) fn set_encrypted(&self) {
        self.encrypted.store(true, Ordering::Relaxed);
    }

    /// No handshake came about though the server offers TLS, or it was over for another reason.
    pub(super) fn set_no_handshake(&self, failed: bool) {
        self.no_handshake.store(failed, Ordering::Relaxed);
    }

    /// True when the connection is encrypted.
    pub fn encrypted(&self) -> bool {
        self.encrypted.load(Ordering::Relaxed)
    }

    /// Lets a cut wake whoever waits with this context; fails once there was one.
    pub(super) fn listen(&self, context: &Context<'_>) -> io::Result<()> {
        let mut reader = lock(&self.reader);
        if reader.cut {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the job has ended",
            ));
        }
        match &mut reader.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Ok(())
    }
}
