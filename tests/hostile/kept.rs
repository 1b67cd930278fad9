//! What connections to honest databases keep of heavy statements, once these are answered.

use std::time::Duration;

use runner_testkit::databases::{Database, MysqlDatabase, PostgresDatabase, SqliteDatabase};
use runner_testkit::{source, watchdog};
use serde_json::{Value, json};

use crate::scene::{Scene, outcome};

const LONG: Duration = Duration::from_secs(60);
/// Most that may stay, in bytes: the parser's and the allocator's own, and a little a connection.
const KEPT: u64 = 25_000_000;

/// Asks one after the other, so that nothing but what is kept adds up.
#[track_caller]
fn endure(source: &Value, target: &str, options: impl Fn(usize) -> Value) {
    let scene = Scene::new();
    let before = scene.runner.rss();
    for n in 0..34 {
        let job = scene
            .gateway
            .dispatch_with(source, "query", target, options(n), 30_000, true);
        println!("{}", outcome(&job.wait_for(LONG)));
    }
    scene.expect_healthy();
    let after = scene.runner.rss();
    println!("{} MB, then {} MB", before / 1_000_000, after / 1_000_000);
    assert!(after < before + KEPT, "{before} bytes, then {after}");
    scene.expect_small();
}

/// A look-up by key whose statement is another one each time, and as long as it may be.
fn long_look_up(n: usize) -> Value {
    let column = "c".repeat(60);
    let conditions: Vec<_> = (0..9_000).map(|m| json!({ column.as_str(): m })).collect();
    // So that no two statements are the same.
    let more = vec![json!({ "id": 1 }); n + 1];
    json!({ "where": { "id": 1, "$or": conditions, "$and": more } })
}

fn table(name: &str) -> String {
    let column = "c".repeat(60);
    format!("CREATE TABLE {name} (id INT PRIMARY KEY, name TEXT, {column} INT)")
}

#[test]
fn statements_of_postgres() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let Some(database) = PostgresDatabase::with(&table("t")) else {
        return;
    };
    endure(&database.source(), "t", long_look_up);
}

#[test]
fn statements_of_mariadb() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let Some(database) = MysqlDatabase::mariadb(&table("{}t")) else {
        return;
    };
    endure(&database.source(), &database.target("t"), long_look_up);
}

#[test]
fn statements_of_sqlite() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let database = SqliteDatabase::create(&table("t"));
    let source = source::managed("kept", "sqlite", json!({ "path": database.path() }));
    endure(&source, "t", long_look_up);
}

/// Every connection of a pool carries one.
#[test]
fn parameters_of_postgres() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let Some(database) = PostgresDatabase::with(&table("t")) else {
        return;
    };
    let scene = Scene::new();
    let before = scene.runner.rss();
    let source = |n: usize| {
        let mut source = database.source();
        source["id"] = format!("kept-{n}").into();
        source["config"]["pool"] = json!({ "max": 1 });
        source
    };
    let value = "x".repeat(8 << 20);
    for n in 0..12 {
        let options = json!({ "where": { "name": value } });
        let job = scene
            .gateway
            .dispatch_with(&source(n), "query", "t", options, 30_000, true);
        println!("{}", outcome(&job.wait_for(LONG)));
    }
    let after = scene.runner.rss();
    println!("{} MB, then {} MB", before / 1_000_000, after / 1_000_000);
    assert!(after < before + KEPT, "{before} bytes, then {after}");
}
