//! Files that a configuration names and that never end, never begin, or are nobody's business.

use std::process::Command;
use std::time::Duration;

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::temp::TempDir;
use runner_testkit::{source, watchdog};
use serde_json::{Value, json};

use crate::scene::{SOON, Scene};

fn managed(bridge: &str, config: Value) -> Value {
    source::managed("hostile", bridge, config)
}

/// A job on this source fails at once.
#[track_caller]
fn refused(scene: &Scene, source: &Value) -> String {
    let answer = scene
        .gateway
        .dispatch(source, "batchRead", "t", json!({}))
        .wait_for(SOON);
    let message = answer.expect_error("SOURCE_CONFIG").to_owned();
    assert!(
        answer.elapsed < Duration::from_secs(2),
        "{message}: {:?}",
        answer.elapsed
    );
    message
}

#[test]
fn endless_and_silent_files() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let folder = TempDir::new();
    let fifo = folder.path().join("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let fifo = fifo.to_str().unwrap().to_owned();
    let scene = Scene::new();
    for file in [
        "/dev/zero",
        "/proc/self/fd/1",
        "/",
        fifo.as_str(),
        "/nonexistent",
    ] {
        for (bridge, url) in [
            (
                "postgres",
                format!("postgres://u:p@127.0.0.1:1/d?sslmode=verify-full&sslrootcert={file}"),
            ),
            (
                "postgres",
                format!(
                    "postgres://u:p@127.0.0.1:1/d?sslmode=require&sslcert={file}&sslkey={file}"
                ),
            ),
            (
                "mysql",
                format!("mysql://u:p@127.0.0.1:1/d?sslmode=required&sslca={file}"),
            ),
            (
                "mysql",
                format!("mysql://u:p@127.0.0.1:1/d?ssl=true&sslcert={file}&sslkey={file}"),
            ),
            (
                "mongodb",
                format!("mongodb://u:p@127.0.0.1:1/d?tls=true&tlsCAFile={file}"),
            ),
            (
                "mongodb",
                format!("mongodb://u:p@127.0.0.1:1/d?tls=true&tlsCertificateKeyFile={file}"),
            ),
        ] {
            for _ in 0..4 {
                let source = managed(bridge, json!({ "url": url }));
                let message = refused(&scene, &source);
                assert!(!message.contains(file) || file == "/", "{message}");
                assert!(!message.contains("No such file"), "{message}");
            }
        }
        if file != "/nonexistent" {
            let source = managed("sqlite", json!({ "path": file }));
            refused(&scene, &source);
        }
    }
    scene.expect_healthy();
    scene.expect_small();
}

/// What the operator names is read as carefully: nothing waits, nothing grows.
#[test]
fn the_operators_own_files() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let folder = TempDir::new();
    let fifo = folder.path().join("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let fifo = fifo.to_str().unwrap().to_owned();
    let gateway = runner_testkit::Gateway::start();
    for file in ["/dev/zero", "/", fifo.as_str()] {
        for (command, variable, code) in [
            (&["start"][..], "SEMILAYER_POLICY", Some(2)),
            (&["start"], "SEMILAYER_RUNNER_TOKEN_FILE", Some(2)),
            (&["status"], "SEMILAYER_RUNNER_TOKEN_FILE", None),
            (&["status"], "NODE_EXTRA_CA_CERTS", None),
            (&["status"], "SSL_CERT_FILE", None),
            (&["doctor"], "SEMILAYER_AUDIT_LOG", None),
            (&["doctor"], "SEMILAYER_POLICY", None),
            (&["test-source"], "SEMILAYER_SOURCE_A_URL_FILE", Some(1)),
            (&["test-source"], "SEMILAYER_SOURCE_A_PATH", Some(1)),
        ] {
            let mut runner = runner_testkit::runner!(gateway).args(command);
            if variable.starts_with("SEMILAYER_RUNNER_TOKEN") {
                runner = runner.env_remove("SEMILAYER_RUNNER_TOKEN");
            }
            let runner = runner.env(variable, file).start();
            let ended = runner.wait_exit(SOON);
            let told = format!("{}{}", runner.stdout(), runner.stderr());
            if let Some(code) = code {
                assert_eq!(
                    ended.code(),
                    Some(code),
                    "{command:?} {variable}={file}: {told}"
                );
            }
            let audit_of_endless = variable == "SEMILAYER_AUDIT_LOG" && file == "/dev/zero";
            let named = told.contains(variable) || told.contains(file) || code == Some(1);
            assert!(
                named || audit_of_endless,
                "{command:?} {variable}={file}: {told}"
            );
        }
    }
}

#[test]
fn files_are_confined_where_the_operator_says_so() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let database = SqliteDatabase::create("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let inside = database
        .path()
        .parent()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let outside = folder.write("outside.db", "");
    let link = database.path().with_extension("link");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    let source = |path: &std::path::Path| source::managed("db", "sqlite", json!({ "path": path }));
    // The scene asks a database of its own first; it lies in the same folder of the system.
    let scene = Scene::with(|runner| {
        runner.env(
            "SEMILAYER_ALLOW_FILES",
            std::env::temp_dir().to_str().unwrap(),
        )
    });
    drop(scene);
    let gateway = runner_testkit::Gateway::start();
    let _runner = runner_testkit::runner!(gateway)
        .env("SEMILAYER_ALLOW_FILES", &inside)
        .start();
    gateway.wait_hello(1, SOON);
    let ask = |path: &std::path::Path| {
        gateway
            .dispatch(&source(path), "count", "t", json!({}))
            .wait()
    };
    if std::env::temp_dir().to_str() != Some(inside.as_str()) {
        ask(&outside).expect_error("SOURCE_CONFIG");
        ask(&link).expect_error("SOURCE_CONFIG");
    }
    ask(std::path::Path::new("/etc/passwd")).expect_error("SOURCE_CONFIG");
    ask(&database.path()).expect_done();
}
