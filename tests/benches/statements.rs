//! Options of a job, and the SQL that they become.

use std::hint::black_box;

use criterion::Criterion;
use semilayer_runner::bridges::{self, writers};
use semilayer_runner::options::{JobKind, QueryOptions, Request};
use semilayer_runner::sql::{Dialect, Selection};
use serde_json::{Value, json};

pub fn bench(criterion: &mut Criterion) {
    let point = json!({ "where": { "id": 123_456 } });
    let search = json!({
        "where": {
            "$or": [
                { "age": { "$gt": 30, "$lte": 60 }, "name": { "$startsWith": "Per" } },
                { "id": { "$in": [1, 2, 3, 4, 5, 6, 7, 8] } },
                { "$not": { "city": null } },
            ],
        },
        "orderBy": [{ "field": "age", "dir": "desc" }, { "field": "id" }],
        "limit": 50,
        "offset": 100,
        "select": ["id", "name", "age"],
    });
    let mut group = criterion.benchmark_group("statement");
    for (name, options) in [("point", point), ("search", search)] {
        group.bench_function(format!("{name}, options"), |bencher| {
            bencher.iter(|| parse(black_box(&options)));
        });
        let options = parse(&options);
        for (engine, dialect) in [
            ("postgres", writers::postgres_dialect()),
            ("mysql", writers::mysql_dialect()),
        ] {
            group.bench_function(format!("{name}, {engine}"), |bencher| {
                bencher.iter(|| statement(dialect, black_box(&options)));
            });
        }
    }
    group.finish();
}

fn parse(options: &Value) -> QueryOptions {
    let package = bridges::packages().next().unwrap();
    match Request::parse(JobKind::Query, "people", options, &package.options).unwrap() {
        Request::Query(options) => options,
        other => panic!("{other:?} is no query"),
    }
}

fn statement(dialect: &dyn Dialect, options: &QueryOptions) -> String {
    let selection = Selection {
        dialect,
        select: "t.id, t.name, t.age",
        from: "people",
        filter: &options.filter,
        order: &options.order,
        limit: options.limit,
        offset: options.offset,
    };
    selection.statement().unwrap().sql
}
