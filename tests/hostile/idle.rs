//! What hostile databases leave behind in connections that nobody uses.

use runner_testkit::fakes::villains;
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
