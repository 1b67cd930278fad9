use super::{MYSQL, POSTGRES, SQLITE};
use crate::job::NameRules;
use crate::options::{AggregateOptions, JobKind, RULES};
use crate::sql::{Aggregation, ColumnFacts, Dialect, Statement, Table};
use serde_json::{Value, json};

use crate::options::Request;

/// Nothing is known of any column but two, and that `tier` is the joined table's.
fn table(name: &str, columns: &[(&str, ColumnFacts)]) -> Table {
    let columns = columns
        .iter()
        .map(|(name, facts)| (name.to_string(), *facts));
    Table {
        name: name.to_owned(),
        columns: Some(columns.collect()),
        others: ColumnFacts::default(),
        key: vec!["t.id".to_owned()],
    }
}

fn sales() -> Table {
    let at = ColumnFacts {
        utc: " AT TIME ZONE 'UTC'",
        ..ColumnFacts::default()
    };
    let mood = ColumnFacts {
        shown: "::text",
        carried: ("::text", ""),
        ..ColumnFacts::default()
    };
    let plain = ColumnFacts::default();
    table("sales", &[("at", at), ("mood", mood), ("region", plain)])
}

fn parse(options: Value) -> AggregateOptions {
    match Request::parse(JobKind::Aggregate, "sales", &options, &RULES).unwrap() {
        Request::Aggregate(options) => *options,
        _ => panic!("not an aggregate"),
    }
}

fn with<T>(dialect: &dyn Dialect, options: Value, work: impl FnOnce(Aggregation<'_>) -> T) -> T {
    let options = parse(options);
    let clients = [table("clients", &[("tier", ColumnFacts::default())])];
    work(Aggregation {
        dialect,
        options: &options,
        table: &sales(),
        joins: &clients[..options.joins.len()],
        names: &NameRules::EXACT,
    })
}

fn buckets(dialect: &dyn Dialect, options: Value) -> Statement {
    with(dialect, options, |aggregation| {
        aggregation.buckets().unwrap()
    })
}

#[test]
fn nothing_asked_for_is_a_count() {
    let statement = buckets(&SQLITE, json!({}));
    assert_eq!(
        statement.sql,
        "SELECT t.n FROM (SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM sales AS t) AS s) AS t"
    );
}

#[test]
fn every_value_is_bound_once() {
    let options = json!({
        "candidatesWhere": {"a": 1},
        "dimensions": [{"field": "kind"}, {"field": "n", "bucket": {"type": "numeric", "step": 2}}],
        "measures": {"f": {"agg": "sum", "column": "x", "where": {"b": 3}}},
        "having": {"f": {"$gt": 4}},
        "sort": [{"key": "f", "dir": "desc"}],
        "limit": 5,
    });
    let postgres = buckets(&POSTGRES, options.clone());
    assert_eq!(
        postgres.sql,
        "SELECT t.d0, t.d1, t.n, t.m0 FROM (SELECT s.d0, s.d1, COUNT(*) AS n, \
         SUM(s.c0) FILTER (WHERE s.w0) AS m0 FROM (SELECT 1 AS one, t.\"kind\" AS d0, \
         floor(t.\"n\"::numeric / $1::numeric) * $2::numeric AS d1, t.\"x\" AS c0, t.\"b\" = $3 AS w0 \
         FROM sales AS t WHERE t.\"a\" = $4 AND t.\"kind\" IS NOT NULL AND t.\"n\" IS NOT NULL) AS s \
         GROUP BY s.d0, s.d1) AS t WHERE t.\"m0\" > $5 \
         ORDER BY t.\"m0\" DESC, t.\"d0\" ASC, t.\"d1\" ASC LIMIT $6"
    );
    let params = [
        json!("2"),
        json!("2"),
        json!(3),
        json!(1),
        json!(4),
        json!(5),
    ];
    assert_eq!(postgres.params, params);
    let mysql = buckets(&MYSQL, options);
    assert!(
        mysql
            .sql
            .contains("SUM(CASE WHEN s.w0 THEN s.c0 ELSE 0 END) AS m0")
    );
    assert_eq!(mysql.sql.matches('?').count(), mysql.params.len());
    assert_eq!(mysql.params, params);
}

#[test]
fn placeholders_and_values_keep_step_on_every_engine() {
    let options = json!({
        "candidatesWhere": {"a": [1, 2], "b": {"$contains": "x"}}, "ids": ["7"], "sample": 0.5,
        "changeTrackingColumn": "at",
        "joins": [{"target": "clients", "alias": "c", "kind": "left", "on": {"local": "l", "foreign": "f"}}],
        "dimensions": [
            {"field": "at", "bucket": "week"}, {"field": "region", "from": "c"},
            {"field": "n", "bucket": {"type": "numeric", "step": 0.1}},
            {"field": "m", "bucket": {"type": "numeric", "breaks": [0, 1.5, 9]}},
        ],
        "measures": {
            "p": {"agg": "percentile", "column": "x", "p": 0.9, "where": {"w": 1}},
            "l": {"agg": "last", "column": "mood", "where": {"v": 1}},
            "t": {"agg": "top_k", "column": "mood", "k": 3, "where": {"u": 1}},
        },
        "having": {"count": {"$gte": 2}}, "limit": 9,
    });
    for (dialect, numbered) in [
        (&POSTGRES as &dyn Dialect, true),
        (&MYSQL, false),
        (&SQLITE, false),
    ] {
        let (main, list) = with(dialect, options.clone(), |aggregation| {
            let (_, measure, column, k) = aggregation.options.top_k().next().unwrap();
            (
                aggregation.buckets().unwrap(),
                aggregation.top_k(measure, column, k).unwrap(),
            )
        });
        for statement in [main, list] {
            if numbered {
                let last = format!("${}", statement.params.len());
                assert!(statement.sql.contains(&last), "{}", statement.sql);
            } else {
                assert_eq!(statement.sql.matches('?').count(), statement.params.len());
            }
            let (opened, closed) = (
                statement.sql.matches('(').count(),
                statement.sql.matches(')').count(),
            );
            assert_eq!(opened, closed, "{}", statement.sql);
        }
    }
}

#[test]
fn a_column_that_only_a_joined_table_has_is_found_there() {
    let options = json!({
        "candidatesWhere": {"tier": "gold", "region": "east"},
        "joins": [{"target": "clients", "alias": "T", "kind": "left", "on": {"local": "l", "foreign": "f"}}],
        "dimensions": [{"field": "tier", "from": "T"}],
    });
    let sql = buckets(&SQLITE, options).sql;
    assert!(sql.contains(
        "FROM sales AS t LEFT JOIN clients AS j0 ON t.\"l\" = j0.\"f\" \
         WHERE (j0.\"tier\" = ? AND t.\"region\" = ?) AND j0.\"tier\" IS NOT NULL"
    ));
}

#[test]
fn the_first_row_is_told_by_tracking_column_and_key() {
    let options = json!({
        "changeTrackingColumn": "at",
        "dimensions": [{"field": "kind"}],
        "measures": {"l": {"agg": "last", "column": "mood"}},
    });
    let postgres = buckets(&POSTGRES, options.clone()).sql;
    assert!(postgres.contains(
        "((array_agg(s.c0::text ORDER BY s.o DESC NULLS FIRST, s.k0 DESC NULLS FIRST))[1]) AS m0"
    ));
    assert!(postgres.starts_with("SELECT t.d0, t.n, t.m0::text FROM"));
    let mysql = buckets(&MYSQL, options).sql;
    assert!(mysql.contains(
        "FIRST_VALUE(s.c0) OVER (PARTITION BY s.d0 ORDER BY s.o IS NULL DESC, s.o DESC, \
         s.k0 IS NULL DESC, s.k0 DESC) AS f0"
    ));
}

#[test]
fn lists_come_in_the_order_of_the_buckets_ranks() {
    let options = json!({
        "dimensions": [{"field": "kind"}],
        "measures": {"t": {"agg": "top_k", "column": "status", "k": 2}},
        "having": {"count": 1},
    });
    with(&POSTGRES, options, |aggregation| {
        let rank = "ROW_NUMBER() OVER (ORDER BY s.d0) AS g";
        assert!(aggregation.buckets().unwrap().sql.contains(rank));
        let (_, measure, column, k) = aggregation.options.top_k().next().unwrap();
        assert_eq!(
            aggregation.top_k(measure, column, k).unwrap().sql,
            "SELECT t.r, t.v, t.n FROM (SELECT s.d0, s.v, s.n, \
             ROW_NUMBER() OVER (PARTITION BY s.d0 ORDER BY s.n DESC, s.v) AS r \
             FROM (SELECT s.d0, s.v, COUNT(*) AS n FROM (SELECT t.\"status\" AS v, t.\"kind\" AS d0 \
             FROM sales AS t WHERE t.\"kind\" IS NOT NULL) AS s GROUP BY s.d0, s.v) AS s) AS t \
             WHERE t.r <= $1 ORDER BY t.d0, t.r"
        );
    });
}

#[test]
fn a_sample_is_the_same_in_every_statement() {
    let options = json!({"sample": 0.25});
    let sql = buckets(&POSTGRES, options.clone()).sql;
    assert!(sql.contains("FROM sales AS t TABLESAMPLE BERNOULLI ($1) REPEATABLE (1)"));
    assert!(!buckets(&MYSQL, options).sql.contains("SAMPLE"));
}
