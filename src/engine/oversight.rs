//! What the customer's security people have set up, as jobs meet it: the policy before, the audit log after.

use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, Sender, at, bounded, select};

use crate::audit::{self, AuditLine, AuditLog};
use crate::bridges::Bridge;
use crate::engine::live_job::LiveJob;
use crate::error::{ErrorCode, JobError};
use crate::job::Summary;
use crate::job::{JobControl, RowSink};
use crate::limits;
use crate::locks::{lock, read, write};
use crate::options::{JobKind, Request, Target};
use crate::policy::{Permit, Policy};
use crate::sources::{CredentialsLocation, Source};

/// Both are off by default.
pub struct Oversight {
    /// Records every job.
    audit: Option<AuditLog>,
    /// Says what jobs may touch. A job keeps the one it began with.
    policy: RwLock<Option<Arc<Policy>>>,
    running: Mutex<Option<Sender<()>>>,
    /// Disconnected when no line is waited for any longer.
    stopping: Receiver<()>,
}

impl Default for Oversight {
    fn default() -> Self {
        Self::new(None, None)
    }
}

impl Oversight {
    /// By these from now on.
    pub fn new(audit: Option<AuditLog>, policy: Option<Policy>) -> Self {
        let (running, stopping) = bounded(0);
        Self {
            audit,
            policy: RwLock::new(policy.map(Arc::new)),
            running: Mutex::new(Some(running)),
            stopping,
        }
    }

    /// The policy of a job that begins now.
    fn policy(&self) -> Option<Arc<Policy>> {
        let policy = read(&self.policy);
        policy.clone()
    }

    /// Replaces the policy.
    pub(super) fn set_policy(&self, policy: Policy) {
        let mut current = write(&self.policy);
        *current = Some(Arc::new(policy));
    }

    /// Reserves the job's place in the audit log.
    ///
    /// # Errors
    /// `AUDIT_FAILED`: it must not be run.
    pub(super) fn admit(&self, job: &LiveJob) -> Result<(), JobError> {
        if let Some(audit) = &self.audit
            && audit.admit()?
        {
            job.record.reserve();
        }
        Ok(())
    }

    /// The rules for a job on this source; `None` without a policy.
    ///
    /// # Errors
    /// `POLICY_DENIED`.
    pub(super) fn permit(&self, source: &Source) -> Result<Option<Permit>, JobError> {
        self.policy()
            .map(|policy| {
                let local = source.credentials == CredentialsLocation::RunnerLocal;
                policy.admit(&source.id, &source.name, local)
            })
            .transpose()
    }

    /// The seconds that the policy gives a job on this source, and its rule, if that is less than the job's own time.
    /// A source that the policy refuses has none.
    pub(super) fn time_cap(&self, source: &Source, own: Duration) -> Option<(u64, String)> {
        let cap = self.permit(source).ok()??.seconds();
        cap.filter(|(seconds, _)| Duration::from_secs(*seconds) < own)
    }

    /// A job is about to begin that may have waited since it was admitted.
    ///
    /// # Errors
    /// `AUDIT_FAILED`: what was written to the audit log since then could not be.
    pub(super) fn begin(&self) -> Result<(), JobError> {
        self.audit.as_ref().map_or(Ok(()), AuditLog::ready)
    }

    /// Notes what a job asks for. Once more when the policy has narrowed it.
    ///
    /// # Errors
    /// `INVALID_OPTIONS`: it names more than a line of the audit log can tell.
    pub(super) fn note(&self, job: &LiveJob, request: &Request) -> Result<(), JobError> {
        if self.audit.is_some() {
            job.record.note(audit::details(request)?);
        }
        Ok(())
    }

    /// Records a job that has ended, then answers it: at once, or after its line is written. Neither blocks.
    pub(super) fn record(
        &self,
        job: &LiveJob,
        error: Option<&JobError>,
        answer: impl FnOnce() + Send + 'static,
    ) {
        let Some((audit, details)) = self.audit.as_ref().zip(job.record.take()) else {
            return answer();
        };
        let (rows, bytes) = job.control.sent();
        let line = AuditLine {
            time: now(),
            job: job.control.id(),
            source_id: &job.facts.source.id,
            source_name: &job.facts.source.name,
            kind: job.facts.kind.as_str(),
            target: &job.facts.target,
            details: &details,
            rows,
            bytes,
            ms: u64::try_from(job.arrived.elapsed().as_millis()).unwrap_or(u64::MAX),
            outcome: error.map_or("done", |error| error.code.as_str()),
        };
        audit.record(line.text(), answer);
    }

    /// Records a job that its worker is about to answer, and waits for the line where none may be answered
    /// without it.
    ///
    /// # Errors
    /// `AUDIT_FAILED`: it is not written in the job's time.
    pub(super) fn record_and_wait(
        &self,
        job: &LiveJob,
        error: Option<&JobError>,
    ) -> Result<(), JobError> {
        let strict = self.audit.as_ref().is_some_and(AuditLog::is_strict);
        // A job that was not begun because lines cannot be written has nothing to hold back.
        if !strict || error.is_some_and(|error| error.code == ErrorCode::AuditFailed) {
            self.record(job, error, || {});
            return Ok(());
        }
        let (written, line) = bounded(1);
        self.record(job, error, move || {
            // There is room for the one message.
            let _ = written.try_send(());
        });
        let gone = job.session.gone();
        select! {
            recv(line) -> _ => return Ok(()),
            // Nobody waits for the answer.
            recv(gone) -> _ => return Ok(()),
            recv(at(job.control.deadline())) -> _ => {}
            recv(self.stopping) -> _ => {}
        }
        Err(JobError::new(
            ErrorCode::AuditFailed,
            "the line of this job cannot be written to the runner's audit log, so it is not answered",
        ))
    }

    /// Records a job whose frame could not be read: there is nothing to tell but its id.
    pub(super) fn record_refused(&self, id: &str, error: ErrorCode) {
        let Some(audit) = &self.audit else {
            return;
        };
        // It is refused anyway.
        if matches!(audit.admit(), Ok(true)) {
            let line = AuditLine {
                time: now(),
                job: id,
                source_id: "",
                source_name: "",
                kind: JobKind::Other.as_str(),
                target: "",
                details: "",
                rows: 0,
                bytes: 0,
                ms: 0,
                outcome: error.as_str(),
            };
            audit.record(line.text(), || {});
        }
    }

    /// Waits a moment for the last lines of the audit log. Jobs whose line is not written by then wait no longer.
    pub(super) fn flush(&self) {
        if let Some(audit) = &self.audit {
            audit.flush(limits::AUDIT_FLUSH);
        }
        drop(lock(&self.running).take());
    }
}

/// Microseconds since 1970.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_micros()).unwrap_or(0))
}

/// Runs a request under a source's rules: it is refused, or what is left of it, told to `narrowed`, is run within the
/// caps. May ask the database which columns there are.
///
/// # Errors
/// `POLICY_DENIED`, and what the bridge fails with.
pub fn run_permitted(
    permit: &Permit,
    bridge: &dyn Bridge,
    job: &Arc<JobControl>,
    request: &mut Request,
    sink: &mut RowSink,
    narrowed: impl FnOnce(&Request) -> Result<(), JobError>,
) -> Result<Summary, JobError> {
    let package = bridge.package();
    let mut ask = |target: &Target| bridge.columns(job, target);
    permit.apply(package, request, &mut ask)?;
    narrowed(request)?;
    sink.cap(permit.caps());
    if let Some(hidden) = permit.hidden(package, request) {
        sink.hide(hidden);
    }
    bridge.run(job, request, sink)
}
