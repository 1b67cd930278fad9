//! The wall clock jumps by hours and years under a runner: whatever waits goes by the clock that does not.

use std::fs;
use std::time::{Duration, Instant};

use runner_testkit::clock::WallClock;
use runner_testkit::databases::PostgresDatabase;
use runner_testkit::service_manager::Manager;
use runner_testkit::temp::TempDir;
use runner_testkit::{Admission, Gateway, Options, Stage, runner, stage, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(15);
/// Forwards and backwards.
const JUMPS: [&str; 4] = ["+5h", "-7h", "+400d", "-400d"];
/// Deadline of the jobs that take too long.
const DEADLINE: Duration = Duration::from_millis(1500);
/// What a busy machine may add to a time.
const SLACK: Duration = Duration::from_secs(3);

/// The next page of `people`: its total and where it ends.
fn page(stage: &Stage<PostgresDatabase>, cursor: &Value) -> (Value, Value) {
    let options = match cursor {
        Value::Null => json!({ "limit": 10 }),
        cursor => json!({ "limit": 10, "cursor": cursor }),
    };
    let job = stage
        .gateway
        .dispatch(&stage.source, "read", "people", options);
    let page = job.wait_for(SOON).result("read").unwrap();
    (page["total"].clone(), page["nextCursor"].clone())
}

#[test]
fn a_session_does_not_notice() {
    let (Some(clock), Some(database)) = (WallClock::new(), PostgresDatabase::usual()) else {
        return;
    };
    database.run(
        "CREATE TABLE people (id serial PRIMARY KEY);
         INSERT INTO people SELECT FROM generate_series(1, 100)",
    );
    let manager = Manager::new();
    let folder = TempDir::new();
    let audit = folder.path().join("audit.jsonl");
    let stage = stage!(database, |runner| clock
        .rule(runner)
        .env("SEMILAYER_HEARTBEAT_MS", "1000")
        .env("SEMILAYER_AUDIT_LOG", audit.display().to_string())
        .env("NOTIFY_SOCKET", manager.name())
        .env("WATCHDOG_USEC", "5000000"));
    for jump in JUMPS {
        let (total, cursor) = page(&stage, &Value::Null);
        let finishing = stage.rows("nap");
        let limited = stage.rows_within("sleeper", DEADLINE);
        stage.database.wait_active(2, SOON);
        clock.turn(jump);
        let answer = limited.wait_for(SOON);
        answer.expect_error("DEADLINE_EXCEEDED");
        assert!(
            (DEADLINE - Duration::from_millis(50)..DEADLINE + SLACK).contains(&answer.elapsed),
            "{jump}: after {:?}",
            answer.elapsed
        );
        assert_eq!(finishing.wait_for(SOON).expect_done()["count"], 1);
        stage.database.wait_active(0, SOON);
        // The walk goes on with the total it began with.
        stage.database.run("INSERT INTO people DEFAULT VALUES");
        assert_eq!(page(&stage, &cursor).0, total, "{jump}");
        // Signs of life go on, in both directions.
        let beats = stage.gateway.state().heartbeats.len();
        assert!(manager.feedings(Duration::from_millis(2500)) >= 1, "{jump}");
        stage.gateway.wait("another heartbeat", SOON, |state| {
            (state.heartbeats.len() > beats).then_some(())
        });
    }
    let state = stage.gateway.state();
    assert_eq!(state.hellos.len(), 1);
    for beats in state.heartbeats.windows(2) {
        let pause = beats[1].at - beats[0].at;
        assert!(pause < Duration::from_secs(1) + SLACK, "{pause:?}");
    }
    let most = stage.runner.started.elapsed().as_secs() as usize + 1;
    assert!(
        state.heartbeats.len() <= most,
        "{} in {most} s",
        state.heartbeats.len()
    );
    drop(state);
    // It did live by that clock: what the audit log says was so long ago, or will be.
    let text = fs::read_to_string(audit).unwrap();
    let years: std::collections::BTreeSet<_> = text
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["time"].as_str().unwrap()[..4].to_owned()
        })
        .collect();
    assert!(years.len() >= 3, "{years:?}");
}

/// The pause that a gateway asked for is neither skipped nor made longer.
#[test]
fn a_pause_between_sessions_keeps_its_length() {
    let Some(clock) = WallClock::new() else {
        return;
    };
    let _watchdog = watchdog(Duration::from_secs(120));
    let gateway = Gateway::with(Options {
        admit: Box::new(|upgrade| match upgrade.number {
            1..=3 => Admission::Refuse(503, vec![("retry-after", "3".to_owned())]),
            _ => Admission::Accept,
        }),
        ..Options::default()
    });
    let runner = clock.rule(runner!(gateway)).start();
    for (refused, jump) in JUMPS.iter().enumerate().take(3) {
        runner.wait_stdout_times("⚠ disconnected", refused + 1, SOON);
        clock.turn(jump);
    }
    gateway.wait_hello(1, SOON);
    let at = gateway.state().upgraded_at.clone();
    for (step, pair) in at.windows(2).enumerate() {
        let pause = pair[1] - pair[0];
        // The jitter comes on top: up to one, two and four seconds.
        let most = Duration::from_secs(3 + (1 << step)) + SLACK;
        assert!(
            (Duration::from_millis(2900)..most).contains(&pause),
            "{pause:?} after refusal {step}"
        );
    }
}

/// The time to finish is neither cut short nor made longer.
#[test]
fn a_drain_keeps_its_grace() {
    for jump in JUMPS.iter().take(2) {
        let (Some(clock), Some(database)) = (WallClock::new(), PostgresDatabase::usual()) else {
            return;
        };
        let stage = stage!(database, |runner| clock.rule(runner));
        let job = stage.rows("nap");
        stage.database.wait_active(1, SOON);
        stage.runner.signal("TERM");
        stage.runner.wait_stdout("stopping runner", SOON);
        clock.turn(jump);
        assert_eq!(job.wait_for(SOON).expect_done()["count"], 1);
        assert!(stage.runner.wait_exit(SOON).success());

        let (Some(clock), Some(database)) = (WallClock::new(), PostgresDatabase::usual()) else {
            return;
        };
        let stage = stage!(database, |runner| clock
            .rule(runner)
            .env("SEMILAYER_SHUTDOWN_GRACE_MS", "1500"));
        let job = stage.rows("sleeper");
        stage.database.wait_active(1, SOON);
        let start = Instant::now();
        stage.runner.signal("TERM");
        stage.runner.wait_stdout("stopping runner", SOON);
        clock.turn(jump);
        assert!(stage.runner.wait_exit(SOON).success());
        let took = start.elapsed();
        // The grace, a second for the statement, two for the last frames.
        assert!(
            (Duration::from_millis(1400)..Duration::from_millis(4500) + SLACK).contains(&took),
            "{jump}: {took:?}"
        );
        assert!(job.wait().result("batchRead").is_err());
    }
}
