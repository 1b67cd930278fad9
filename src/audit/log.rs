//! The way to the file, and the thread that alone writes it.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::audit::file::{AuditFile, Place};
use crate::error::{ErrorCode, JobError};
use crate::limits;
use crate::locks::lock;

/// What to do with new jobs while the log cannot be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Nothing leaves the house unrecorded.
    #[default]
    Refuse,
    /// Answer them; lines that find no place are lost, and their number is told.
    Continue,
}

/// `SEMILAYER_AUDIT_LOG`, `SEMILAYER_AUDIT_ON_FAILURE` and `SEMILAYER_AUDIT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSettings {
    /// The file; created if it is not there, appended to if it is.
    pub path: PathBuf,
    /// What a failure means.
    pub on_failure: OnFailure,
    /// No job is answered before its line is written.
    pub strict: bool,
}

/// What waits for a line to be written.
type Then = Box<dyn FnOnce() + Send>;

enum Item {
    Line(String, Option<Then>),
    /// Answer once everything before is written.
    Flush(Sender<()>),
}

/// The way to the log; clones share it.
#[derive(Clone)]
pub struct AuditLog {
    items: Sender<Item>,
    shared: Arc<Shared>,
    on_failure: OnFailure,
    strict: bool,
}

struct Shared {
    /// Places that are neither taken by a live job nor by a line in the queue.
    free: AtomicUsize,
    failing: AtomicBool,
    /// Since when lines are being written.
    writing: Mutex<Option<Instant>>,
    /// Bytes of lines that wait.
    waiting: AtomicUsize,
    /// Jobs that were refused, or went on unrecorded, since the log last worked.
    missed: AtomicU64,
}

impl AuditLog {
    /// Opens the file and starts the thread. When `reopen` becomes true the file is opened again before the
    /// next line, so that another program may move it away.
    ///
    /// # Errors
    /// The file cannot be opened for appending.
    pub fn open(settings: &AuditSettings, reopen: Arc<AtomicBool>) -> io::Result<Self> {
        let file = AuditFile::open(&settings.path, reopen)?;
        Self::start(file, settings.on_failure, settings.strict)
    }

    fn start(
        place: impl Place + Send + 'static,
        on_failure: OnFailure,
        strict: bool,
    ) -> io::Result<Self> {
        // A place for each line, and for those who wait for a flush.
        let (items, queue) = bounded(limits::AUDIT_LINES + 8);
        let shared = Arc::new(Shared {
            free: AtomicUsize::new(limits::AUDIT_LINES),
            failing: AtomicBool::new(false),
            writing: Mutex::new(None),
            waiting: AtomicUsize::new(0),
            missed: AtomicU64::new(0),
        });
        let state = Arc::clone(&shared);
        thread::Builder::new().name("audit".into()).spawn(move || {
            Writer {
                place,
                queue,
                state,
            }
            .run();
        })?;
        Ok(Self {
            items,
            shared,
            on_failure,
            strict,
        })
    }

    /// True when no job is to be answered before its line is written.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// Says whether a job may begin.
    ///
    /// # Errors
    /// `AUDIT_FAILED` while its line could not be written, unless that does not matter.
    pub fn ready(&self) -> Result<(), JobError> {
        match self.on_failure {
            OnFailure::Refuse if self.shared.is_failing() => Err(refused()),
            _ => Ok(()),
        }
    }

    /// Reserves a place for the line of a job that arrives. True with a place; false if the job goes on
    /// without one. Never blocks.
    ///
    /// # Errors
    /// `AUDIT_FAILED`: the job must not be run.
    pub fn admit(&self) -> Result<bool, JobError> {
        let take = |free: usize| free.checked_sub(1);
        let order = Ordering::AcqRel;
        if self.ready().is_ok()
            && self
                .shared
                .free
                .fetch_update(order, Ordering::Acquire, take)
                .is_ok()
        {
            return Ok(true);
        }
        let missed = self.shared.missed.fetch_add(1, Ordering::AcqRel);
        if missed == 0 {
            log::error!(
                "the audit log cannot keep up or cannot be written: {}",
                match self.on_failure {
                    OnFailure::Refuse => "jobs are refused until it can",
                    OnFailure::Continue => "jobs go on without being recorded",
                }
            );
        }
        match self.on_failure {
            OnFailure::Refuse => Err(refused()),
            OnFailure::Continue => Ok(false),
        }
    }

    /// Records a job that has a place, then answers it: at once, or in strict mode once the line is written,
    /// on the thread that wrote it. Never blocks, and `answer` must not.
    pub fn record(&self, line: String, answer: impl FnOnce() + Send + 'static) {
        let (then, answer) = match self.strict {
            true => (Some(Box::new(answer) as Then), None),
            false => (None, Some(answer)),
        };
        self.shared.waiting.fetch_add(line.len(), Ordering::AcqRel);
        if self.items.try_send(Item::Line(line, then)).is_err() {
            log::error!("a line of the audit log found no place though it had one");
        }
        if let Some(answer) = answer {
            answer();
        }
    }

    /// Waits until everything recorded before is in the file, at most `wait`.
    pub fn flush(&self, wait: Duration) {
        let (done, written) = bounded(1);
        if self.items.send_timeout(Item::Flush(done), wait).is_ok()
            && written.recv_timeout(wait).is_err()
        {
            log::error!("the last lines of the audit log could not be written");
        }
    }
}

/// The error of a job that is not begun because its line could not be written.
fn refused() -> JobError {
    JobError::new(
        ErrorCode::AuditFailed,
        "the runner's audit log cannot be written, so it answers no jobs",
    )
}

impl Shared {
    /// True while lines cannot be written, or are not for so long that they might as well.
    fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
            || self.waiting.load(Ordering::Acquire) > limits::AUDIT_WAITING
            || lock(&self.writing).is_some_and(|since| since.elapsed() > limits::AUDIT_RETRY)
    }
}

struct Writer<P> {
    place: P,
    queue: Receiver<Item>,
    state: Arc<Shared>,
}

impl<P: Place> Writer<P> {
    /// Runs until every [`AuditLog`] is gone.
    fn run(mut self) {
        let mut batch = Vec::new();
        let mut answers = Vec::new();
        while let Ok(first) = self.queue.recv() {
            let mut lines = 0;
            let mut flushed = None;
            let mut next = Some(first);
            while let Some(item) = next {
                match item {
                    Item::Line(line, then) => {
                        batch.extend(line.bytes());
                        answers.extend(then);
                        lines += 1;
                    }
                    Item::Flush(done) => flushed = Some(done),
                }
                next = match flushed {
                    None if batch.len() < limits::AUDIT_BATCH => self.queue.try_recv().ok(),
                    _ => None,
                };
            }
            *lock(&self.state.writing) = Some(Instant::now());
            self.write(&batch);
            *lock(&self.state.writing) = None;
            self.state.waiting.fetch_sub(batch.len(), Ordering::AcqRel);
            batch.clear();
            batch.shrink_to(limits::AUDIT_BATCH);
            answers.drain(..).for_each(|answer: Then| answer());
            self.state.free.fetch_add(lines, Ordering::AcqRel);
            if let Some(done) = flushed {
                let _ = done.try_send(());
            }
        }
    }

    /// Writes all of it, however long it takes. What is written is not written again, so that a full disk
    /// does not leave half lines in the middle of the file; but no line is half in one file and half in another.
    fn write(&mut self, batch: &[u8]) {
        let mut rest = batch;
        while !rest.is_empty() {
            let written = self.place.renew().and_then(|begin| {
                if begin {
                    rest = from_line(batch, batch.len() - rest.len());
                }
                self.place.write(rest)
            });
            match written {
                Ok(count) if count > 0 => {
                    rest = rest.get(count..).unwrap_or_default();
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(_) => self.failed(&io::ErrorKind::WriteZero.into()),
                Err(error) => self.failed(&error),
            }
            thread::sleep(limits::AUDIT_RETRY);
        }
        let missed = self.state.missed.swap(0, Ordering::AcqRel);
        if self.state.failing.swap(false, Ordering::AcqRel) || missed > 0 {
            log::warn!("the audit log is written again; {missed} jobs are not in it");
        }
    }

    fn failed(&self, error: &io::Error) {
        if !self.state.failing.swap(true, Ordering::AcqRel) {
            log::error!("the audit log cannot be written: {error}; trying again every second");
        }
    }
}

/// The lines from the one on that holds the byte at `place`.
fn from_line(lines: &[u8], place: usize) -> &[u8] {
    let (before, _) = lines.split_at_checked(place).unwrap_or((lines, &[]));
    let end = before.iter().rposition(|byte| *byte == b'\n');
    lines
        .get(end.map_or(0, |end| end + 1)..)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const LONG: Duration = Duration::from_secs(20);

    /// A disk that fails as long as it is told to, after one more byte.
    #[derive(Clone, Default)]
    struct Disk {
        text: Arc<Mutex<Vec<u8>>>,
        full: Arc<AtomicBool>,
        failures: Arc<AtomicUsize>,
    }

    impl Write for Disk {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            let mut text = self.text.lock().unwrap();
            if self.full.load(Ordering::SeqCst) {
                if self.failures.fetch_add(1, Ordering::SeqCst) == 0 {
                    text.extend(&buf[..1]);
                    return Ok(1);
                }
                return Err(io::ErrorKind::StorageFull.into());
            }
            text.extend(buf);
            Ok(buf.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Place for Disk {
        fn renew(&mut self) -> io::Result<bool> {
            Ok(false)
        }
    }

    fn log(disk: &Disk, on_failure: OnFailure) -> AuditLog {
        AuditLog::start(disk.clone(), on_failure, false).unwrap()
    }

    fn wait(what: impl Fn() -> bool) {
        let until = std::time::Instant::now() + LONG;
        while !what() {
            assert!(std::time::Instant::now() < until);
            thread::yield_now();
        }
    }

    #[test]
    fn a_full_disk_refuses_jobs_and_loses_no_line() {
        let disk = Disk::default();
        let log = log(&disk, OnFailure::Refuse);
        assert_eq!(log.admit(), Ok(true));
        assert_eq!(log.admit(), Ok(true));
        disk.full.store(true, Ordering::SeqCst);
        log.record("one\n".into(), || {});
        wait(|| disk.failures.load(Ordering::SeqCst) > 1);
        wait(|| log.shared.failing.load(Ordering::SeqCst));
        assert_eq!(log.admit().unwrap_err().code, ErrorCode::AuditFailed);
        log.record("two\n".into(), || {});
        disk.full.store(false, Ordering::SeqCst);
        log.flush(LONG);
        assert_eq!(disk.text.lock().unwrap().as_slice(), b"one\ntwo\n");
        assert_eq!(log.admit(), Ok(true));
    }

    #[test]
    fn a_strict_log_answers_once_the_line_is_written() {
        let disk = Disk::default();
        let log = AuditLog::start(disk.clone(), OnFailure::Refuse, true).unwrap();
        disk.full.store(true, Ordering::SeqCst);
        let (answer, answered) = bounded(1);
        assert_eq!(log.admit(), Ok(true));
        log.record("one\n".into(), move || answer.send(()).unwrap());
        wait(|| disk.failures.load(Ordering::SeqCst) > 1);
        assert!(answered.try_recv().is_err());
        disk.full.store(false, Ordering::SeqCst);
        answered.recv_timeout(LONG).unwrap();
        assert_eq!(disk.text.lock().unwrap().as_slice(), b"one\n");
    }

    #[test]
    fn a_job_gets_no_place_when_all_are_taken() {
        for (on_failure, expected) in [
            (OnFailure::Refuse, Err(ErrorCode::AuditFailed)),
            (OnFailure::Continue, Ok(false)),
        ] {
            let disk = Disk::default();
            let log = log(&disk, on_failure);
            for _ in 0..limits::AUDIT_LINES {
                assert_eq!(log.admit(), Ok(true));
            }
            assert_eq!(log.admit().map_err(|error| error.code), expected);
            log.record("x\n".into(), || {});
            log.flush(LONG);
            assert_eq!(log.admit(), Ok(true));
        }
    }

    #[test]
    fn the_file_is_appended_to_and_opened_again_when_asked() {
        let path = std::env::temp_dir().join(format!("runner-audit-{}", std::process::id()));
        let moved = path.with_extension("1");
        std::fs::write(&path, "before\n").unwrap();
        let settings = AuditSettings {
            path: path.clone(),
            on_failure: OnFailure::Refuse,
            strict: false,
        };
        let reopen = Arc::new(AtomicBool::new(false));
        let log = AuditLog::open(&settings, Arc::clone(&reopen)).unwrap();
        log.record("one\n".into(), || {});
        log.flush(LONG);
        std::fs::rename(&path, &moved).unwrap();
        reopen.store(true, Ordering::SeqCst);
        log.record("two\n".into(), || {});
        log.flush(LONG);
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "before\none\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");
        std::fs::remove_file(&path).unwrap();
        std::fs::remove_file(&moved).unwrap();
        let nowhere = AuditSettings {
            path: "/nowhere/at/all".into(),
            on_failure: OnFailure::Refuse,
            strict: false,
        };
        assert!(AuditLog::open(&nowhere, reopen).is_err());
    }
}
