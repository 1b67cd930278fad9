//! Rows of many megabytes: they pass up to the limit, one after the other, and fail beyond it.

use std::io::Write;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use runner_testkit::databases::{MysqlDatabase, PostgresDatabase, SqliteDatabase};
use runner_testkit::fakes::{Server, stay_silent};
use runner_testkit::{Terminal, source, watchdog};
use serde_json::{Value, json};

use crate::scene::{Scene, at};

const LONG: Duration = Duration::from_secs(130);

/// Six jobs at a time, each with a row of many megabytes; as many again would take as long again, and no more memory.
/// Two are enough to fail.
#[track_caller]
fn ask(scene: &Scene, source: &Value, target: &str, passes: bool) {
    let jobs: Vec<_> = (0..if passes { 6 } else { 2 })
        .map(|_| {
            scene
                .gateway
                .dispatch_with(source, "batchRead", target, json!({}), 120_000, true)
        })
        .collect();
    // Nobody else is asked meanwhile: a frame of thirty megabytes takes its time on any link.
    for job in jobs {
        let answer = job.wait_for(LONG);
        match answer.terminal {
            Terminal::Done(_) if passes => {}
            Terminal::Error { code, message } if !passes => {
                assert_eq!(code, "QUERY_FAILED", "{message}");
                assert!(
                    message.contains("row") && message.contains("33554432"),
                    "{message}"
                );
            }
            other => panic!("{target}: {other:?}"),
        }
    }
    scene.expect_small();
}

#[test]
fn sqlite() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let database = SqliteDatabase::create(
        "CREATE VIEW large AS SELECT hex(zeroblob(14000000)) AS x;
         CREATE VIEW too_large AS SELECT hex(zeroblob(400000000)) AS x;
         CREATE VIEW a_bit_too_large AS SELECT hex(zeroblob(17000000)) AS x;
         CREATE VIEW many_blobs AS SELECT zeroblob(9000000) AS x, zeroblob(9000000) AS y;",
    );
    let config = json!({ "path": database.path(), "pool": { "max": 15 } });
    let source = source::managed("hostile", "sqlite", config);
    let scene = Scene::new();
    ask(&scene, &source, "large", true);
    for target in ["too_large", "a_bit_too_large", "many_blobs"] {
        ask(&scene, &source, target, false);
    }
}

/// However long it takes to send what others hold: want of memory beside them says nothing of a row.
#[test]
fn sqlite_over_a_slow_link() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let database =
        SqliteDatabase::create("CREATE VIEW large AS SELECT hex(zeroblob(14000000)) AS x;");
    let config = json!({ "path": database.path(), "pool": { "max": 15 } });
    let source = source::managed("hostile", "sqlite", config);
    let scene = Scene::new();
    let gateway = &scene.gateway;
    gateway.connection().stall(true);
    let jobs: Vec<_> = (0..15)
        .map(|_| gateway.dispatch_with(&source, "batchRead", "large", json!({}), 120_000, true))
        .collect();
    thread::sleep(Duration::from_secs(6));
    gateway.connection().stall(false);
    for job in jobs {
        job.wait_for(LONG).expect_done();
    }
    scene.expect_small();
}

#[test]
fn postgres() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let Some(database) = PostgresDatabase::with(
        "CREATE VIEW large AS SELECT repeat('x', 30000000) AS x;
         CREATE VIEW large_blob AS SELECT decode(repeat('41', 8000000), 'hex') AS x;
         CREATE VIEW too_large AS SELECT repeat('x', 50000000) AS x;
         CREATE VIEW escapes AS SELECT repeat(E'\\x01', 10000000) AS x;
         CREATE VIEW digits AS SELECT array_fill(('1e' || 100000)::numeric, ARRAY[1000]) AS x;
         CREATE VIEW bits AS SELECT repeat('1', 40000000)::varbit AS x;
         CREATE VIEW blobs AS SELECT array_agg(''::bytea) AS x FROM generate_series(1, 2000000);",
    ) else {
        return;
    };
    let source = at("postgres", &database.url, 15);
    let scene = Scene::new();
    for target in ["large", "large_blob"] {
        ask(&scene, &source, target, true);
    }
    for target in ["too_large", "escapes", "digits", "bits", "blobs"] {
        ask(&scene, &source, target, false);
    }
}

#[test]
fn mysql() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let views =
        "CREATE VIEW {}large AS SELECT repeat('x', 15000000) AS x, repeat('y', 14000000) AS y;
         CREATE VIEW {}too_large AS SELECT repeat('x', 15000000) AS a, repeat('x', 15000000) AS b,
            repeat('x', 15000000) AS c;
         CREATE VIEW {}escapes AS SELECT repeat(convert(char(1) USING utf8mb4), 10000000) AS x";
    for database in [MysqlDatabase::mariadb(views), MysqlDatabase::mysql9(views)]
        .into_iter()
        .flatten()
    {
        let source = at("mysql", &database.url, 15);
        let scene = Scene::new();
        ask(&scene, &source, &database.target("large"), true);
        for target in ["too_large", "escapes"] {
            ask(&scene, &source, &database.target(target), false);
        }
    }
}

/// What is looked up is no row, but may be as long: sixteen jobs wait for the end of theirs.
#[test]
fn answers_of_turso() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let server = Server::start(Arc::new(|mut client| {
        let length = 11_000_000;
        client
            .write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").as_bytes())?;
        client.write_all(&vec![b' '; length - 1])?;
        stay_silent(&client)
    }));
    let source = at("turso", &format!("http://{}", server.address), 15);
    let scene = Scene::new();
    let gateway = &scene.gateway;
    let jobs: Vec<_> = (0..16)
        .map(|_| gateway.dispatch_with(&source, "listTargets", "t", json!({}), 5_000, true))
        .collect();
    scene.expect_answers(&jobs, LONG);
    // Two of them, and all that a process takes.
    let peak = scene.runner.peak_rss();
    assert!(peak < 60_000_000, "{peak} bytes of RSS");
}
