//! What hostile databases leave behind in connections that nobody uses.

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::fakes::villains;
use runner_testkit::source;
use serde_json::json;

use crate::scene::{SOON, Scene};

/// Sources at one server.
const SOURCES: usize = 12;
/// Connections that each has.
const CONNECTIONS: usize = 8;

/// Every connection that sources may have is opened, and is told what the villain says to each of several statements.
fn endure(name: &str) {
    let scene = Scene::new();
    let villain = villains().into_iter().find(|one| one.name == name);
    let villain = villain.expect("a villain of that name");
    for n in 0..SOURCES {
        let source = villain.source(&format!("hostile-{n}"), CONNECTIONS);
        for round in 0..3 {
            let jobs = (0..CONNECTIONS).map(|job| {
                let target = format!("t{round}_{job}");
                scene
                    .gateway
                    .dispatch(&source, "query", &target, json!({ "limit": 5 }))
            });
            let jobs: Vec<_> = jobs.collect();
            for job in jobs {
                job.wait_for(3 * SOON);
            }
        }
    }
    scene.expect_healthy();
    scene.expect_small();
}

#[test]
fn descriptions_of_prepared_statements() {
    endure("mysql, at every statement: columns of a quarter megabyte");
}

#[test]
fn buffers_that_rows_have_filled() {
    endure("mysql, at every statement: rows of half a megabyte");
    endure("postgres, at every statement: rows of half a megabyte");
    endure("mongodb, at every command: a document of half a megabyte");
}

/// A table of 10 MB of definition, which every connection would keep in parts.
#[test]
fn a_file_with_a_table_of_long_names() {
    let scene = Scene::new();
    let column = |n: usize| format!("\"{n:0>width$}\"", width = 15_000);
    let columns: Vec<_> = (0..700).map(column).collect();
    let database = SqliteDatabase::create(&format!("CREATE TABLE t ({})", columns.join(",")));
    let config = json!({ "path": database.path(), "pool": { "max": 15 } });
    let source = source::managed("hostile", "sqlite", config);
    for kind in ["batchRead", "introspectTarget"] {
        let jobs = (0..16).map(|_| scene.gateway.dispatch(&source, kind, "t", json!({})));
        let jobs: Vec<_> = jobs.collect();
        for job in jobs {
            job.wait_for(3 * SOON).expect_error("QUERY_FAILED");
        }
    }
    scene.expect_healthy();
    scene.expect_small();
}
