//! The process stands still for a while, as on a machine that sleeps or moves to other hardware.

use std::thread;
use std::time::Duration;

use runner_testkit::databases::PostgresDatabase;
use runner_testkit::{Stage, Terminal, stage};
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);
const HEARTBEAT: Duration = Duration::from_secs(1);

fn on_stage() -> Option<Stage<PostgresDatabase>> {
    let database = PostgresDatabase::usual()?;
    let heartbeat = HEARTBEAT.as_millis().to_string();
    let stage = stage!(database, |runner| runner
        .env("SEMILAYER_HEARTBEAT_MS", heartbeat));
    stage
        .runner
        .wait_stdout("  → connected, awaiting jobs\n", SOON);
    Some(stage)
}

fn freeze(stage: &Stage<PostgresDatabase>, time: Duration) {
    stage.runner.signal("STOP");
    thread::sleep(time);
    stage.runner.signal("CONT");
}

/// Less than a dead link takes: the session goes on, and what the database said meanwhile is passed on.
#[test]
fn a_moment_costs_nothing() {
    let Some(stage) = on_stage() else { return };
    for _ in 0..3 {
        let job = stage.rows("nap");
        stage.database.wait_active(1, SOON);
        freeze(&stage, HEARTBEAT);
        assert_eq!(job.wait_for(SOON).expect_done()["count"], 1);
        let beats = stage.gateway.state().heartbeats.len();
        stage.gateway.wait("a heartbeat", SOON, |state| {
            (state.heartbeats.len() > beats).then_some(())
        });
    }
    assert_eq!(stage.gateway.state().hellos.len(), 1);
}

/// Longer: deadlines have passed meanwhile, the session may be given up, and the next one works.
#[test]
fn a_long_time_costs_at_most_the_session() {
    let Some(stage) = on_stage() else { return };
    for _ in 0..2 {
        let late = stage.rows_within("sleeper", Duration::from_secs(2));
        let running = stage.rows("sleeper");
        stage.database.wait_active(2, SOON);
        freeze(&stage, 5 * HEARTBEAT);
        match late.wait_for(SOON).terminal {
            Terminal::Disconnected => {}
            Terminal::Error { code, .. } => assert_eq!(code, "DEADLINE_EXCEEDED"),
            Terminal::Done(meta) => panic!("done: {meta}"),
        }
        // Its session may have ended, or may be about to.
        let current = stage.gateway.state().current();
        if let Some(connection) = current {
            let cancel = json!({ "id": running.id, "type": "cancel" });
            connection.text(cancel.to_string());
        }
        running.wait_for(SOON);
        // Whatever became of them, nothing of them goes on.
        stage.database.wait_active(0, Duration::from_secs(5));
        stage.gateway.wait("a connected runner", SOON, |state| {
            (state.connected() && state.hellos.len() > state.closed.len()).then_some(())
        });
        stage.expect_one();
    }
}
