//! More jobs than fit, jobs that come twice, sources that come and go under load: every job gets exactly one
//! answer. (The ledger of the gateway fails the test on a second one.)

use std::time::Duration;

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::{FaultProxy, Faults, Gateway, Job, RunnerBuilder, session, source, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
const JOBS: usize = 5000;

fn people() -> SqliteDatabase {
    SqliteDatabase::create(
        "CREATE TABLE people (id INTEGER PRIMARY KEY); INSERT INTO people VALUES (1)",
    )
}

fn source_of(database: &SqliteDatabase, id: &str) -> Value {
    source::managed(id, "sqlite", json!({ "path": database.path() }))
}

/// How many were answered, and how many refused; nothing else may have become of them.
fn tally(jobs: &[Job]) -> (usize, usize) {
    let mut tally = (0, 0);
    for job in jobs {
        match job.wait().result("count") {
            Ok(count) => {
                assert_eq!(count, json!(1));
                tally.0 += 1;
            }
            Err((code, message)) => {
                assert_eq!(code, "OVERLOADED", "{message}");
                tally.1 += 1;
            }
        }
    }
    tally
}

/// The jobs are collected on the way and arrive all at once. On one processor only, too, where nothing is
/// sent while jobs are read.
#[test]
fn five_thousand_at_once_are_answered_or_refused() {
    let _watchdog = watchdog(Duration::from_secs(150));
    let database = people();
    let source = source_of(&database, "s");
    for wrapper in [&[][..], &["taskset", "-c", "0"]] {
        let gateway = Gateway::start();
        let link = FaultProxy::start(([127, 0, 0, 1], gateway.port()).into());
        let url = format!("ws://{}/connect", link.address);
        let binary = env!("CARGO_BIN_EXE_semilayer-runner");
        let runner = RunnerBuilder::new(binary, &url).through(wrapper).start();
        runner.wait_stdout("  → connected, awaiting jobs\n", SOON);
        for round in 0..3 {
            link.set(Faults::default(), Faults::stalled());
            let jobs: Vec<_> = (0..JOBS)
                .map(|_| {
                    gateway.dispatch_with(&source, "count", "people", json!({}), 120_000, false)
                })
                .collect();
            link.heal();
            let (answered, refused) = tally(&jobs);
            println!("{wrapper:?} round {round}: {answered} answered, {refused} refused");
            assert_eq!(answered + refused, JOBS);
            // As many as may wait, at least.
            assert!(answered >= 1024, "{answered}");
        }
        assert_eq!(gateway.state().hellos.len(), 1, "the session was lost");
    }
}

/// A gateway that sends a burst and reads the answers late loses none of them.
#[test]
fn refusals_wait_for_a_gateway_that_reads_late() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let database = people();
    let source = source_of(&database, "s");
    let gateway = Gateway::start();
    let link = FaultProxy::start(([127, 0, 0, 1], gateway.port()).into());
    let url = format!("ws://{}/connect", link.address);
    let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), &url).start();
    runner.wait_stdout("  → connected, awaiting jobs\n", SOON);
    // The way back carries a hundred kilobytes a second: five seconds' worth of refusals.
    let narrow = Faults {
        rate: Some(100_000),
        slice: Some(1000),
        ..Faults::default()
    };
    link.set(narrow, Faults::default());
    let jobs: Vec<_> = (0..JOBS)
        .map(|_| gateway.dispatch_with(&source, "count", "people", json!({}), 120_000, false))
        .collect();
    let (answered, refused) = tally(&jobs);
    println!("{answered} answered, {refused} refused");
    assert_eq!(gateway.state().hellos.len(), 1, "{}", runner.stderr());
}

#[test]
fn twins_are_answered_once() {
    let database = people();
    let source = source_of(&database, "s");
    let session = session!();
    let gateway = &session.gateway;
    let jobs: Vec<_> = (0..500)
        .map(|number| {
            let id = format!("twin-{number}");
            let job = gateway.expect_job(&id);
            let frame = json!({
                "id": id, "type": "job",
                "params": { "source": source, "job": { "kind": "count", "target": "people" } },
            });
            // In one packet, so that the second comes while the first is live.
            let text = frame.to_string();
            let mut bytes = Vec::new();
            for _ in 0..2 {
                bytes.extend([0x81, 126]);
                bytes.extend((text.len() as u16).to_be_bytes());
                bytes.extend(text.as_bytes());
            }
            gateway.connection().raw(bytes);
            job
        })
        .collect();
    // The first of two may have ended before the second came: then that is a job again, and its answer would
    // be a breach; the runner cannot know. So only the first answer is waited for, and no other code than a
    // count may come.
    for job in &jobs {
        assert_eq!(job.wait().result("count"), Ok(json!(1)));
    }
    gateway.state().ledger.take_violations();
}

#[test]
fn sources_come_and_go_under_load() {
    let databases: Vec<_> = (0..4).map(|_| people()).collect();
    let sources: Vec<_> = databases
        .iter()
        .enumerate()
        .map(|(number, database)| source_of(database, &format!("s{number}")))
        .collect();
    let session = session!();
    let gateway = &session.gateway;
    let runner = &session.runner;
    let mut jobs = Vec::new();
    for round in 0..100 {
        for source in &sources {
            for _ in 0..2 {
                jobs.push(gateway.dispatch(source, "count", "people", json!({})));
            }
        }
        // All, some, none; and one under a new configuration.
        let assigned: Vec<_> = sources.iter().take(round % 5).collect();
        gateway.send(&json!({ "type": "assignments-changed", "assignedSources": assigned }));
        let mut moved = sources[round % 4].clone();
        moved["config"]["pool"] = json!({ "max": 1 + round % 3 });
        jobs.push(gateway.dispatch(&moved, "count", "people", json!({})));
    }
    let (answered, refused) = tally(&jobs);
    assert_eq!((answered, refused), (900, 0));
    gateway.send(&json!({ "type": "assignments-changed", "assignedSources": [] }));
    let again = gateway.dispatch(&sources[0], "count", "people", json!({}));
    assert_eq!(again.wait().result("count"), Ok(json!(1)));
    // A source that is gone leaves no thread and no open file behind.
    assert!(runner.threads() < 40, "{} threads", runner.threads());
    assert!(
        runner.descriptors() < 40,
        "{} open files",
        runner.descriptors()
    );
}
