//! A runner between a gateway, a healthy source and whatever a test sets against it.

use std::time::{Duration, Instant};

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::{Answer, Gateway, Job, Runner, RunnerBuilder, Terminal, runner, source};
use serde_json::{Value, json};

pub const SOON: Duration = Duration::from_secs(10);
/// What the process may take, whatever anybody does.
pub const MOST_MEMORY: u64 = 160_000_000;
/// How long a job of the healthy source may take meanwhile.
const HEALTHY: Duration = Duration::from_secs(2);

pub struct Scene {
    pub gateway: Gateway,
    pub runner: Runner,
    /// How long a job of the healthy source may take.
    pub patience: Duration,
    healthy: Value,
    /// Threads and descriptors when only the healthy source has been asked.
    rest: (u64, u64),
    _database: SqliteDatabase,
}

impl Scene {
    pub fn new() -> Self {
        Self::with(|runner| runner)
    }

    pub fn with(describe: impl FnOnce(RunnerBuilder) -> RunnerBuilder) -> Self {
        let database = SqliteDatabase::create(
            "CREATE TABLE people (id INTEGER PRIMARY KEY); INSERT INTO people VALUES (1)",
        );
        let healthy = source::managed("healthy", "sqlite", json!({ "path": database.path() }));
        let gateway = Gateway::start();
        // What is shipped has musl's allocator, which gives large blocks back at once; glibc's is told to.
        let runner = runner!(gateway).env("MALLOC_MMAP_THRESHOLD_", "131072");
        let runner = describe(runner).start();
        gateway.wait_hello(1, SOON);
        let mut scene = Self {
            gateway,
            runner,
            patience: HEALTHY,
            healthy,
            rest: (0, 0),
            _database: database,
        };
        scene.expect_healthy();
        scene.rest = (scene.runner.threads(), scene.runner.descriptors());
        scene
    }

    /// Sends so many jobs with this deadline.
    pub fn send(&self, source: &Value, jobs: usize, deadline: Duration) -> Vec<Job> {
        let deadline = u64::try_from(deadline.as_millis()).unwrap();
        let job = |_| {
            self.gateway
                .dispatch_with(source, "batchRead", "t", json!({}), deadline, true)
        };
        (0..jobs).map(job).collect()
    }

    /// The other source is answered in time.
    #[track_caller]
    pub fn expect_healthy(&self) {
        self.expect_healthy_in(self.patience);
    }

    /// As [`Scene::expect_healthy`], within another time.
    #[track_caller]
    pub fn expect_healthy_in(&self, limit: Duration) {
        let started = Instant::now();
        let answer = self
            .gateway
            .dispatch(&self.healthy, "count", "people", json!({}))
            .wait_for(SOON.max(limit));
        answer.expect_done();
        assert!(
            started.elapsed() < limit,
            "a healthy source took {:?}",
            started.elapsed()
        );
    }

    /// Every job is answered while the other source goes on.
    #[track_caller]
    pub fn expect_answers(&self, jobs: &[Job], limit: Duration) -> Vec<Answer> {
        let until = Instant::now() + limit;
        let mut answers = Vec::new();
        for job in jobs {
            loop {
                if let Some(answer) = job.poll(Duration::from_millis(100)) {
                    assert_ne!(answer.terminal, Terminal::Disconnected);
                    answers.push(answer);
                    break;
                }
                assert!(Instant::now() < until, "a job has no answer");
                self.expect_healthy();
            }
        }
        self.expect_healthy();
        answers
    }

    /// What hostile jobs held is let go, soon: their workers, threads and connections.
    #[track_caller]
    pub fn expect_rest(&self) {
        let until = Instant::now() + SOON;
        let (threads, descriptors) = self.rest;
        loop {
            let now = (self.runner.threads(), self.runner.descriptors());
            if now.0 <= threads && now.1 <= descriptors {
                return;
            }
            let what = "threads and descriptors";
            assert!(
                Instant::now() < until,
                "{what}: {now:?}, not {:?}",
                self.rest
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The process is as small as it is said to be.
    #[track_caller]
    pub fn expect_small(&self) {
        let peak = self.runner.peak_rss();
        println!("peak RSS {:.1} MB", peak as f64 / 1e6);
        assert!(peak < MOST_MEMORY, "{peak} bytes of RSS");
    }
}

/// The code of an error, or `done`.
pub fn outcome(answer: &Answer) -> String {
    match &answer.terminal {
        Terminal::Done(_) => "done".to_owned(),
        Terminal::Error { code, .. } => code.clone(),
        Terminal::Disconnected => "disconnected".to_owned(),
    }
}

/// A source at this URL that may have so many connections.
pub fn at(bridge: &str, url: &str, connections: usize) -> Value {
    source::managed(
        "hostile",
        bridge,
        json!({ "url": url, "pool": { "max": connections } }),
    )
}
