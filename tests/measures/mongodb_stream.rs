//! A large MongoDB result streams, and waits in the database. Measured on the optimised binary.

use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::Session;
use runner_testkit::databases::{Database, MongodbDatabase, ServerDatabase};
use serde_json::{Value, json};

/// Documents of the result.
const ROWS: u64 = 400_000;
/// Resident memory meanwhile.
const MEMORY: u64 = 16 << 20;
/// Long enough for everything on the way to fill up.
const STALL: Duration = Duration::from_secs(3);

#[test]
fn of_documents() {
    let _turn = crate::alone();
    let Some(database) = MongodbDatabase::usual() else {
        return;
    };
    let [one, large] = ["one", "large"].map(|name| database.target(name));
    let range = |to: u64| json!({ "$range": [0, to] });
    let unwind = |name: &str| json!({ "$unwind": format!("${name}") });
    let document = json!({
        "_id": { "$add": [{ "$multiply": ["$a", 1000] }, "$b"] }, "filler": "x".repeat(1000),
    });
    let pipeline: [Value; 5] = [
        json!({ "$project": { "a": range(ROWS / 1000) } }),
        unwind("a"),
        json!({ "$project": { "a": 1, "b": range(1000) } }),
        unwind("b"),
        json!({ "$project": document }),
    ];
    database.run(&json!({ "create": large, "viewOn": one, "pipeline": pipeline }));
    let Some(session) = Session::release() else {
        return;
    };
    let (gateway, runner) = (&session.gateway, &session.runner);
    let source = database.source();
    let ask = || gateway.dispatch_with(&source, "batchRead", &large, json!({}), 100_000, true);
    let answer = ask().wait();
    assert_eq!(answer.expect_done()["count"], ROWS);
    assert_eq!(answer.rows_counted, ROWS);
    let peak = runner.peak_rss();
    println!(
        "mongodb: {ROWS} rows, {} MB in {:?}, first after {:?}, {:.1} MiB peak",
        answer.bytes / 1_000_000,
        answer.elapsed,
        answer.first.unwrap(),
        peak as f64 / 1_048_576.0
    );
    assert!(peak <= MEMORY, "{} KiB", peak >> 10);
    // The gateway does not read; the rest stays in the database until the job is cancelled.
    gateway.connection().stall(true);
    let job = ask();
    thread::sleep(STALL);
    assert!(
        job.poll(Duration::ZERO).is_none(),
        "the gateway did not stall"
    );
    assert!(database.open_cursors() > 0, "nothing waits in the database");
    let stalled = runner.rss();
    assert!(stalled <= MEMORY, "{} KiB while stalled", stalled >> 10);
    gateway.cancel(&job);
    database.wait_active(0, Duration::from_secs(1));
    let until = Instant::now() + Duration::from_secs(10);
    while database.open_cursors() > 0 {
        assert!(Instant::now() < until, "a cursor stays open");
    }
    gateway.connection().stall(false);
}
