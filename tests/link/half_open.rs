//! A link that is dead without having ended: nothing arrives any more, and nobody says so.

use std::time::{Duration, Instant};

use runner_testkit::databases::{Database, SqliteDatabase};
use runner_testkit::{Faults, Linked, Runner, Terminal, runner, watchdog};
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);
const HEARTBEAT: Duration = Duration::from_millis(1000);

/// A runner that has connected.
fn connected(linked: &Linked) -> Runner {
    let runner = linked
        .trusted(runner!(linked))
        .env("SEMILAYER_HEARTBEAT_MS", HEARTBEAT.as_millis().to_string())
        .start();
    runner.wait_stdout("  → connected, awaiting jobs\n", SOON);
    runner
}

/// Whichever direction is dead: the gateway's answers to pings stay away.
#[test]
fn is_left_after_two_and_a_half_heartbeats() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let dead = Faults::stalled();
    for (linked, to_gateway, from_gateway) in [
        (Linked::encrypted(), Faults::default(), dead),
        (Linked::encrypted(), dead, Faults::default()),
        (Linked::encrypted(), dead, dead),
        (Linked::plain(), dead, dead),
    ] {
        let runner = connected(&linked);
        let Linked { gateway, link, .. } = &linked;
        let lost = gateway.expect_job("never-seen");
        let from = Instant::now();
        link.set(to_gateway, from_gateway);
        runner.wait_stderr("the gateway has fallen silent", SOON);
        let took = from.elapsed();
        // The last sign of life may have been almost a heartbeat old.
        assert!(took > HEARTBEAT, "{took:?}");
        assert!(
            took < HEARTBEAT.mul_f64(2.5) + Duration::from_secs(2),
            "{took:?}"
        );
        link.heal();
        assert_eq!(lost.wait_for(SOON).terminal, Terminal::Disconnected);
        gateway.wait_hello(2, SOON);
        runner.wait_stdout_times("  → connected, awaiting jobs\n", 2, SOON);
    }
}

/// A stall that ends in time costs nothing: the session and its jobs live on.
#[test]
fn a_stall_that_ends_in_time_costs_nothing() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let database = SqliteDatabase::create(
        "CREATE TABLE people (id INTEGER PRIMARY KEY); INSERT INTO people VALUES (1)",
    );
    let source = database.source();
    let linked = Linked::encrypted();
    let runner = connected(&linked);
    let Linked { gateway, link, .. } = &linked;
    for _ in 0..3 {
        link.set(Faults::stalled(), Faults::stalled());
        let job = gateway.dispatch(&source, "count", "people", json!({}));
        assert!(job.poll(HEARTBEAT).is_none());
        link.heal();
        assert_eq!(job.wait_for(SOON).result("count"), Ok(json!(1)));
        // A sign of life, so that the next silence starts anew.
        let beats = gateway.state().heartbeats.len();
        gateway.wait("heartbeat", SOON, |s| {
            (s.heartbeats.len() > beats).then_some(())
        });
    }
    assert_eq!(gateway.state().hellos.len(), 1, "{}", runner.stderr());
}

/// Slow is not dead: with delays and a narrow link every answer still comes, and the session stays.
#[test]
fn a_slow_link_is_not_a_dead_one() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let database = SqliteDatabase::create(
        "CREATE TABLE large (id INTEGER PRIMARY KEY, filler TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         INSERT INTO large SELECT i, printf('%0500d', i) FROM n",
    );
    let source = database.source();
    let linked = Linked::encrypted();
    let runner = connected(&linked);
    let Linked { gateway, link, .. } = &linked;
    let narrow = Faults {
        rate: Some(500_000),
        slice: Some(7_001),
        ..Faults::default()
    };
    let late = Faults {
        delay: Duration::from_millis(50),
        ..Faults::default()
    };
    link.set(narrow, late);
    // A megabyte takes two seconds, and every heartbeat waits behind it.
    let large = gateway.dispatch(&source, "batchRead", "large", json!({}));
    assert_eq!(large.wait().expect_done()["count"], 2000);
    assert_eq!(gateway.state().hellos.len(), 1, "{}", runner.stderr());
}

/// A reset is seen at once, without waiting for a heartbeat.
#[test]
fn a_reset_is_seen_at_once() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let linked = Linked::encrypted();
    let runner = connected(&linked);
    let Linked { gateway, link, .. } = &linked;
    let from = Instant::now();
    link.reset();
    runner.wait_stdout("  ⚠ disconnected: close 1006\n", SOON);
    assert!(
        from.elapsed() < HEARTBEAT.mul_f64(2.4),
        "{:?}",
        from.elapsed()
    );
    gateway.wait_hello(2, SOON);
    assert!(
        runner.stderr().to_lowercase().contains("reset"),
        "{}",
        runner.stderr()
    );
}
