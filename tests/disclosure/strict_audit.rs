//! The audit log that no answer may be ahead of, while its file is full, moved, deleted, replaced or shared.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::temp::TempDir;
use runner_testkit::{
    Answer, Gateway, Job, Runner, RunnerBuilder, Terminal, runner, source, watchdog,
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);

/// A runner with a strict log, which jobs are counts for.
struct Recorded {
    runner: Runner,
    gateway: Gateway,
    source: Value,
    path: PathBuf,
    _folder: TempDir,
    _database: SqliteDatabase,
}

impl Recorded {
    fn new() -> Self {
        Self::with(|_| {}, |runner| runner)
    }

    /// With what is there at the log's path before.
    fn with(
        before: impl FnOnce(&Path),
        describe: impl FnOnce(RunnerBuilder) -> RunnerBuilder,
    ) -> Self {
        let folder = TempDir::new();
        let path = folder.path().join("audit.log");
        before(&path);
        let database = SqliteDatabase::create("CREATE TABLE t (id INTEGER PRIMARY KEY);");
        let gateway = Gateway::start();
        let runner = runner!(gateway)
            .env("SEMILAYER_AUDIT_LOG", path.to_str().unwrap())
            .env("SEMILAYER_AUDIT", "strict");
        let runner = describe(runner).start();
        gateway.wait_hello(1, SOON);
        Self {
            runner,
            gateway,
            source: source::managed("db", "sqlite", json!({ "path": database.path() })),
            path,
            _folder: folder,
            _database: database,
        }
    }

    fn send(&self, jobs: usize, deadline: u64) -> Vec<Job> {
        let job = |_| {
            self.gateway
                .dispatch_with(&self.source, "count", "t", json!({}), deadline, false)
        };
        (0..jobs).map(job).collect()
    }

    fn ask(&self) -> String {
        outcome(&self.send(1, 2000)[0].wait())
    }

    /// Waits until jobs have this outcome.
    #[track_caller]
    fn wait(&self, expected: &str) {
        let until = Instant::now() + SOON;
        loop {
            let found = self.ask();
            if found == expected {
                return;
            }
            assert!(Instant::now() < until, "{found}, not {expected}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn outcome(answer: &Answer) -> String {
    match &answer.terminal {
        Terminal::Done(_) => "done".to_owned(),
        Terminal::Error { code, .. } => code.clone(),
        Terminal::Disconnected => "disconnected".to_owned(),
    }
}

fn done(jobs: &[Job]) -> usize {
    jobs.iter()
        .filter(|job| outcome(&job.wait()) == "done")
        .count()
}

/// The lines that are whole, and how many are not.
fn lines(path: &Path) -> (Vec<Value>, usize) {
    let text = fs::read_to_string(path).unwrap_or_default();
    let parsed: Vec<_> = text.lines().map(serde_json::from_str).collect();
    let broken = parsed.iter().filter(|line| line.is_err()).count();
    (parsed.into_iter().flatten().collect(), broken)
}

fn done_lines(path: &Path) -> usize {
    lines(path)
        .0
        .iter()
        .filter(|line| line["outcome"] == "done")
        .count()
}

/// The system ends a process that writes beyond `ulimit -f`, unless it is told that it need not.
#[test]
fn a_file_that_may_not_grow_is_a_full_disk() {
    let _watchdog = watchdog(Duration::from_secs(90));
    // 16 KiB, or twice that, by the shell.
    let limited = ["sh", "-c", "ulimit -f 32; exec \"$@\"", "sh"];
    let recorded = Recorded::with(|_| {}, |runner| runner.through(&limited));
    let mut answered = 0;
    let mut waves = std::iter::repeat_with(|| done(&recorded.send(20, 1000)));
    let full = waves.by_ref().take(50).any(|wave| {
        answered += wave;
        wave < 20
    });
    assert!(full && recorded.runner.is_running());
    assert_eq!(recorded.ask(), "AUDIT_FAILED");
    let (whole, _) = lines(&recorded.path);
    assert!(
        whole.len() >= answered,
        "{} lines, {answered} answers",
        whole.len()
    );
    // What an operator does about it.
    let moved = recorded.path.with_extension("1");
    fs::rename(&recorded.path, &moved).unwrap();
    recorded.runner.signal("HUP");
    recorded.wait("done");
    assert_eq!(
        lines(&recorded.path).1,
        0,
        "{:?}",
        fs::read_to_string(&recorded.path)
    );
}

/// Somebody was killed in the middle of a line.
#[test]
fn a_line_after_a_torn_one_is_whole() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let half = "{\"time\":\"2026-01-02T03";
    let recorded = Recorded::with(|path| fs::write(path, half).unwrap(), |runner| runner);
    assert_eq!(recorded.ask(), "done");
    assert_eq!(recorded.ask(), "done");
    let (whole, broken) = lines(&recorded.path);
    assert_eq!((whole.len(), broken), (2, 1));
}

#[test]
fn a_log_that_is_deleted_or_replaced_is_made_anew() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let recorded = Recorded::new();
    let path = &recorded.path;
    assert_eq!(recorded.ask(), "done");
    fs::remove_file(path).unwrap();
    assert_eq!(recorded.ask(), "done");
    assert_eq!(done_lines(path), 1);
    // Another file in its place, and a link to one.
    let other = path.with_extension("other");
    fs::write(&other, "").unwrap();
    fs::rename(&other, path).unwrap();
    assert_eq!(recorded.ask(), "done");
    assert_eq!(done_lines(path), 1);
    fs::remove_file(path).unwrap();
    std::os::unix::fs::symlink(&other, path).unwrap();
    assert_eq!(recorded.ask(), "done");
    assert_eq!(done_lines(&other), 1);
    // Cut, as some programs do that move logs away.
    OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(&other)
        .unwrap();
    assert_eq!(recorded.ask(), "done");
    assert_eq!(lines(&other).0.len(), 1);
    // What cannot be written to.
    for make in ["mkdir", "mkfifo"] {
        fs::remove_file(path).unwrap();
        let _ = fs::remove_file(&other);
        assert!(Command::new(make).arg(path).status().unwrap().success());
        recorded.wait("AUDIT_FAILED");
        let _ = fs::remove_dir(path).or_else(|_| fs::remove_file(path));
        recorded.wait("done");
        assert!(done_lines(path) > 0);
    }
}

/// It would wait for a reader, and nobody would know what for.
#[test]
fn a_pipe_that_nobody_reads_stops_the_start() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let path = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let binary = env!("CARGO_BIN_EXE_semilayer-runner");
    let runner = RunnerBuilder::under_test(binary, "ws://127.0.0.1:1/connect")
        .env("SEMILAYER_AUDIT_LOG", path.to_str().unwrap())
        .start();
    assert_eq!(runner.wait_exit(SOON).code(), Some(2));
}

/// Its reader takes nothing for a while.
#[test]
fn a_pipe_that_is_full_refuses_jobs() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let (send, receive) = std::sync::mpsc::channel();
    let before = |path: &Path| {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        let options = OpenOptions::new().read(true).write(true).open(path);
        let mut pipe = options.unwrap();
        // Full but for some lines.
        let mut free = 65_536 - 500;
        while free > 0 {
            free -= pipe.write(&vec![b'\n'; free.min(4096)]).unwrap();
        }
        send.send(pipe).unwrap();
    };
    let recorded = Recorded::with(before, |runner| runner);
    let mut pipe = receive.recv().unwrap();
    let jobs = recorded.send(60, 3000);
    let answered = done(&jobs);
    assert!(answered < 10, "{answered}");
    // At once, not at their deadline.
    let started = Instant::now();
    let refused = recorded.send(1, 20_000);
    assert_eq!(outcome(&refused[0].wait()), "AUDIT_FAILED");
    assert!(started.elapsed() < Duration::from_secs(5));
    thread::spawn(move || {
        let mut all = [0; 8192];
        while pipe.read(&mut all).is_ok() {}
    });
    recorded.wait("done");
}

/// Refused, not lost, and healthy again after.
#[test]
fn jobs_in_flight_when_the_disk_is_full_are_answered() {
    let _watchdog = watchdog(Duration::from_secs(120));
    if !Path::new("/dev/full").exists() {
        println!("skipped: this system has no /dev/full");
        return;
    }
    let full = |path: &Path| std::os::unix::fs::symlink("/dev/full", path).unwrap();
    let recorded = Recorded::with(full, |runner| runner);
    let started = Instant::now();
    let jobs = recorded.send(3000, 3000);
    assert_eq!(done(&jobs), 0);
    assert!(started.elapsed() < SOON);
    fs::remove_file(&recorded.path).unwrap();
    recorded.runner.signal("HUP");
    recorded.wait("done");
    // Each of those that were taken has its line.
    let (whole, broken) = lines(&recorded.path);
    assert!(!whole.is_empty() && broken == 0);
}

/// A job whose line cannot be written when the runner stops is answered all the same.
#[test]
fn a_stop_leaves_no_job_without_an_answer() {
    let _watchdog = watchdog(Duration::from_secs(90));
    if !Path::new("/dev/full").exists() {
        println!("skipped: this system has no /dev/full");
        return;
    }
    let full = |path: &Path| std::os::unix::fs::symlink("/dev/full", path).unwrap();
    let recorded = Recorded::with(full, |runner| {
        runner.env("SEMILAYER_SHUTDOWN_GRACE_MS", "500")
    });
    let jobs = recorded.send(1, 60_000);
    recorded
        .runner
        .wait_stderr("the audit log cannot be written", SOON);
    recorded.runner.signal("TERM");
    assert_eq!(outcome(&jobs[0].wait()), "AUDIT_FAILED");
    assert!(recorded.runner.wait_exit(SOON).success());
}

#[test]
fn two_runners_share_a_file() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let one = Recorded::new();
    let path = one.path.clone();
    let same = |at: &Path| std::os::unix::fs::symlink(&path, at).unwrap();
    let other = Recorded::with(same, |runner| runner);
    let jobs = [one.send(400, 20_000), other.send(400, 20_000)];
    for jobs in &jobs {
        assert_eq!(done(jobs), 400);
    }
    let (whole, broken) = lines(&path);
    assert_eq!((whole.len(), broken), (800, 0));
}
