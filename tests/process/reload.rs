//! What signals change while the runner runs, and that none of them ends it.

use std::time::Duration;

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::temp::TempDir;
use runner_testkit::{Gateway, runner, source, watchdog};
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);

#[test]
fn the_log_goes_up_and_down_by_signals() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::start();
    let runner = runner!(gateway).env("SEMILAYER_LOG", "warn").start();
    runner.wait_stdout("connected", SOON);
    runner.signal("USR1");
    runner.wait_stderr("the log now goes up to info", SOON);
    runner.signal("USR1");
    runner.wait_stderr("the log now goes up to debug", SOON);
    runner.signal("HUP");
    runner.wait_stderr("INFO  cli::reload: SIGHUP", SOON);
    runner.signal("USR2");
    // Two that wait at the same time are one.
    let until = std::time::Instant::now() + SOON;
    while runner.stderr().matches("goes up to info").count() < 2 {
        assert!(std::time::Instant::now() < until, "{}", runner.stderr());
        std::thread::sleep(Duration::from_millis(5));
    }
    runner.signal("USR2");
    runner.wait_stderr("the log now goes up to warn", SOON);
    runner.signal("HUP");
    gateway.send(&json!({ "type": "ping" }));
    gateway.wait("heartbeat", SOON, |state| state.heartbeats.first().cloned());
    assert!(runner.is_running());
    assert_eq!(
        runner.stderr().matches("SIGHUP").count(),
        1,
        "{}",
        runner.stderr()
    );
}

#[cfg(feature = "sqlite")]
#[test]
fn a_new_policy_is_obeyed_and_a_broken_one_is_not_taken() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let policy = |targets: &str| format!("{{\"sources\": {{\"db\": {{\"targets\": {targets}}}}}}}");
    let file = folder.write("policy.json", policy("{\"allow\": [\"people\"]}"));
    let database = SqliteDatabase::create("CREATE TABLE people (id INTEGER PRIMARY KEY);");
    let source = source::managed("db", "sqlite", json!({ "path": database.path() }));
    let gateway = Gateway::start();
    let runner = runner!(gateway)
        .env("SEMILAYER_POLICY", file.to_str().unwrap())
        .start();
    gateway.wait_hello(1, SOON);
    let count = || {
        gateway
            .dispatch(&source, "count", "people", json!({}))
            .wait()
    };
    assert_eq!(count().result("count"), Ok(json!(0)));
    folder.write("policy.json", policy("{\"allow\": [\"other\"]}"));
    assert_eq!(count().result("count"), Ok(json!(0)));
    runner.signal("HUP");
    runner.wait_stderr("the policy is read again", SOON);
    count().expect_error("POLICY_DENIED");
    folder.write("policy.json", "{ broken");
    runner.signal("HUP");
    runner.wait_stderr(
        "the policy stays as it was: SEMILAYER_POLICY is not usable",
        SOON,
    );
    count().expect_error("POLICY_DENIED");
    folder.write("policy.json", policy("{\"allow\": [\"people\"]}"));
    runner.signal("HUP");
    let again = "the policy is read again";
    let until = std::time::Instant::now() + SOON;
    while runner.stderr().matches(again).count() < 2 {
        assert!(std::time::Instant::now() < until, "{}", runner.stderr());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(count().result("count"), Ok(json!(0)));
}
