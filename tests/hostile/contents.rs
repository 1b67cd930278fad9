//! Answers in the right form whose contents are absurd, to as many jobs of one kind as there are workers.

use std::time::Duration;

use runner_testkit::fakes::villains;
use runner_testkit::watchdog;
use serde_json::json;

use crate::scene::Scene;

/// What is named so, and the kind of job that it is worst for.
const WORST: [(&str, &str); 10] = [
    (
        "turso, in the right form: as many values as columns",
        "batchRead",
    ),
    ("turso, in the right form: a text that is none", "batchRead"),
    ("d1, in the right form: values without number", "count"),
    ("d1, in the right form: as many values as columns", "count"),
    (
        "clickhouse, in the right form: a type of commas",
        "introspectTarget",
    ),
    (
        "clickhouse, in the right form: a short sorting key of commas",
        "read",
    ),
    (
        "clickhouse, in the right form: a name of a column of megabytes",
        "introspectTarget",
    ),
    (
        "clickhouse, in the right form: rows of members without number",
        "aggregate",
    ),
    ("upstash, in the right form: keys without number", "count"),
    (
        "upstash, in the right form: members without number",
        "batchRead",
    ),
];

const DEADLINE: u64 = 10_000;

#[test]
fn nobody_holds_what_nobody_needs() {
    let _watchdog = watchdog(Duration::from_secs(400));
    let villains = villains();
    for (name, kind) in WORST {
        let villain = villains.iter().find(|villain| villain.name == name);
        let source = villain.expect(name).source("hostile", 15);
        let mut scene = Scene::new();
        // As many workers as jobs; the machine is busy with what they are sent.
        scene.patience = Duration::from_secs(5);
        let options = match kind {
            "aggregate" => {
                json!({ "dimensions": [{ "field": "id" }], "measures": { "n": { "agg": "count" } } })
            }
            _ => json!({}),
        };
        let ask = |_| {
            let gateway = &scene.gateway;
            gateway.dispatch_with(&source, kind, "t", options.clone(), DEADLINE, true)
        };
        let jobs: Vec<_> = (0..16).map(ask).collect();
        for job in jobs {
            job.wait_for(Duration::from_secs(40));
        }
        println!("{name}, {kind}");
        scene.expect_small();
    }
}
