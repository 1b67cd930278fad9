//! An engine, one session of it, and bridges whose jobs are named after what they do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use serde_json::{Map, Value, json};

use crate::bridges::Bridge;
use crate::bridges::pool::PoolState;
use crate::engine::{Engine, EngineSettings, ErrorFrame, JobSession, Outbox, Oversight};
use crate::error::{ErrorCode, JobError};
use crate::job::{
    Buffers, ChunkLimits, FrameKind, FrameOut, JobControl, QueueSender, RowSink, Wakeup,
};
use crate::job::{Columns, Package, Summary};
use crate::options::{JobKind, OptionRules, Request, Target};
use crate::protocol::{Claim, JobFrame};
use crate::sources::{CredentialsLocation, Source, SourceEnvironment};

/// How long a test waits for what should happen at once.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How soon a worker that is stuck with an ended job is replaced.
const LOST_AFTER: Duration = Duration::from_millis(20);

/// What the bridges of a test share.
pub struct World {
    /// Targets in the order in which workers began them.
    pub begun: Receiver<String>,
    begin: Sender<String>,
    /// Targets whose statement was stopped.
    pub stopped: Receiver<String>,
    stop: Sender<String>,
    /// Names of sources whose bridge was dropped.
    pub closed: Receiver<String>,
    close: Sender<String>,
    /// Lets one `gate` job go on.
    pub gate: Sender<()>,
    gated: Receiver<()>,
    pub opened: AtomicUsize,
}

struct Fake {
    world: Arc<World>,
    name: String,
    concurrency: usize,
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = self.world.close.send(self.name.clone());
    }
}

/// A target of these tests is any text.
static PACKAGE: Package = Package::of(OptionRules {
    target: |text| Ok(Target::whole(text)),
    ..OptionRules::usual("fake")
});

impl Bridge for Fake {
    fn package(&self) -> &'static Package {
        &PACKAGE
    }

    /// `hang`: until its statement is stopped. `gate`: until the test lets it go on, whatever happens.
    /// `rows`: three rows. `panic`, `fail`, `auth`: as they say. Anything else: nothing.
    fn run(
        &self,
        job: &Arc<JobControl>,
        request: &Request,
        sink: &mut RowSink,
    ) -> Result<Summary, JobError> {
        let target = match request {
            Request::IntrospectTarget(target) => target.text(),
            Request::Aggregate(options) => options.target.text(),
            other => panic!("{other:?}"),
        };
        let world = &self.world;
        let begin = || world.begin.send(target.to_owned()).unwrap();
        if target == "large" {
            job.receive_large()?;
        }
        if !target.starts_with("hang") {
            begin();
        }
        match target.split('-').next().unwrap() {
            "hang" => {
                let (tx, rx) = bounded(1);
                let stop = world.stop.clone();
                let name = target.to_owned();
                let guard = job.stop_with(move || {
                    stop.send(name).unwrap();
                    tx.send(()).unwrap();
                })?;
                begin();
                rx.recv_timeout(PATIENCE).unwrap();
                assert!(guard.finish());
                Err(JobError::new(ErrorCode::QueryFailed, "stopped"))
            }
            "gate" | "large" => {
                world.gated.recv_timeout(PATIENCE).unwrap();
                Ok(Summary::default())
            }
            "rows" => {
                for n in 0..3 {
                    sink.row(|text| {
                        text.push_str(&n.to_string());
                        Ok(())
                    })?;
                }
                Ok(Summary {
                    total: Some(3),
                    ..Summary::default()
                })
            }
            "panic" => panic!("as told"),
            "fail" => Err(JobError::new(ErrorCode::QueryFailed, "as told")),
            "auth" => Err(JobError::new(ErrorCode::SourceAuthFailed, "as told")),
            _ => Ok(Summary::default()),
        }
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn columns(&self, _: &Arc<JobControl>, _: &Target) -> Result<Columns, JobError> {
        Ok(Columns::NoSuchTarget)
    }

    fn pool_state(&self) -> PoolState {
        PoolState {
            connections: 3,
            idle: 1,
        }
    }
}

/// An engine and one session.
pub struct Rig {
    pub engine: Arc<Engine>,
    pub session: JobSession,
    pub errors: Receiver<ErrorFrame>,
    pub frames: Receiver<FrameOut>,
    /// The `done` frame after a last chunk that was seen.
    done: Mutex<Option<String>>,
    pub killed: Arc<AtomicUsize>,
    pub world: Arc<World>,
}

/// A frame as the gateway would see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub id: String,
    pub kind: String,
    pub frame: Value,
}

impl Rig {
    pub fn new(workers: usize, queue: usize) -> Self {
        Self::with_outbox(workers, queue, 4096, 4096)
    }

    pub fn with_outbox(workers: usize, queue: usize, errors: usize, frames: usize) -> Self {
        let (begin, begun) = unbounded();
        let (stop, stopped) = unbounded();
        let (close, closed) = unbounded();
        let (gate, gated) = unbounded();
        let world = Arc::new(World {
            begun,
            begin,
            stopped,
            stop,
            closed,
            close,
            gate,
            gated,
            opened: AtomicUsize::new(0),
        });
        let opener = Arc::clone(&world);
        let settings = EngineSettings {
            workers,
            queue,
            chunk: ChunkLimits {
                rows: 2,
                bytes: 1 << 20,
            },
            ..EngineSettings::default()
        };
        let open = move |source: &Source| -> Result<Arc<dyn Bridge>, JobError> {
            if source.bridge != "fake" {
                return crate::bridges::open(source);
            }
            opener.opened.fetch_add(1, Ordering::SeqCst);
            let concurrency = source
                .config
                .get("max")
                .and_then(Value::as_u64)
                .unwrap_or(3);
            Ok(Arc::new(Fake {
                world: Arc::clone(&opener),
                name: source.name.clone(),
                concurrency: usize::try_from(concurrency).unwrap(),
            }))
        };
        let engine = Engine::with_patience(
            settings,
            SourceEnvironment::default(),
            Oversight::default(),
            Box::new(open),
            LOST_AFTER,
        )
        .unwrap();
        let wakeup = Wakeup::default();
        let (errors_in, errors) = QueueSender::queue(errors, &wakeup);
        let (frames_in, frames) = QueueSender::queue(frames, &wakeup);
        let killed = Arc::new(AtomicUsize::new(0));
        let kills = Arc::clone(&killed);
        let session = engine.session(Outbox {
            errors: errors_in,
            frames: frames_in,
            shortcut: Arc::new(Some),
            buffers: Buffers::default(),
            kill: Arc::new(move || {
                kills.fetch_add(1, Ordering::SeqCst);
            }),
        });
        Self {
            engine,
            session,
            errors,
            frames,
            done: Mutex::new(None),
            killed,
            world,
        }
    }

    /// Submits a job; its target is what it does.
    pub fn submit(&self, id: &str, source: &Source, target: &str) {
        self.session.submit(job(id, source, target));
    }

    /// The next frame the gateway sees: errors first, those of aborted jobs dropped.
    pub fn next(&self) -> Seen {
        loop {
            let done = self.done.lock().unwrap().take();
            let frame = if let Some(done) = done {
                done
            } else {
                crossbeam_channel::select_biased! {
                recv(self.errors) -> error => error.unwrap().text,
                recv(self.frames) -> frame => {
                    let frame = frame.unwrap();
                    if frame.job.is_aborted() {
                        continue;
                    }
                    *self.done.lock().unwrap() = frame.done;
                    String::from_utf8(frame.text).unwrap()
                },
                default(PATIENCE) => panic!("no frame"),
                }
            };
            let frame: Value = serde_json::from_str(&frame).unwrap();
            return Seen {
                id: frame["id"].as_str().unwrap().to_owned(),
                kind: frame["type"].as_str().unwrap().to_owned(),
                frame,
            };
        }
    }

    /// The next frame must be the error of this job.
    pub fn expect_error(&self, id: &str, code: ErrorCode) -> String {
        let seen = self.next();
        assert_eq!(
            (seen.id.as_str(), seen.kind.as_str()),
            (id, "error"),
            "{seen:?}"
        );
        assert_eq!(seen.frame["code"], json!(code.as_str()), "{seen:?}");
        seen.frame["message"].as_str().unwrap().to_owned()
    }

    /// The next frame must be the `done` of this job.
    pub fn expect_done(&self, id: &str) -> Value {
        let seen = self.next();
        assert_eq!(
            (seen.id.as_str(), seen.kind.as_str()),
            (id, "done"),
            "{seen:?}"
        );
        seen.frame["meta"].clone()
    }

    /// Waits until a worker begins this job.
    pub fn expect_begun(&self, target: &str) {
        assert_eq!(self.world.begun.recv_timeout(PATIENCE).unwrap(), target);
    }

    /// Waits until this many jobs have not ended; a worker counts its job until it has come back from it.
    pub fn expect_active(&self, jobs: usize) {
        let give_up = Instant::now() + PATIENCE;
        while self.engine.active_jobs() != jobs {
            assert!(
                Instant::now() < give_up,
                "{} jobs are active",
                self.engine.active_jobs()
            );
            thread::yield_now();
        }
    }

    /// Waits until the statement of this job is stopped.
    pub fn expect_stopped(&self, target: &str) {
        assert_eq!(self.world.stopped.recv_timeout(PATIENCE).unwrap(), target);
    }

    /// Waits until the bridge of this source is closed.
    pub fn expect_closed(&self, source: &str) {
        assert_eq!(self.world.closed.recv_timeout(PATIENCE).unwrap(), source);
    }
}

/// A source of the fake bridge with room for `max` jobs.
pub fn source(name: &str, max: u64) -> Source {
    let mut config = Map::new();
    config.insert("max".into(), json!(max));
    Source {
        id: name.into(),
        name: name.into(),
        bridge: "fake".into(),
        credentials: CredentialsLocation::Managed,
        config,
    }
}

/// A job with a minute of time.
pub fn job(id: &str, source: &Source, target: &str) -> JobFrame {
    JobFrame {
        id: id.into(),
        source: Arc::new(source.clone()),
        kind: JobKind::IntrospectTarget,
        kind_word: "introspectTarget".into(),
        target: target.into(),
        options: json!({}),
        deadline: Duration::from_secs(60),
        claim: Claim::default(),
    }
}

/// Counts, for each job, the terminal frames a gateway would see.
#[derive(Default)]
pub struct Ledger(Mutex<std::collections::HashMap<String, usize>>);

impl Ledger {
    pub fn note(&self, id: &str) {
        *self.0.lock().unwrap().entry(id.to_owned()).or_default() += 1;
    }

    pub fn take(self) -> std::collections::HashMap<String, usize> {
        self.0.into_inner().unwrap()
    }
}

/// True for the last frame of a job.
pub fn is_terminal(frame: &FrameOut) -> bool {
    frame.kind != FrameKind::Chunk || frame.done.is_some()
}
