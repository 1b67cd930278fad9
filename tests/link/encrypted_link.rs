//! Real gateways are reached over TLS: what holds of the session in the clear holds there, too.

use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::databases::{Database, SqliteDatabase};
use runner_testkit::{Faults, Linked, Runner, Terminal, runner, watchdog};
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);
/// Rows of the table `large`, a kilobyte each.
const ROWS: u64 = 20_000;
/// The most resident memory of a runner here, which is not optimised.
const MEMORY: u64 = 64 << 20;

fn database() -> SqliteDatabase {
    let database = SqliteDatabase::usual();
    database.run(&format!(
        "CREATE VIEW large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
           SELECT i, printf('%01000d', i) AS filler FROM n;"
    ));
    database
}

fn connected(linked: &Linked) -> Runner {
    let runner = linked.trusted(runner!(linked)).start();
    runner.wait_stdout("  → connected, awaiting jobs\n", SOON);
    runner
}

/// A gateway that does not read stops nothing that comes in: the cancel of a job that computes arrives.
#[test]
fn reading_does_not_wait_for_writing() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let source = database();
    let linked = Linked::encrypted();
    let runner = connected(&linked);
    let gateway = &linked.gateway;
    let ask = |target| {
        gateway.dispatch_with(
            &source.source(),
            "batchRead",
            target,
            json!({}),
            60_000,
            true,
        )
    };
    let (large, computing) = (ask("large"), ask("sleeper"));
    gateway.wait_chunks(&large, 1, SOON);
    gateway.connection().stall(true);
    // Everything on the way is full then.
    thread::sleep(Duration::from_secs(2));
    assert!(large.poll(Duration::ZERO).is_none(), "it did not stall");
    gateway.cancel(&computing);
    let until = Instant::now() + SOON;
    loop {
        let before = runner.cpu();
        thread::sleep(Duration::from_millis(300));
        if runner.cpu() - before < Duration::from_millis(50) {
            break;
        }
        assert!(Instant::now() < until, "the cancel did not arrive");
    }
    assert!(runner.rss() < MEMORY, "{} MiB", runner.rss() >> 20);
    gateway.connection().stall(false);
    computing.wait_for(SOON).expect_error("CANCELLED");
    assert_eq!(large.wait().rows_counted, ROWS);
    assert_eq!(gateway.state().hellos.len(), 1);
}

/// However small the pieces in which the records arrive.
#[test]
fn records_in_single_bytes_are_enough() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let source = database();
    let linked = Linked::encrypted();
    let pieces = Faults {
        slice: Some(7),
        ..Faults::default()
    };
    linked.link.set(pieces, Faults::single_bytes());
    let _runner = connected(&linked);
    for _ in 0..3 {
        let one = linked
            .gateway
            .dispatch(&source.source(), "count", "one", json!({}));
        assert_eq!(one.wait_for(SOON).result("count"), Ok(json!(1)));
    }
    // Half a megabyte comes in, in records of 16 KB.
    linked.link.set(Faults::default(), pieces);
    let many: Vec<_> = (0..30_000_u64).map(|n| n * 1_000_000_000_001 + 1).collect();
    let options = json!({ "where": { "id": { "$in": many } } });
    let one = linked
        .gateway
        .dispatch(&source.source(), "count", "one", options);
    assert_eq!(one.wait().result("count"), Ok(json!(1)));
}

type Fault<'a> = &'a dyn Fn(&Linked);

/// Bytes that nobody sent, an end without a good-bye and a reset in the middle of a result each cost the session,
/// which says so, and the next one works.
#[test]
fn a_spoiled_stream_costs_the_session() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let source = database();
    let faults: [(&str, Fault<'_>); 4] = [
        ("corrupt message", &|linked| {
            linked.link.inject(&[0x17; 4000])
        }),
        ("cannot decrypt", &|linked| {
            linked
                .link
                .inject(&[&[0x17, 3, 3, 0, 32][..], &[7; 32]].concat());
        }),
        ("the gateway hung up", &|linked| linked.link.cut()),
        ("reset", &|linked| linked.link.reset()),
    ];
    for (reason, spoil) in faults {
        let linked = Linked::encrypted();
        let runner = connected(&linked);
        let ask = |target| {
            linked.gateway.dispatch_with(
                &source.source(),
                "batchRead",
                target,
                json!({}),
                60_000,
                true,
            )
        };
        let (large, computing) = (ask("large"), ask("sleeper"));
        linked.gateway.wait_chunks(&large, 1, SOON);
        spoil(&linked);
        runner.wait_stdout("  ⚠ disconnected: close 1006\n", SOON);
        runner.wait_stderr("next attempt in", SOON);
        let log = runner.stderr();
        // The kernel tells of a reset once: if the writer hears it, the reader sees an end.
        let ended = reason == "reset" && log.contains("the gateway hung up");
        assert!(ended || log.contains(reason), "{reason}: {log}");
        assert_eq!(
            computing.wait_for(SOON).terminal,
            Terminal::Disconnected,
            "{reason}"
        );
        large.wait_for(SOON);
        linked.gateway.wait_hello(2, SOON);
        assert_eq!(ask("one").wait_for(SOON).rows_counted, 1, "{reason}");
    }
}

/// Thousands of jobs in few records, and their answers in many. The gateway changes its keys meanwhile.
#[test]
fn a_burst_is_answered() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let source = database();
    let linked = Linked::encrypted();
    let _runner = connected(&linked);
    linked.link.set(Faults::default(), Faults::stalled());
    let jobs: Vec<_> = (0..3000)
        .map(|_| {
            linked
                .gateway
                .dispatch(&source.source(), "count", "one", json!({}))
        })
        .collect();
    linked.link.heal();
    let mut answered = 0;
    for job in jobs {
        match job.wait().result("count") {
            Ok(count) => {
                assert_eq!(count, 1);
                answered += 1;
            }
            Err((code, message)) => assert_eq!(code, "OVERLOADED", "{message}"),
        }
    }
    assert!(answered >= 1024, "{answered}");
    assert_eq!(linked.gateway.state().hellos.len(), 1);
}
