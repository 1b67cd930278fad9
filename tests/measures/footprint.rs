//! What an idle runner costs and how soon it is there. Measured on the optimised binary.

use std::thread;
use std::time::Duration;

use runner_testkit::databases::{self, SqliteDatabase};
use runner_testkit::{Gateway, Session, runner, source, watchdog};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn hello_comes_at_once() {
    let _turn = crate::alone();
    let _watchdog = watchdog(Duration::from_secs(60));
    let mut times = Vec::new();
    for _ in 0..5 {
        let gateway = Gateway::start();
        let Some(runner) = runner!(gateway).release() else {
            return;
        };
        let runner = runner.start();
        times.push(gateway.wait_hello(1, SOON).at - runner.started);
    }
    times.sort();
    println!("start to hello: {times:?}");
    // The machine may be busy with something else once or twice.
    assert!(times[2] < Duration::from_millis(50), "{times:?}");
}

#[test]
fn an_idle_runner_is_small_and_still() {
    let _turn = crate::alone();
    let Some(url) = databases::postgres() else {
        return;
    };
    let database = SqliteDatabase::create(
        "CREATE TABLE people (id INTEGER PRIMARY KEY); INSERT INTO people VALUES (1)",
    );
    let sources = [
        source::managed("one", "postgres", json!({ "url": url })),
        source::managed("two", "sqlite", json!({ "path": database.path() })),
    ];
    let Some(session) = Session::release() else {
        return;
    };
    let (gateway, runner) = (&session.gateway, &session.runner);
    for source in &sources {
        let jobs: Vec<_> = (0..50)
            .map(|_| gateway.dispatch(source, "query", "people", json!({ "limit": 5 })))
            .collect();
        for job in jobs {
            job.wait().expect_done();
        }
    }
    thread::sleep(Duration::from_millis(300));
    let before = runner.cpu();
    thread::sleep(Duration::from_secs(2));
    let spent = runner.cpu() - before;
    let rss = runner.rss();
    println!(
        "idle: {:.1} MiB, {} threads, {spent:?} of CPU in 2 s",
        rss as f64 / 1048576.0,
        runner.threads()
    );
    assert!(rss <= 8 << 20, "{} KiB", rss >> 10);
    assert!(
        spent < Duration::from_millis(5),
        "{spent:?} of CPU while idle"
    );
}
