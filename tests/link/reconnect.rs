//! A lost session is replaced, again and again, and leaves nothing behind.

use std::time::Duration;

use runner_testkit::databases::{Database, SqliteDatabase};
use runner_testkit::gateway::Received;
use runner_testkit::{Admission, Gateway, Options, Terminal, runner, watchdog};
use serde_json::json;

/// The first five steps of the back-off are 1, 2, 4, 8 and 16 seconds, with jitter.
const RETRY: Duration = Duration::from_secs(20);

/// A table, and a view that takes for ever.
fn database() -> SqliteDatabase {
    SqliteDatabase::create(
        "CREATE TABLE people (id INTEGER PRIMARY KEY);
         INSERT INTO people VALUES (1);
         CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
           SELECT count(*) AS i FROM n;",
    )
}

#[cfg(feature = "sqlite")]
#[test]
fn five_times_in_a_row() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let database = database();
    let source = database.source();
    let gateway = Gateway::start();
    let runner = runner!(gateway).start();
    for session in 1..=6 {
        let Received { connection, .. } = gateway.wait_hello(session, RETRY);
        let job = gateway.dispatch(&source, "count", "people", json!({}));
        assert_eq!(
            job.wait().result("count"),
            Ok(json!(1)),
            "session {session}"
        );
        let lost = gateway.dispatch(&source, "batchRead", "endless", json!({}));
        if session == 6 {
            gateway.cancel(&lost);
            break;
        }
        // Lost with and without a close frame; the ledger sees to it that no frame of the lost job ever
        // arrives on a later session.
        if session % 2 == 0 {
            gateway.connection().close(1012, "restart");
        } else {
            gateway.connection().cut();
        }
        gateway.wait_closed(connection, Duration::from_secs(5));
        assert_eq!(lost.wait().terminal, Terminal::Disconnected);
    }
    runner.wait_stdout_times("  → connected, awaiting jobs\n", 6, RETRY);
    let printed = runner.stdout();
    assert!(
        printed.contains("  ⚠ disconnected: close 1006\n"),
        "{printed}"
    );
    assert!(
        printed.contains("  ⚠ disconnected: 1012 restart\n"),
        "{printed}"
    );
}

#[test]
fn rejected_credentials_are_said_and_retried() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let gateway = Gateway::with(Options {
        admit: Box::new(|upgrade| match upgrade.number {
            1 => Admission::Close(4401, "bad token"),
            _ => Admission::Accept,
        }),
        ..Options::default()
    });
    let runner = runner!(gateway).start();
    runner.wait_stdout(
        "  ⚠ disconnected: 4401 bad token\n",
        Duration::from_secs(10),
    );
    // The back-off begins at its cap of 30 seconds; with full jitter the retry comes any time within.
    gateway.wait("second upgrade", Duration::from_secs(35), |state| {
        state.upgrades.get(1).cloned()
    });
    runner.wait_stdout("  → connected, awaiting jobs\n", Duration::from_secs(5));
}

#[test]
fn a_refused_upgrade_names_its_own_pause() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::with(Options {
        admit: Box::new(|upgrade| match upgrade.number {
            1 => Admission::Refuse(503, vec![("retry-after", "3".to_owned())]),
            _ => Admission::Accept,
        }),
        ..Options::default()
    });
    let runner = runner!(gateway).start();
    gateway.wait_hello(1, Duration::from_secs(15));
    let at = gateway.state().upgraded_at.clone();
    assert!(
        at[1] - at[0] >= Duration::from_millis(2900),
        "came back after {:?}",
        at[1] - at[0]
    );
    assert!(runner.is_running());
}

#[test]
fn waits_for_a_gateway_that_is_not_there_yet() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let port = runner_testkit::network::closed_port();
    let url = format!("ws://127.0.0.1:{port}/connect");
    let runner =
        runner_testkit::RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), &url).start();
    runner.wait_stdout("  ⚠ disconnected: ", Duration::from_secs(10));
    let gateway = Gateway::with(Options {
        port,
        ..Options::default()
    });
    gateway.wait_hello(1, RETRY);
}
