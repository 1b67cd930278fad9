//! The gateway dies and comes back, fifty times, under load.
//!
//! Not fifty times under one runner: sessions of less than a minute leave the back-off where it is, so after five
//! of them a pause is drawn from half a minute, and fifty would take twelve minutes. What could pile up from session
//! to session is counted in each runner here, and over the sessions of one runner by `scripts/soak.sh`.

use std::thread;
use std::time::Duration;

use runner_testkit::databases::{Database, SqliteDatabase};
use runner_testkit::{Gateway, Options, RunnerBuilder, Terminal, watchdog};
use serde_json::{Value, json};

const RUNNERS: usize = 13;
/// Of each runner's gateway.
const RESTARTS: usize = 4;

/// A gateway on the port of one that was killed.
fn gateway_on(port: u16) -> Gateway {
    Gateway::with(Options {
        port,
        ..Options::default()
    })
}

fn keeps_up(source: &Value) -> (usize, usize) {
    let mut gateway = Gateway::start();
    let port = gateway.port();
    let url = format!("ws://127.0.0.1:{port}/connect");
    let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), &url).start();
    let (mut answered, mut lost) = (0, 0);
    for restart in 0..=RESTARTS {
        runner.wait_stdout_times(
            "  → connected, awaiting jobs\n",
            restart + 1,
            Duration::from_secs(60),
        );
        let mut jobs: Vec<_> = (0..40)
            .map(|number| {
                let target = if number % 10 == 0 {
                    "endless"
                } else {
                    "people"
                };
                gateway.dispatch_with(source, "batchRead", target, json!({}), 2_000, false)
            })
            .collect();
        if restart < RESTARTS {
            // Some have been answered by then, and some have not.
            jobs.swap_remove(1).wait().expect_done();
            answered += 1;
            gateway.stop();
        }
        for job in jobs {
            match job.wait().terminal {
                Terminal::Disconnected => lost += 1,
                Terminal::Done(_) => answered += 1,
                Terminal::Error { code, message } => {
                    assert_eq!(code, "DEADLINE_EXCEEDED", "{message}");
                    answered += 1;
                }
            }
        }
        if restart < RESTARTS {
            // The ledger of each life fails the test when a frame of another's job arrives.
            drop(gateway);
            gateway = gateway_on(port);
        }
    }
    assert!(runner.threads() < 40, "{} threads", runner.threads());
    assert!(
        runner.descriptors() < 40,
        "{} open files",
        runner.descriptors()
    );
    (answered, lost)
}

#[test]
fn fifty_times_in_all() {
    let _watchdog = watchdog(Duration::from_secs(240));
    let database = SqliteDatabase::create(
        "CREATE TABLE people (id INTEGER PRIMARY KEY); INSERT INTO people VALUES (1);
         CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
           SELECT count(*) AS i FROM n;",
    );
    let source = database.source();
    let totals = thread::scope(|scope| {
        let runs: Vec<_> = (0..RUNNERS)
            .map(|_| scope.spawn(|| keeps_up(&source)))
            .collect();
        runs.into_iter()
            .map(|run| run.join().expect("a runner that keeps up"))
            .fold((0, 0), |sum, run| (sum.0 + run.0, sum.1 + run.1))
    });
    println!(
        "{} restarts: {} jobs answered, {} lost with their gateway",
        RUNNERS * RESTARTS,
        totals.0,
        totals.1
    );
    assert_eq!(totals.0 + totals.1, RUNNERS * (RESTARTS + 1) * 40);
}
