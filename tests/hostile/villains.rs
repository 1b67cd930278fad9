//! Every way in which a database of every engine misbehaves, each against a runner of its own.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::fakes::{Villain, villains};
use runner_testkit::{Gateway, runner, watchdog};
use serde_json::json;

use crate::scene::{MOST_MEMORY, SOON, outcome};

const DEADLINE: u64 = 1500;
/// For work that nobody waits for any more to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Every kind of job, twice at a time. Its peak of memory.
fn endure(villain: &Villain) -> u64 {
    let gateway = Gateway::start();
    let runner = runner!(gateway)
        .env("MALLOC_MMAP_THRESHOLD_", "131072")
        .start();
    gateway.wait_hello(1, SOON);
    let source = villain.source("hostile", 12);
    let measures = json!({"measures": {"n": {"agg": "count"}}, "dimensions": [{"field": "a"}]});
    let jobs: Vec<_> = [
        ("test", json!({})),
        ("batchRead", json!({})),
        ("read", json!({})),
        (
            "query",
            json!({"where": {"id": {"$in": [1, 2]}}, "orderBy": [{"field": "a"}], "limit": 10}),
        ),
        ("count", json!({})),
        ("aggregate", measures),
        ("listTargets", json!({})),
        ("introspectTarget", json!({})),
    ]
    .iter()
    .cycle()
    .take(16)
    .map(|(kind, options)| {
        gateway.dispatch_with(&source, kind, "t", options.clone(), DEADLINE, true)
    })
    .collect();
    for job in jobs {
        let answer = job.wait_for(Duration::from_secs(40));
        let said = format!("{}: {:?}", villain.name, answer.terminal);
        let outcome = outcome(&answer);
        assert!(outcome != "INTERNAL" && outcome != "disconnected", "{said}");
    }
    let log = runner.stderr();
    assert!(!log.contains("panic in thread"), "{}: {log}", villain.name);
    // What was left behind goes away by itself; what is read without optimisation beside seven others takes its time.
    let until = Instant::now() + PATIENCE;
    loop {
        let before = runner.cpu();
        thread::sleep(Duration::from_secs(1));
        let used = runner.cpu().saturating_sub(before);
        if used < Duration::from_millis(300) {
            break;
        }
        let name = &villain.name;
        assert!(Instant::now() < until, "{name}: busy afterwards, {used:?}");
    }
    runner.peak_rss()
}

#[test]
fn nothing_grows_and_nothing_breaks() {
    let _watchdog = watchdog(Duration::from_secs(400));
    let all = Mutex::new(villains().into_iter());
    let peaks = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let next = all.lock().unwrap().next();
                    let Some(villain) = next else { return };
                    let peak = endure(&villain);
                    peaks.lock().unwrap().push((peak, villain.name));
                }
            });
        }
    });
    let mut peaks = peaks.into_inner().unwrap();
    peaks.sort();
    for (peak, name) in &peaks {
        println!("{:6.1} MB  {name}", *peak as f64 / 1e6);
    }
    let (peak, name) = peaks.last().unwrap();
    assert!(*peak < MOST_MEMORY, "{name}: {peak} bytes of RSS");
}
