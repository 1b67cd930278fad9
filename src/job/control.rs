//! The life of one job as all threads see it: its deadline, whether it has ended, and how to stop the
//! statement it is running now.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::error::{ErrorCode, JobError};
use crate::job::{LargeRows, Turn};
use crate::locks::lock;

/// How a job came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The worker finished: its frames, the last one included, are all to be sent.
    Finished,
    /// Somebody else ended it (cancel, deadline, the session died). Frames of it still in a queue are
    /// dropped, and the worker's own result no longer matters.
    Aborted(ErrorCode),
}

/// Where a job is, for the message of a deadline that ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// No worker has it yet: its source has as many jobs running as its pool has connections.
    Queued,
    /// A worker has it, but no statement runs yet: it waits for a connection or opens one.
    Connecting,
    /// A statement of it is running or its rows are being fetched.
    Executing,
    /// It waits for the gateway to read.
    Sending,
}

impl Phase {
    /// For people: where a job was when its time ran out.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Queued => "waiting for a free connection of its source",
            Self::Connecting => "connecting to the database",
            Self::Executing => "running in the database",
            Self::Sending => "waiting for the gateway to read its rows",
        }
    }
}

/// Stops the statement a worker is running. Called at most once, on a thread that may block.
type Stopper = Box<dyn FnOnce() + Send>;

/// Shared by the worker that runs the job, the writer that sends its frames, and the watchdog that may end
/// it. Exactly one of them ends it.
pub struct JobControl {
    id: String,
    deadline: Instant,
    phase: AtomicU8,
    rows: AtomicU64,
    bytes: AtomicU64,
    /// Read by the writer for every frame, so it is behind no lock.
    outcome: OnceLock<Outcome>,
    /// Dropped when the job is aborted.
    alive: Mutex<Option<Sender<()>>>,
    /// Never carries a value: it is disconnected when the job is aborted, which wakes a worker that waits
    /// to hand over a chunk.
    aborted: Receiver<()>,
    statement: Mutex<Statement>,
    large_rows: LargeRows,
    /// Its turn to receive large rows.
    turn: Mutex<Option<Turn>>,
    /// How often it was to be tried once more in its turn.
    wanted_turns: AtomicU32,
}

#[derive(Default)]
struct Statement {
    stopper: Option<Stopper>,
    stopped: bool,
}

impl JobControl {
    /// A job that must be over at `deadline`.
    pub fn new(id: impl Into<String>, deadline: Instant) -> Self {
        Self::sharing(id, deadline, LargeRows::default())
    }

    /// The same, taking turns with the jobs that share `large_rows`.
    pub fn sharing(id: impl Into<String>, deadline: Instant, large_rows: LargeRows) -> Self {
        let (alive, aborted) = bounded(0);
        Self {
            id: id.into(),
            deadline,
            phase: AtomicU8::new(Phase::Queued as u8),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            outcome: OnceLock::new(),
            alive: Mutex::new(Some(alive)),
            aborted,
            statement: Mutex::default(),
            large_rows,
            turn: Mutex::default(),
            wanted_turns: AtomicU32::new(0),
        }
    }

    /// How large rows may be.
    pub fn large_rows(&self) -> &LargeRows {
        &self.large_rows
    }

    /// Waits for the job's turn to receive a row of [`crate::limits::LARGE_ROW`] bytes or more. It has the turn to
    /// its end.
    ///
    /// # Errors
    /// The job has ended.
    pub fn receive_large(&self) -> Result<(), JobError> {
        if lock(&self.turn).is_some() {
            return Ok(());
        }
        let turn = self.large_rows.receiving.take(self)?;
        *lock(&self.turn) = Some(turn);
        Ok(())
    }

    /// The job is to be tried once more, in its turn. What it holds now is to be let go before it waits for that.
    /// Returns how often it was said.
    pub fn want_turn(&self) -> u32 {
        self.wanted_turns.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Waits for the turn of a job that wants it. One that had it and wants it again waits for `pause` first, and
    /// every time twice as long up to sixteen times: what it lacks is with jobs that need no turn any more, and comes back when they
    /// have sent what they hold.
    ///
    /// # Errors
    /// The job has ended.
    pub fn take_wanted_turn(&self, pause: Duration) -> Result<(), JobError> {
        match self.wanted_turns.load(Ordering::Relaxed) {
            0 => return Ok(()),
            1 => {}
            times => {
                let pause = pause.saturating_mul(1 << (times - 2).min(4));
                // It is disconnected when the job ends, and the check below tells.
                let _ = self.aborted.recv_timeout(pause);
                self.check()?;
            }
        }
        self.receive_large()
    }

    /// Waits for the job's turn to make and send a chunk of that size.
    ///
    /// # Errors
    /// The job has ended.
    pub fn send_large(&self) -> Result<Turn, JobError> {
        let phase = self.phase();
        self.enter(Phase::Sending);
        let turn = self.large_rows.sending.take(self)?;
        self.enter(phase);
        Ok(turn)
    }

    /// The connection that received large rows is gone, or will be when its worker is found again.
    pub fn give_turn_back(&self) {
        drop(lock(&self.turn).take());
    }

    /// The gateway's id of the job.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When the job must be over.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Where the job is now.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Queued,
            1 => Phase::Connecting,
            2 => Phase::Executing,
            _ => Phase::Sending,
        }
    }

    /// Says where the job is now. Only told to people, so nothing is ordered by it.
    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// A chunk is about to be handed to the writer.
    pub fn add_sent(&self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Rows and bytes handed to the writer so far. Of an aborted job it may have dropped the last of them.
    pub fn sent(&self) -> (u64, u64) {
        let (rows, bytes) = (&self.rows, &self.bytes);
        (rows.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed))
    }

    /// True once anything of it was handed to the writer: from then on the job cannot be tried again.
    pub fn has_sent(&self) -> bool {
        self.sent().1 > 0
    }

    /// Time left, or the error that ends the job now.
    pub fn remaining(&self) -> Result<Duration, JobError> {
        self.check()?;
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(JobError::new(
                ErrorCode::DeadlineExceeded,
                format!(
                    "the job's deadline passed while it was {}",
                    self.phase().describe()
                ),
            ))
        } else {
            Ok(left)
        }
    }

    /// The error of a job that was ended elsewhere.
    pub fn check(&self) -> Result<(), JobError> {
        match self.outcome.get() {
            Some(Outcome::Aborted(code)) => Err(JobError::new(*code, "the job has ended")),
            _ => Ok(()),
        }
    }

    /// The error of a job that is known to have ended elsewhere.
    pub fn ended(&self) -> JobError {
        let cancelled = || JobError::new(ErrorCode::Cancelled, "the job has ended");
        self.check().err().unwrap_or_else(cancelled)
    }

    /// True once somebody other than the worker ended the job.
    pub fn is_aborted(&self) -> bool {
        matches!(self.outcome.get(), Some(Outcome::Aborted(_)))
    }

    /// Ends the job. True for the one caller that may send its terminal frame; everybody later gets false.
    pub fn end(&self, outcome: Outcome) -> bool {
        if self.outcome.set(outcome).is_err() {
            return false;
        }
        if matches!(outcome, Outcome::Aborted(_)) {
            drop(lock(&self.alive).take());
        }
        true
    }

    /// Stops the statement of an aborted job, if one is running. May block on the network: never call it on
    /// a thread that others wait for. Holding the lock meanwhile is what keeps a late cancel from hitting
    /// the next job on the same connection: the worker waits for it when it gives up the statement.
    pub fn stop_statement(&self) {
        let mut statement = lock(&self.statement);
        if let Some(stopper) = statement.stopper.take() {
            statement.stopped = true;
            stopper();
        }
    }

    /// Says how to stop the statement that is about to run, until the guard is dropped. Fails if the job has
    /// ended already.
    pub fn stop_with(
        &self,
        stopper: impl FnOnce() + Send + 'static,
    ) -> Result<StopGuard<'_>, JobError> {
        let mut statement = lock(&self.statement);
        self.check()?;
        *statement = Statement {
            stopper: Some(Box::new(stopper)),
            stopped: false,
        };
        self.enter(Phase::Executing);
        Ok(StopGuard { control: self })
    }

    /// Disconnected once the job is aborted; for `select!`.
    pub fn aborted(&self) -> &Receiver<()> {
        &self.aborted
    }
}

/// A statement is running and may be stopped.
pub struct StopGuard<'a> {
    control: &'a JobControl,
}

impl StopGuard<'_> {
    /// Ends the guard and tells whether the statement was stopped. A connection whose statement was stopped
    /// is closed, not reused: the database may act on the request late. When the worker learns of the job's
    /// end before whoever is to stop the statement came to it, the statement is stopped here and now: it
    /// would go on in the database otherwise, and closing the connection might wait for its last row.
    pub fn finish(self) -> bool {
        let mut statement = lock(&self.control.statement);
        if self.control.is_aborted()
            && let Some(stopper) = statement.stopper.take()
        {
            statement.stopped = true;
            stopper();
        }
        statement.stopped
    }
}

impl Drop for StopGuard<'_> {
    fn drop(&mut self) {
        lock(&self.control.statement).stopper = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> JobControl {
        JobControl::new("j", Instant::now() + Duration::from_secs(60))
    }

    #[test]
    fn only_the_first_to_end_a_job_may_speak() {
        let job = job();
        assert!(job.end(Outcome::Aborted(ErrorCode::Cancelled)));
        assert!(!job.end(Outcome::Finished));
        assert_eq!(job.check().unwrap_err().code, ErrorCode::Cancelled);
        assert!(job.aborted().recv().is_err());
    }

    #[test]
    fn a_statement_is_stopped_once_and_only_while_it_runs() {
        let job = job();
        let (tx, rx) = bounded(2);
        let sender = tx.clone();
        let guard = job.stop_with(move || sender.send(()).unwrap()).unwrap();
        job.stop_statement();
        job.stop_statement();
        assert!(guard.finish());
        assert_eq!(rx.len(), 1);
        let guard = job.stop_with(move || tx.send(()).unwrap()).unwrap();
        assert!(!guard.finish());
        job.stop_statement();
        assert_eq!(rx.len(), 1);
    }

    #[test]
    fn a_statement_puts_the_job_into_its_phase() {
        let job = job();
        for phase in [
            Phase::Queued,
            Phase::Connecting,
            Phase::Executing,
            Phase::Sending,
        ] {
            job.enter(phase);
            assert_eq!(job.phase(), phase);
        }
        drop(job.stop_with(|| {}).unwrap());
        assert_eq!(job.phase(), Phase::Executing);
    }

    #[test]
    fn a_worker_that_sees_the_end_first_stops_its_statement_itself() {
        let job = job();
        let (tx, rx) = bounded(2);
        let guard = job.stop_with(move || tx.send(()).unwrap()).unwrap();
        job.end(Outcome::Aborted(ErrorCode::Cancelled));
        assert!(guard.finish());
        job.stop_statement();
        assert_eq!(rx.len(), 1);
    }

    #[test]
    fn an_ended_job_starts_no_statement() {
        let job = job();
        job.end(Outcome::Aborted(ErrorCode::DeadlineExceeded));
        assert!(job.stop_with(|| {}).is_err());
    }
}
