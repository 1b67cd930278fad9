//! What a service manager is told: that the runner is up, that the gateway answers, that it stops.

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
        .env("WATCHDOG_USEC", "5000000")
        .env("SEMILAYER_HEARTBEAT_MS", "1500")
        .start();
    manager.wait("READY=1");
    assert!(manager.feedings(Duration::from_secs(4)) >= 2);
    // A gateway that does not answer: the runner lives, tries again, and is not reported as alive.
    gateway.connection().stall(true);
    manager.wait("STATUS=disconnected: close 1006");
    manager.wait("READY=1");
    runner.signal("TERM");
    manager.wait("STOPPING=1");
    assert!(runner.wait_exit(SOON).success());
}

#[test]
fn nobody_is_fed_by_a_gateway_that_is_silent_or_refuses() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let manager = Manager::new();
    let gateway = Gateway::with(Options {
        admit: Box::new(|_| Admission::Close(4401, "bad token")),
        ..Options::default()
    });
    let runner = runner!(gateway)
        .env("NOTIFY_SOCKET", manager.name())
        .env("WATCHDOG_USEC", "5000000")
        .start();
    manager.wait("STATUS=disconnected: 4401 bad token");
    assert_eq!(manager.feedings(Duration::from_secs(2)), 0);
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
