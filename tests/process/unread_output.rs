//! A standard output that is closed, or a pipe that nobody reads, must not matter to any job.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use runner_testkit::{Gateway, RUNNER_ID, TOKEN, source, watchdog};
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);

/// Ends a child when its test fails.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Twice as many lines as a pipe holds, on both streams.
fn talk_a_lot(gateway: &Gateway) {
    let source = source::managed("s", "no-such-bridge", json!({}));
    for _ in 0..100 {
        let jobs: Vec<_> = (0..50)
            .map(|_| {
                gateway.connection().text("no frame".to_owned());
                gateway.dispatch(&source, "count", "people", json!({}))
            })
            .collect();
        for job in jobs {
            job.wait_for(SOON).expect_error("UNKNOWN_BRIDGE");
        }
    }
}

fn runner(gateway: &Gateway) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .env_clear()
        .env("RUNNER", env!("CARGO_BIN_EXE_semilayer-runner"))
        .env("SEMILAYER_RUNNER_ID", RUNNER_ID)
        .env("SEMILAYER_RUNNER_TOKEN", TOKEN)
        .env("SEMILAYER_GATEWAY_URL", gateway.url())
        .stdin(Stdio::null());
    command
}

#[test]
fn a_pipe_that_is_not_read_stalls_nothing() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let gateway = Gateway::start();
    let child = runner(&gateway)
        .args(["-c", "exec \"$RUNNER\" start"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let _child = Ended(child.unwrap());
    gateway.wait_hello(1, SOON);
    talk_a_lot(&gateway);
}

#[test]
fn closed_streams_are_no_error() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let gateway = Gateway::start();
    let child = runner(&gateway)
        .args(["-c", "exec \"$RUNNER\" start >&- 2>&-"])
        .spawn();
    let _child = Ended(child.unwrap());
    gateway.wait_hello(1, SOON);
    talk_a_lot(&gateway);
    // A pipe whose reader has gone away is another error than no stream at all.
    let mut child = runner(&gateway)
        .args(["-c", "exec \"$RUNNER\" start"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    let _child = Ended(child);
    gateway.wait_hello(2, SOON);
    talk_a_lot(&gateway);
}

/// A disk that is full takes no log, and that is all.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_costs_the_log_only() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let full = || {
        Stdio::from(
            std::fs::File::options()
                .write(true)
                .open("/dev/full")
                .unwrap(),
        )
    };
    let gateway = Gateway::start();
    let mut start = runner(&gateway);
    start.args(["-c", "exec \"$RUNNER\" start"]);
    let mut child = Ended(start.stdout(full()).stderr(full()).spawn().unwrap());
    gateway.wait_hello(1, SOON);
    talk_a_lot(&gateway);
    gateway.connection().cut();
    gateway.wait_hello(2, SOON);
    talk_a_lot(&gateway);
    assert!(child.0.try_wait().unwrap().is_none(), "it has stopped");
}
