//! The load generator measures a real runner. What it measures is not judged here.

use std::process::Command;
use std::time::Duration;

use runner_testkit::temp::TempDir;
use runner_testkit::watchdog;
use serde_json::Value;

fn load(arguments: &[&str]) -> Option<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_load"))
        .args(arguments)
        .output()
        .expect("the load generator");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).ok()
}

#[test]
fn every_measure_has_its_figures() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Ok(runner) = std::env::var("TEST_RELEASE_RUNNER") else {
        println!("skipped: TEST_RELEASE_RUNNER is not set (scripts/test.sh sets it)");
        return;
    };
    let folder = TempDir::new();
    let file = folder.path().join("load.sqlite");
    let source = [
        "--source",
        &file.to_string_lossy(),
        "--rows",
        "50000",
        "--seconds",
        "0.2",
    ]
    .map(str::to_owned);
    let measure = |name: &str| {
        let mut words = vec![name, "--runner", &runner];
        words.extend(source.iter().map(String::as_str));
        load(&words)
    };
    assert_eq!(measure("prepare"), None);
    for (name, figure) in [
        ("point", "jobsPerSecond"),
        ("bulk", "rowsPerSecond"),
        ("walk", "latePageMs"),
        ("aggregate", "seconds"),
        ("idle", "rssMb"),
        ("bare-point", "perSecond"),
        ("bare-bulk", "cpuMicros"),
    ] {
        let line = measure(name).unwrap_or_else(|| panic!("{name} said nothing"));
        let value = line[figure].as_f64();
        assert!(value.is_some_and(|value| value > 0.0), "{name}: {line}");
    }
    let walk = measure("walk").expect("a walk");
    assert_eq!(
        (&walk["rows"], &walk["pages"]),
        (&50_000.into(), &50.into())
    );
}

#[test]
fn mistakes_are_told() {
    for words in [
        &["point"][..],
        &["point", "--source", "x://y", "--runner", "r"],
        &["--odd"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_load"))
            .args(words)
            .output();
        let output = output.expect("the load generator");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(output.stderr.starts_with(b"error: "), "{words:?}");
    }
}
