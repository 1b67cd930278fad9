//! Measures of PostgreSQL's intervals. An interval is no number, so what a number is made of is null, as the official
//! bridge has it; what is a row's own value is shown.

use runner_testkit::databases::{Database, PostgresDatabase};
use runner_testkit::session;
use serde_json::json;

#[test]
fn sums_averages_and_percentiles_of_intervals_are_null() {
    let Some(database) = PostgresDatabase::with(
        "CREATE TABLE waits (id integer PRIMARY KEY, took interval, seconds float8);
         INSERT INTO waits SELECT n, n * interval '1 minute', n * 60 FROM generate_series(1, 5) n",
    ) else {
        return;
    };
    let session = session!();
    let of = |column: &str| {
        let measures = json!({
            "sum": { "agg": "sum", "column": column },
            "avg": { "agg": "avg", "column": column },
            "median": { "agg": "percentile", "column": column, "p": 0.5 },
            "most": { "agg": "percentile", "column": column, "p": 1 },
        });
        let options = json!({ "measures": measures });
        let answer = session.ask(&database.source(), "aggregate", "waits", options);
        answer.expect_done();
        answer.chunks[0]["agg"][0]["measures"].clone()
    };
    assert_eq!(
        of("took"),
        json!({ "sum": null, "avg": null, "median": null, "most": null })
    );
    assert_eq!(
        of("seconds"),
        json!({ "sum": 900, "avg": 180, "median": 180, "most": 300 })
    );
}
