//! What the engine's threads share, and the two ways a job ends: by its worker (`execute`) or by anybody
//! else (`abort`).

use std::borrow::Cow;
use std::collections::HashSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use serde_json::{Map, Value};

use crate::bridges::Bridge;
use crate::engine::closers::Closers;
use crate::engine::dispatch::{Dispatch, Next, Place, Verdict};
use crate::engine::done::done_frame;
use crate::engine::lane::Run;
use crate::engine::lanes::Leftovers;
use crate::engine::live_job::LiveJob;
use crate::engine::outside::outside;
use crate::engine::oversight::run_permitted;
use crate::engine::ready::{Ready, Sleeper};
use crate::engine::report;
use crate::engine::timers::Timers;
use crate::engine::{EngineSettings, OpenBridge, Oversight};
use crate::error::{ErrorCode, JobError};
use crate::job::{Chunk, FrameKind, LargeRows, Outcome, Phase, RowSink, Slot};
use crate::limits;
use crate::locks::lock;
use crate::metrics::{EndedJob, Metrics};
use crate::options::{JobKind, Request};
use crate::protocol::{JobFrame, client_frame};
use crate::shortage;
use crate::sources::{CredentialsLocation, LocalNames, Source, SourceEnvironment, SourceKeys};

/// Shared by all threads of an engine.
pub(super) struct Core {
    pub settings: EngineSettings,
    pub environment: SourceEnvironment,
    pub keys: SourceKeys,
    pub metrics: Arc<Metrics>,
    pub oversight: Oversight,
    pub large_rows: LargeRows,
    open: Box<OpenBridge>,
    dispatch: Mutex<Dispatch>,
    ready: Arc<Ready<Run>>,
    /// Names of the assigned runner-local sources.
    names: Mutex<Arc<LocalNames>>,
    /// Assigned sources that cannot be served, with their bridges, as far as it was told.
    unserved: Mutex<HashSet<(String, String)>>,
    closers: Closers,
    jobs: AtomicU64,
    workers: AtomicUsize,
}

impl Core {
    /// The receiver wakes the watchdog.
    pub fn new(
        settings: EngineSettings,
        environment: SourceEnvironment,
        oversight: Oversight,
        open: Box<OpenBridge>,
        lost_after: Duration,
    ) -> (Self, Receiver<()>) {
        let workers = settings.workers.max(1);
        let ready = Arc::new(Ready::new());
        let (nudge, nudged) = bounded(1);
        let core = Self {
            settings,
            environment,
            keys: SourceKeys::default(),
            metrics: Arc::new(Metrics::new(Instant::now())),
            oversight,
            large_rows: LargeRows::new(settings.row_bytes),
            open,
            dispatch: Mutex::new(Dispatch::new(
                workers,
                settings.queue,
                Arc::clone(&ready),
                Timers::new(nudge, lost_after),
            )),
            ready,
            names: Mutex::default(),
            unserved: Mutex::default(),
            closers: Closers::default(),
            jobs: AtomicU64::new(0),
            workers: AtomicUsize::new(0),
        };
        (core, nudged)
    }

    /// The state, for a moment.
    pub fn lock(&self) -> MutexGuard<'_, Dispatch> {
        lock(&self.dispatch)
    }

    /// A number for a new job.
    pub fn next_job(&self) -> u64 {
        self.jobs.fetch_add(1, Ordering::Relaxed)
    }

    /// Drops what the state no longer needs.
    pub fn clear(&self, left: Leftovers) {
        self.closers.close(left.bridges);
    }

    /// Ends a job from outside its worker: frees its place, or has its statement stopped. With `speak` the
    /// error is sent, ahead of rows. False if the job had ended already. Never blocks.
    pub fn abort(&self, job: &Arc<LiveJob>, error: &JobError, speak: bool) -> bool {
        if !job.control.end(Outcome::Aborted(error.code)) {
            return false;
        }
        self.refuse(job, error, speak);
        let mut left = Leftovers::default();
        let place = self.lock().ended(job, Instant::now(), &mut left);
        self.clear(left);
        if matches!(place, Place::Running) {
            stop_statement(job);
        }
        true
    }

    /// What follows when a job was ended by anybody but its worker: it is recorded, and with `speak` its error
    /// is sent ahead of rows. Never blocks.
    pub fn refuse(&self, job: &Arc<LiveJob>, error: &JobError, speak: bool) {
        self.count(job, Some(error));
        job.session.forget(job);
        self.oversight.record(job, Some(error), || {});
        // At once, whatever becomes of the line: it tells nothing of the database, and a log that cannot be written
        // must not leave a job without an answer.
        if speak {
            job.session.refuse(job.control.id(), error);
        }
    }

    /// Tells everybody who counts that a job has ended. Called once a job, by whoever ended it.
    fn count(&self, job: &LiveJob, error: Option<&JobError>) {
        let took = job.arrived.elapsed();
        self.metrics.jobs.ended(EndedJob {
            source: &job.facts.source.name,
            kind: job.facts.kind,
            error: error.map(|error| error.code),
            took,
            rows: job.control.sent().0,
        });
        report::log(job, error, took);
    }

    /// Replaces the assignment list.
    pub fn assign(&self, sources: &[Source]) {
        let keys: HashSet<_> = sources.iter().map(|source| self.keys.key(source)).collect();
        let mut left = Leftovers::default();
        self.lock().assign(keys, &mut left);
        self.clear(left);

        self.warn_of_unserved(sources);
        let local = || {
            sources
                .iter()
                .filter(|source| source.credentials == CredentialsLocation::RunnerLocal)
        };
        let names = Arc::new(LocalNames::of(local().map(|source| source.name.as_str())));
        let mut known = lock(&self.names);
        if *known == names {
            return;
        }
        *known = Arc::clone(&names);
        drop(known);
        let problems = local().flat_map(|source| {
            let Source { name, bridge, .. } = source;
            self.environment.problems(name, bridge, &names)
        });
        for problem in problems.take(limits::TOLD_SOURCES) {
            log::warn!("{problem}");
        }
    }

    /// Says once of each assigned source whose bridge this binary lacks that its jobs will fail.
    fn warn_of_unserved(&self, sources: &[Source]) {
        let unserved = sources
            .iter()
            .filter(|source| !(self.settings.serves)(&source.bridge));
        let unserved: HashSet<_> = unserved
            .map(|source| (source.name.clone(), source.bridge.clone()))
            .collect();
        let mut known = lock(&self.unserved);
        for (name, bridge) in unserved.difference(&known).take(limits::TOLD_SOURCES) {
            log::warn!(
                "source {name:?} is assigned and cannot be served: this binary has no bridge {bridge:?}; \
                 assign it to a runner that has it"
            );
        }
        *known = unserved;
    }

    /// Starts one more worker.
    pub fn spawn_worker(self: &Arc<Self>) -> io::Result<()> {
        let core = Arc::clone(self);
        let number = self.workers.fetch_add(1, Ordering::Relaxed);
        shortage::spawn(format!("worker-{number}"), move || core.work())?;
        Ok(())
    }

    /// Starts a worker beyond the usual number, for a source that has none while every one is busy.
    pub fn help(self: &Arc<Self>) {
        match self.spawn_worker() {
            Ok(()) => self.lock().joined(),
            Err(error) => log::warn!("one more worker cannot be started: {error}"),
        }
    }

    fn work(&self) {
        let sleeper = Sleeper::new();
        self.ready.rest(&sleeper);
        while let Some(mut run) = self.ready.wait(&sleeper) {
            loop {
                match self.execute(run, &sleeper) {
                    Next::Run(next) => run = next,
                    Next::Wait => break,
                    Next::Retire => return,
                }
            }
        }
    }

    /// Runs one job to its end, on this worker.
    fn execute(&self, run: Run, sleeper: &Arc<Sleeper<Run>>) -> Next {
        let Run {
            job,
            frame,
            mut bridge,
            heavy,
        } = run;
        let local = frame.source.credentials == CredentialsLocation::RunnerLocal;
        job.control.enter(Phase::Connecting);
        let answer = job.check().and_then(|()| {
            // A panic leaves nothing of ours half done: the sink is dropped, the pool is opened anew.
            catch_unwind(AssertUnwindSafe(|| {
                self.answer(&job, frame, &mut bridge, heavy)
            }))
            .unwrap_or_else(|_| {
                Err(JobError::new(
                    ErrorCode::Internal,
                    "a fault in the runner ended this job; its log says more",
                ))
            })
        });
        let answer = answer
            .map_err(shortage::explained)
            .map_err(|error| match error.code {
                // Whoever sees first that the time is over, the reason is the same.
                ErrorCode::DeadlineExceeded if job.time_cap.is_some() => job.overdue(),
                _ => error,
            });
        let verdict = match &answer {
            Ok(_) => Verdict::Answered,
            Err(error) if error.code == ErrorCode::QueryFailed => Verdict::Answered,
            Err(error) if error.code == ErrorCode::Internal => Verdict::Reopen,
            // The password may be in a file that has changed since.
            Err(error) if error.code == ErrorCode::SourceAuthFailed && local => Verdict::Reopen,
            _ => Verdict::Keep,
        };
        let finished = job.control.end(Outcome::Finished);
        if finished {
            let recorded = self.oversight.record_and_wait(&job, answer.as_ref().err());
            let answer = recorded.and(answer);
            self.count(&job, answer.as_ref().err());
            job.session.forget(&job);
            match answer {
                Ok((rest, done)) => job.finish(rest, done),
                Err(error) => {
                    let told = match local {
                        true => outside(&error, || self.config_of(&job.facts.source)),
                        false => Cow::Borrowed(&error),
                    };
                    let frame = client_frame::error(job.control.id(), &told);
                    job.send(FrameKind::Error, frame);
                }
            }
        }
        let mut left = Leftovers::default();
        // Ours may be the last handle on a pool that was given up meanwhile.
        left.bridges
            .extend(bridge.filter(|bridge| Arc::strong_count(bridge) == 1));
        let mut dispatch = self.lock();
        let next = dispatch.finish(&job, finished, verdict, &mut left);
        if matches!(next, Next::Wait) {
            // From here on jobs are handed to it.
            self.ready.rest(sleeper);
        }
        drop(dispatch);
        self.clear(left);
        next
    }

    /// The whole job up to its last rows and the text of its `done` frame.
    fn answer(
        &self,
        job: &Arc<LiveJob>,
        frame: JobFrame,
        bridge: &mut Option<Arc<dyn Bridge>>,
        heavy: bool,
    ) -> Result<(Option<Chunk>, String), JobError> {
        let started = Instant::now();
        let JobFrame {
            source,
            kind,
            kind_word,
            target,
            options,
            ..
        } = frame;
        self.oversight.begin()?;
        let permit = self.oversight.permit(&source)?;
        let bridge = match bridge {
            Some(bridge) => bridge,
            None => bridge.insert(self.open(job, Source::clone(&source))?),
        };
        let rules = &bridge.package().options;
        if kind == JobKind::Other {
            return Err(JobError::unsupported_kind(rules.package, &kind_word));
        }
        if heavy {
            job.control.receive_large()?;
        }
        let mut request = Request::parse(kind, &target, &options, rules)?;
        // They may be megabytes, and the job may take minutes.
        drop(options);
        self.oversight.note(job, &request)?;
        let mut sink = RowSink::new(
            Arc::clone(&job.control),
            job.session.outbox.frames.clone(),
            self.settings.chunk,
            Slot::of(&request),
        );
        sink.reuse(job.session.outbox.buffers.clone());
        let summary = match &permit {
            Some(permit) => {
                let note = |narrowed: &Request| self.oversight.note(job, narrowed);
                let (control, bridge) = (&job.control, &**bridge);
                run_permitted(permit, bridge, control, &mut request, &mut sink, note)?
            }
            None => bridge.run(&job.control, &request, &mut sink)?,
        };
        let rest = sink.finish()?;
        let took = started.elapsed();
        let done = done_frame(job.control.id(), sink.rows(), took, &summary);
        Ok((rest, done))
    }

    /// What the environment says of a runner-local source; nothing where that is not usable.
    fn config_of(&self, source: &Source) -> Map<String, Value> {
        let config =
            self.environment
                .config_for(&source.name, &source.bridge, &LocalNames::default());
        config.unwrap_or_default()
    }

    fn open(&self, job: &LiveJob, mut source: Source) -> Result<Arc<dyn Bridge>, JobError> {
        if source.credentials == CredentialsLocation::RunnerLocal {
            let names = Arc::clone(&lock(&self.names));
            source.config = self
                .environment
                .config_for(&source.name, &source.bridge, &names)?;
        }
        let bridge = (self.open)(&source)?;
        let concurrency = bridge.concurrency();
        self.lock().opened(job.key, &bridge, concurrency);
        Ok(bridge)
    }
}

/// Stopping a statement talks to its database and may hang there, so each is stopped on a thread of its own.
/// There are never more of them than workers: a worker does not leave its statement while it is being stopped.
fn stop_statement(job: &Arc<LiveJob>) {
    let control = Arc::clone(&job.control);
    let spawned = shortage::spawn("stopper", move || control.stop_statement());
    if let Err(error) = spawned {
        log::error!("a statement goes on in its database: {error}");
    }
}
