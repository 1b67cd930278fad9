//! MongoDB: against a bare loop over the wire. It has no client to measure with.

use runner_testkit::databases::{self, Database as _, MongodbDatabase};
use serde_json::json;

use super::{Bench, Notes, Row, bulk, lookups};
use crate::database::{Engine, Source};
use crate::tables::{self, Tables};

const GROUP: &str = "MongoDB";

/// Measures it on collections of its own.
pub fn measure(bench: &Bench, server: &str, notes: &mut Notes) -> Vec<Row> {
    super::progress(GROUP);
    let database = MongodbDatabase::on(server);
    let tables = Tables::of(&database.target(""), "_id", 200_000);
    let text = |words: &[&str]| {
        json!({ "$concat": words.iter().map(|word| match *word {
        "$i" => json!({ "$toString": "$i" }),
        word => json!(word),
    }).collect::<Vec<_>>() })
    };
    database.generate(
        "bench_points",
        tables.bulk,
        json!({
            "owner": text(&["Person number ", "$i"]),
            "balance": { "$mod": [{ "$multiply": ["$i", 7] }, 10_007] },
            "note": "a note of some length about this account",
        }),
    );
    database.generate(
        "bench_rows",
        tables.bulk,
        json!({
            "name": text(&["Person number ", "$i"]),
            "email": text(&["person", "$i", "@example.com"]),
            "amount": { "$divide": [{ "$mod": [{ "$multiply": ["$i", 7] }, 100_003] }, 100] },
            "ratio": { "$divide": ["$i", 7] },
            "active": { "$eq": [{ "$mod": ["$i", 2] }, 1] },
            "created_at": { "$add": [{ "$toDate": "2024-01-01T00:00:00Z" }, { "$multiply": ["$i", 7000] }] },
            "note": { "$cond": [{ "$eq": [{ "$mod": ["$i", 10] }, 0] }, null, tables::NOTE] },
        }),
    );
    let url = databases::with_database(&database.url, "workload");
    let source = Source::of(Engine::Mongodb, &url);
    let mut rows = lookups::measure(bench, GROUP, &source, &tables, notes);
    rows.extend(bulk::measure(bench, GROUP, &source, &tables, None, notes));
    rows
}
