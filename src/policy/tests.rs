//! No option of any kind reaches a denied column or target.

use serde_json::{Value, json};

use super::*;
use crate::job::TargetColumn;
use crate::options::{JobKind, Request};

const BRIDGES: [&str; 3] = [
    "@semilayer/bridge-postgres",
    "@semilayer/bridge-mysql",
    "@semilayer/bridge-sqlite",
];

fn table() -> Vec<TargetColumn> {
    let column = |name: &str, key| TargetColumn {
        name: name.to_owned(),
        key,
        hidden: false,
    };
    vec![
        column("id", true),
        column("name", false),
        column("secret", false),
        column("updated_at", false),
    ]
}

fn policy(entry: Value) -> Policy {
    Policy::parse(&json!({"sources": {"db": entry}}).to_string()).unwrap()
}

/// What becomes of a job on `people`.
fn apply(
    policy: &Policy,
    bridge: &str,
    kind: &str,
    target: &str,
    options: &Value,
) -> Result<Request, JobError> {
    let mut request = Request::parse(JobKind::of(kind), target, options, bridge).unwrap();
    let permit = policy.admit("s1", "db", bridge).unwrap();
    permit
        .apply(&mut request, target, &mut |_| Ok(table()))
        .map(|()| request)
}

/// A job of every kind for every option that names a column.
fn uses(column: &str) -> Vec<(&'static str, Value)> {
    let by = |value: Value| json!({ column: value });
    let mut uses = vec![
        ("read", json!({"fields": ["id", column]})),
        (
            "read",
            json!({"changedSince": "2025-01-01", "changeTrackingColumn": column}),
        ),
        ("query", json!({"select": ["id", column]})),
        ("batchRead", json!({"select": [column]})),
        ("query", json!({"orderBy": {"field": column}})),
        ("query", json!({"orderBy": [by(json!("desc"))]})),
        (
            "batchRead",
            json!({"orderBy": {"field": column, "dir": "desc"}}),
        ),
    ];
    let conditions = [
        by(json!(1)),
        by(Value::Null),
        by(json!([1, 2])),
        by(json!({"$ne": null})),
        by(json!({"$gt": 1, "$lt": 5})),
        by(json!({"$nin": [1]})),
        by(json!({"$ilike": "a%"})),
        by(json!({"$startsWith": "a"})),
        json!({"$or": [{"id": 1}, {"$and": [{"$not": by(json!(1))}]}]}),
    ];
    for condition in conditions {
        for kind in ["query", "batchRead", "count"] {
            uses.push((kind, json!({"where": condition, "select": ["id"]})));
        }
        uses.push(("aggregate", json!({"candidatesWhere": condition})));
        uses.push((
            "aggregate",
            json!({"measures": {"m": {"agg": "count", "where": condition}}}),
        ));
    }
    for bucket in [Value::Null, json!({"type": "time", "unit": "day"})] {
        let mut dimension = json!({"field": column});
        if !bucket.is_null() {
            dimension["bucket"] = json!("day");
        }
        uses.push(("aggregate", json!({"dimensions": [dimension]})));
    }
    for agg in [
        "count_distinct",
        "sum",
        "avg",
        "min",
        "max",
        "top_k",
        "first",
        "last",
        "rate",
    ] {
        let measure = json!({"agg": agg, "column": column, "k": 3});
        uses.push(("aggregate", json!({"measures": {"m": measure}})));
    }
    uses.push((
        "aggregate",
        json!({"measures": {"m": {"agg": "first", "column": "id"}}, "changeTrackingColumn": column}),
    ));
    for on in [
        json!({"local": column, "foreign": "id"}),
        json!({"local": "id", "foreign": column}),
    ] {
        uses.push((
            "aggregate",
            json!({"joins": [{"target": "people", "alias": "p", "kind": "left", "on": on}],
                   "dimensions": [{"field": "name", "from": "p"}]}),
        ));
    }
    uses
}

#[test]
fn a_denied_column_cannot_be_named_anywhere() {
    let denied = policy(json!({"columns": {"people": {"deny": ["secret"]}}}));
    let allowed = policy(json!({"columns": {"*": {"allow": ["id", "name", "updated_at"]}}}));
    for bridge in BRIDGES {
        for (kind, options) in uses("secret") {
            for policy in [&denied, &allowed] {
                let error = apply(policy, bridge, kind, "people", &options);
                let error = error.expect_err(&format!("{bridge} {kind} {options}"));
                assert_eq!(error.code, ErrorCode::PolicyDenied, "{error}");
                assert!(error.message.contains("(sources.db.columns."), "{error}");
            }
        }
        // The same questions about another column are fine.
        for (kind, options) in uses("name") {
            let fine = apply(&denied, bridge, kind, "people", &options);
            assert!(fine.is_ok(), "{bridge} {kind} {options}: {fine:?}");
        }
    }
}

#[test]
fn other_spellings_and_what_is_no_column_do_not_get_around_it() {
    let policy = policy(json!({"columns": {"people": {"deny": ["Secret", "SECRET", "secret"]}}}));
    let spellings = [
        "SECRET",
        "Secret",
        "secret ",
        "ſecret",
        "sécret",
        "\u{212a}",
        "rowid",
        "_rowid_",
        "oid",
        "people",
        "t",
        "row_to_json",
        "ctid",
        "*",
        "secret\" --",
        "sec`ret",
    ];
    for bridge in BRIDGES {
        for spelling in spellings {
            for (kind, options) in uses(spelling) {
                match apply(&policy, bridge, kind, "people", &options) {
                    Err(error) => assert_eq!(error.code, ErrorCode::PolicyDenied),
                    // A tracking column that is not there filters nothing.
                    Ok(Request::Read(read)) => assert_eq!(read.changed_since, None),
                    Ok(_) => panic!("{bridge} {kind} {options}"),
                }
            }
        }
    }
}

#[test]
fn all_columns_become_those_that_are_allowed() {
    let policy = policy(json!({"columns": {"people": {"deny": ["secret"]}}}));
    for bridge in BRIDGES {
        for kind in ["read", "query", "batchRead"] {
            let mut request = apply(&policy, bridge, kind, "people", &json!({})).unwrap();
            let shown = request.shown_columns().unwrap().clone().unwrap();
            assert_eq!(shown, ["id", "name", "updated_at"]);
        }
        let other = apply(&policy, bridge, "query", "animals", &json!({})).unwrap();
        assert!(other.shows_all());
    }
}

#[test]
fn a_walk_needs_its_key() {
    let policy = policy(json!({"columns": {"people": {"deny": ["id"]}}}));
    for bridge in BRIDGES {
        for options in [
            json!({}),
            json!({"fields": ["name"]}),
            json!({"cursor": "5"}),
        ] {
            let error = apply(&policy, bridge, "read", "people", &options).unwrap_err();
            assert!(error.message.contains("by its key"), "{error}");
        }
        assert!(apply(&policy, bridge, "query", "people", &json!({})).is_ok());
        // `ids` of an aggregate are a filter on the column `id`.
        let ids = json!({"ids": ["1"]});
        assert!(apply(&policy, bridge, "aggregate", "people", &ids).is_err());
    }
}

#[test]
fn targets_are_checked_wherever_they_are_named() {
    let denied = policy(json!({"targets": {"deny": ["people"]}}));
    let allowed = policy(json!({"targets": {"allow": ["animals"]}}));
    let join = json!({"joins": [{"target": "people", "alias": "p", "kind": "left",
                                 "on": {"local": "id", "foreign": "id"}}]});
    for bridge in BRIDGES {
        for policy in [&denied, &allowed] {
            for kind in [
                "read",
                "query",
                "batchRead",
                "count",
                "introspectTarget",
                "aggregate",
            ] {
                let error = apply(policy, bridge, kind, "people", &json!({})).unwrap_err();
                assert_eq!(error.code, ErrorCode::PolicyDenied);
                assert!(error.message.contains("sources.db.targets."), "{error}");
                assert!(apply(policy, bridge, kind, "animals", &json!({})).is_ok());
            }
            for options in [json!({"target": "people"}), join.clone()] {
                let error = apply(policy, bridge, "aggregate", "animals", &options);
                assert_eq!(error.unwrap_err().code, ErrorCode::PolicyDenied);
            }
            for kind in ["listTargets", "test"] {
                assert!(apply(policy, bridge, kind, "people", &json!({})).is_ok());
            }
        }
    }
    let postgres = BRIDGES[0];
    for target in ["public.people", "app.people"] {
        assert!(apply(&denied, postgres, "query", target, &json!({})).is_err());
    }
    for (bridge, target) in [(postgres, "pg_stats"), (BRIDGES[2], "sqlite_schema")] {
        assert!(apply(&denied, bridge, "query", target, &json!({})).is_err());
    }
    for bridge in &BRIDGES[1..] {
        assert!(apply(&denied, bridge, "query", "PEOPLE", &json!({})).is_err());
    }
}

#[test]
fn lists_of_targets_and_columns_show_what_is_allowed() {
    let policy = policy(
        json!({"targets": {"deny": ["hidden"]}, "columns": {"people": {"deny": ["secret"]}}}),
    );
    for bridge in BRIDGES {
        let permit = policy.admit("s1", "db", bridge).unwrap();
        let list =
            |name: &str| permit.filter_row(&Request::ListTargets, "", json!({ "name": name }));
        assert!(list("people").is_some() && list("hidden").is_none());
        let row = json!({"name": "people", "columns": [{"name": "id"}, {"name": "secret"}], "rowCount": 3});
        assert_eq!(
            permit.filter_row(&Request::IntrospectTarget, "people", row),
            Some(json!({"name": "people", "columns": [{"name": "id"}], "rowCount": 3}))
        );
    }
}

#[test]
fn a_source_has_its_own_entries_or_the_one_for_all_or_is_refused() {
    let policy = Policy::parse(
        r#"{"sources": {"My-DB": {"maxRows": 10}, "s7": {"maxRows": 3}, "*": {"maxRows": 99}}}"#,
    )
    .unwrap();
    let rows = |id: &str, name: &str| {
        let permit = policy.admit(id, name, BRIDGES[0]).unwrap();
        permit.caps().rows.unwrap()
    };
    assert_eq!(rows("x", "my_db"), (10, "sources.My-DB.maxRows".to_owned()));
    assert_eq!(rows("s7", "my db").0, 3);
    assert_eq!(rows("x", "other").0, 99);
    let strict = Policy::parse(r#"{"sources": {"a": {}}}"#).unwrap();
    let error = strict.admit("x", "b", BRIDGES[0]).unwrap_err();
    assert!(
        error.message.contains("no entry for source \"b\""),
        "{error}"
    );
    assert!(
        strict
            .admit("x", "A", BRIDGES[0])
            .unwrap()
            .caps()
            .is_empty()
    );
}

#[test]
fn caps_name_their_rule() {
    let caps = policy(json!({"maxRows": 2, "maxBytes": 100}));
    let caps = caps.admit("s", "db", BRIDGES[0]).unwrap().caps();
    assert_eq!(caps.check(2, 100), Ok(()));
    for (rows, bytes, rule) in [
        (3, 1, "sources.db.maxRows"),
        (1, 101, "sources.db.maxBytes"),
    ] {
        let error = caps.check(rows, bytes).unwrap_err();
        assert!(error.message.contains(rule), "{error}");
    }
}
