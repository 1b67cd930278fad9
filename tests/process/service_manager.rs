//! What a service manager is told: that the runner has started, how its session is, that it lives, that it stops.

use std::time::Duration;

use runner_testkit::gateway::Options;
use runner_testkit::service_manager::Manager;
use runner_testkit::{Admission, Gateway, runner, watchdog};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn start_life_and_end_are_told() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let manager = Manager::new();
    let gateway = Gateway::start();
    let runner = runner!(gateway)
        .env("NOTIFY_SOCKET", manager.name())
        .env("WATCHDOG_USEC", "2000000")
        .env("SEMILAYER_HEARTBEAT_MS", "1500")
        .start();
    manager.wait("READY=1");
    manager.wait("STATUS=connected, awaiting jobs");
    assert!(manager.feedings(Duration::from_secs(4)) >= 3);
    // A gateway that does not answer is no reason to be restarted: the runner lives, and tries again.
    gateway.connection().stall(true);
    manager.wait("STATUS=disconnected: close 1006");
    manager.wait("STATUS=connected, awaiting jobs");
    assert!(manager.feedings(Duration::from_secs(3)) >= 2);
    runner.signal("TERM");
    manager.wait("STOPPING=1");
    assert!(runner.wait_exit(SOON).success());
}

#[test]
fn a_runner_that_is_refused_has_started_all_the_same() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let manager = Manager::new();
    let gateway = Gateway::with(Options {
        admit: Box::new(|_| Admission::Close(4401, "bad token")),
        ..Options::default()
    });
    let runner = runner!(gateway)
        .env("NOTIFY_SOCKET", manager.name())
        .env("WATCHDOG_USEC", "2000000")
        .start();
    // Whoever starts the unit does not wait for a gateway.
    manager.wait("READY=1");
    manager.wait("STATUS=disconnected: 4401 bad token");
    assert!(manager.feedings(Duration::from_secs(3)) >= 2);
    runner.signal("TERM");
    manager.wait("STOPPING=1");
    assert!(runner.wait_exit(SOON).success());
}

#[test]
fn without_a_watchdog_none_is_fed() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let manager = Manager::new();
    let gateway = Gateway::start();
    let _runner = runner!(gateway)
        .env("NOTIFY_SOCKET", manager.name())
        .env("SEMILAYER_HEARTBEAT_MS", "300")
        .start();
    manager.wait("READY=1");
    assert_eq!(manager.feedings(Duration::from_secs(2)), 0);
}
