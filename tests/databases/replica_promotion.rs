//! A source that points at a standby: it is asked while it follows, while it is promoted, and afterwards.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};
use runner_testkit::databases::PrivateServer;
use runner_testkit::{Stage, source, stage, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
/// Connections of the source.
const POOL: usize = 4;
/// Whoever asks during the promotion, one job after the other.
const CLIENTS: usize = 6;

fn number(standby: &mut Client, sql: &str) -> i64 {
    standby.query_one(sql, &[]).unwrap().get(0)
}

fn recovers(standby: &mut Client) -> bool {
    let row = standby.query_one("SELECT pg_is_in_recovery()", &[]);
    row.unwrap().get(0)
}

/// One job of every kind.
fn expect_every_kind(stage: &Stage<Value>) {
    let aggregate = json!({
        "target": "people", "dimensions": [{ "field": "team" }],
        "measures": { "n": { "agg": "count" }, "top": { "agg": "top_k", "column": "name", "k": 2 } },
    });
    for (kind, options) in [
        ("query", json!({ "limit": 3 })),
        ("read", json!({ "limit": 3 })),
        ("batchRead", json!({})),
        ("count", json!({})),
        ("aggregate", aggregate),
        ("listTargets", json!({})),
        ("introspectTarget", json!({})),
        ("test", json!({})),
    ] {
        let job = stage
            .gateway
            .dispatch(&stage.source, kind, "people", options);
        let answer = job.wait_for(SOON);
        let meta = answer.expect_done();
        if kind == "test" {
            assert_eq!(meta["readOnly"], true);
        }
    }
}

/// Rows of the table `events`, as the runner sees it.
fn events(stage: &Stage<Value>) -> Value {
    let job = stage.start("count", "events");
    job.wait_for(SOON).result("count").unwrap()
}

#[test]
fn costs_no_job() {
    let _watchdog = watchdog(Duration::from_secs(180));
    let Some(primary) = PrivateServer::postgres() else {
        return;
    };
    primary.administrate(
        "CREATE TABLE events (id serial PRIMARY KEY); INSERT INTO events DEFAULT VALUES",
    );
    let url = primary.replica();
    let mut standby = Client::connect(&url, NoTls).unwrap();
    assert!(recovers(&mut standby), "not a standby");
    let until = Instant::now() + SOON;
    while number(
        &mut standby,
        "SELECT count(*) FROM pg_tables WHERE tablename = 'events'",
    ) == 0
    {
        assert!(Instant::now() < until, "the standby does not follow");
        thread::sleep(Duration::from_millis(20));
    }
    let stage = stage!(source::managed(
        "replica",
        "postgres",
        json!({ "url": url })
    ))
    .pool(POOL);
    expect_every_kind(&stage);
    assert_eq!(events(&stage), 1);

    let (over, mut promoted) = (AtomicBool::new(false), None);
    let answered: Vec<_> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (stage, over) = (&stage, &over);
                scope.spawn(move || {
                    let mut answered = Vec::new();
                    while !over.load(Ordering::Relaxed) {
                        let kind = ["count", "batchRead", "read"][client % 3];
                        stage.start(kind, "people").wait_for(SOON).expect_done();
                        answered.push(Instant::now());
                    }
                    answered
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(500));
        standby.execute("SELECT pg_promote()", &[]).unwrap();
        promoted = Some(Instant::now());
        thread::sleep(Duration::from_millis(500));
        over.store(true, Ordering::Relaxed);
        let clients = clients.into_iter();
        clients.flat_map(|client| client.join().unwrap()).collect()
    });
    let (before, after): (Vec<_>, Vec<_>) =
        answered.into_iter().partition(|at| Some(*at) < promoted);
    println!(
        "{} jobs answered until the promotion, {} after it",
        before.len(),
        after.len()
    );
    assert!(!before.is_empty() && !after.is_empty());

    // What was a standby takes writes now, from others; and the source shows them.
    assert!(!recovers(&mut standby));
    standby
        .execute("INSERT INTO events (id) VALUES (1000)", &[])
        .unwrap();
    assert_eq!(events(&stage), 2);
    expect_every_kind(&stage);
    assert_eq!(stage.gateway.state().hellos.len(), 1);
    let open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'semilayer-runner'";
    assert!(
        number(&mut standby, open) <= POOL as i64,
        "connections leak"
    );
    // The end of the runner ends them all.
    stage.runner.signal("TERM");
    assert!(stage.runner.wait_exit(SOON).success());
    let until = Instant::now() + SOON;
    while number(&mut standby, open) > 0 {
        assert!(Instant::now() < until, "connections outlive the runner");
        thread::sleep(Duration::from_millis(20));
    }
}
