//! No option of any kind reaches a denied column or target.

use serde_json::{Value, json};

use super::*;
use crate::job::TargetColumn;
use crate::options::{JobKind, Request};

use crate::job::fixture::{ALL as PACKAGES, FILE, SERVER};
use crate::job::{Columns, Package};

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
    package: &Package,
    kind: &str,
    target: &str,
    options: &Value,
) -> Result<Request, JobError> {
    let kind = JobKind::of(kind);
    let mut request = Request::parse(kind, target, options, &package.options).unwrap();
    let permit = policy.admit("s1", "db", false).unwrap();
    permit
        .apply(package, &mut request, &mut |_| Ok(Columns::Known(table())))
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
    for package in PACKAGES {
        for (kind, options) in uses("secret") {
            for policy in [&denied, &allowed] {
                let error = apply(policy, package, kind, "people", &options);
                let error = error.expect_err(&format!("{kind} {options}"));
                assert_eq!(error.code, ErrorCode::PolicyDenied, "{error}");
                assert!(error.message.contains("(sources.db.columns."), "{error}");
            }
        }
        // The same questions about another column are fine.
        for (kind, options) in uses("name") {
            let fine = apply(&denied, package, kind, "people", &options);
            assert!(fine.is_ok(), "{kind} {options}: {fine:?}");
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
    for package in PACKAGES {
        for spelling in spellings {
            for (kind, options) in uses(spelling) {
                match apply(&policy, package, kind, "people", &options) {
                    Err(error) => assert_eq!(error.code, ErrorCode::PolicyDenied),
                    // A tracking column that is not there filters nothing.
                    Ok(Request::Read(read)) => assert_eq!(read.changed_since, None),
                    Ok(_) => panic!("{kind} {options}"),
                }
            }
        }
    }
}

#[test]
fn all_columns_become_those_that_are_allowed() {
    let policy = policy(json!({"columns": {"people": {"deny": ["secret"]}}}));
    for package in PACKAGES {
        for kind in ["read", "query", "batchRead"] {
            let mut request = apply(&policy, package, kind, "people", &json!({})).unwrap();
            let shown = request.shown_columns().unwrap().clone().unwrap();
            assert_eq!(shown, ["id", "name", "updated_at"]);
        }
        let other = apply(&policy, package, "query", "animals", &json!({})).unwrap();
        assert!(other.shows_all());
    }
}

#[test]
fn a_walk_needs_its_key() {
    let policy = policy(json!({"columns": {"people": {"deny": ["id"]}}}));
    for package in PACKAGES {
        for options in [
            json!({}),
            json!({"fields": ["name"]}),
            json!({"cursor": "5"}),
        ] {
            let error = apply(&policy, package, "read", "people", &options).unwrap_err();
            assert!(error.message.contains("by its key"), "{error}");
        }
        assert!(apply(&policy, package, "query", "people", &json!({})).is_ok());
        // `ids` of an aggregate are a filter on the column `id`.
        let ids = json!({"ids": ["1"]});
        assert!(apply(&policy, package, "aggregate", "people", &ids).is_err());
    }
}

#[test]
fn targets_are_checked_wherever_they_are_named() {
    let denied = policy(json!({"targets": {"deny": ["people"]}}));
    let allowed = policy(json!({"targets": {"allow": ["animals"]}}));
    let join = json!({"joins": [{"target": "people", "alias": "p", "kind": "left",
                                 "on": {"local": "id", "foreign": "id"}}]});
    for package in PACKAGES {
        for policy in [&denied, &allowed] {
            for kind in [
                "read",
                "query",
                "batchRead",
                "count",
                "introspectTarget",
                "aggregate",
            ] {
                let error = apply(policy, package, kind, "people", &json!({})).unwrap_err();
                assert_eq!(error.code, ErrorCode::PolicyDenied);
                assert!(error.message.contains("sources.db.targets."), "{error}");
                assert!(apply(policy, package, kind, "animals", &json!({})).is_ok());
            }
            for options in [json!({"target": "people"}), join.clone()] {
                let error = apply(policy, package, "aggregate", "animals", &options);
                assert_eq!(error.unwrap_err().code, ErrorCode::PolicyDenied);
            }
            for kind in ["listTargets", "test"] {
                assert!(apply(policy, package, kind, "people", &json!({})).is_ok());
            }
        }
    }
    for target in ["public.people", "app.people"] {
        assert!(apply(&denied, &SERVER, "query", target, &json!({})).is_err());
    }
    for (package, target) in [(&SERVER, "own_stats"), (&FILE, "own_schema")] {
        assert!(apply(&denied, package, "query", target, &json!({})).is_err());
    }
    for package in &PACKAGES[1..] {
        assert!(apply(&denied, package, "query", "PEOPLE", &json!({})).is_err());
    }
}

#[test]
fn lists_of_targets_and_columns_show_what_is_allowed() {
    let policy = policy(
        json!({"targets": {"deny": ["hidden"]}, "columns": {"people": {"deny": ["secret"]}}}),
    );
    for package in PACKAGES {
        let permit = policy.admit("s1", "db", false).unwrap();
        let hides = |request: &Request, name| permit.hidden(package, request).unwrap()(name);
        assert!(!hides(&Request::ListTargets, "people"));
        assert!(hides(&Request::ListTargets, "hidden"));
        let people = Request::parse(
            JobKind::IntrospectTarget,
            "people",
            &json!({}),
            &package.options,
        );
        let people = people.unwrap();
        assert!(!hides(&people, "id") && hides(&people, "secret"));
        assert!(permit.hidden(package, &Request::Test).is_none());
    }
}

#[test]
fn a_source_has_its_own_entries_or_the_one_for_all_or_is_refused() {
    let policy = Policy::parse(
        r#"{"sources": {"My-DB": {"maxRows": 10}, "s7": {"maxRows": 3}, "*": {"maxRows": 99}}}"#,
    )
    .unwrap();
    let rows = |id: &str, name: &str| {
        let permit = policy.admit(id, name, false).unwrap();
        permit.caps().rows.unwrap()
    };
    assert_eq!(rows("x", "my_db"), (10, "sources.My-DB.maxRows".to_owned()));
    assert_eq!(rows("s7", "my db").0, 3);
    assert_eq!(rows("x", "other").0, 99);
    let strict = Policy::parse(r#"{"sources": {"a": {}}}"#).unwrap();
    let error = strict.admit("x", "b", false).unwrap_err();
    assert!(
        error.message.contains("no entry for source \"b\""),
        "{error}"
    );
    assert!(strict.admit("x", "A", false).unwrap().caps().is_empty());
}

#[test]
fn an_id_is_no_way_around_and_the_rules_for_all_are_for_all() {
    let policy = Policy::parse(
        r#"{"sources": {"lax": {}, "HR": {"maxRows": 50}, "*": {"targets": {"deny": ["secrets"]}}}}"#,
    )
    .unwrap();
    // The gateway gives a runner-local source the id that another entry has.
    let permit = policy.admit("lax", "hr", true).unwrap();
    assert_eq!(permit.caps().rows.map(|(rows, _)| rows), Some(50));
    let only_id = Policy::parse(r#"{"sources": {"lax": {}}}"#).unwrap();
    assert!(only_id.admit("lax", "hr", true).is_err());
    assert!(only_id.admit("lax", "hr", false).is_ok());
}

#[test]
fn caps_name_their_rule() {
    let caps = policy(json!({"maxRows": 2, "maxBytes": 100}));
    let caps = caps.admit("s", "db", false).unwrap().caps();
    assert_eq!(caps.check(2, 100), Ok(()));
    for (rows, bytes, rule) in [
        (3, 1, "sources.db.maxRows"),
        (1, 101, "sources.db.maxBytes"),
    ] {
        let error = caps.check(rows, bytes).unwrap_err();
        assert!(error.message.contains(rule), "{error}");
    }
    let timed = policy(json!({"maxSeconds": 5}));
    let seconds = timed.admit("s", "db", false).unwrap().seconds();
    assert_eq!(seconds, Some((5, "sources.db.maxSeconds".to_owned())));
}

#[test]
fn a_catalog_cannot_be_checked_and_is_refused() {
    let policy = policy(json!({"targets": {"deny": ["hidden"]}}));
    for package in PACKAGES {
        for (target, place) in [
            ("a.hidden", "targets.deny[0]"),
            ("x.a.hidden", "targets.deny[0]"),
            ("x.a.people", "sources.db.targets)"),
        ] {
            let options = json!({ "target": target });
            let error = apply(&policy, package, "aggregate", "people", &options);
            let error = error.unwrap_err();
            assert!(error.message.contains(place), "{error}");
        }
        let options = json!({"target": "a.people"});
        assert!(apply(&policy, package, "aggregate", "people", &options).is_ok());
    }
}

/// `people` has a name, and `secrets`, which is joined to it, a code and a name.
#[test]
fn a_filter_is_about_the_table_that_has_its_column() {
    let policy = policy(json!({"columns": {"secrets": {"deny": ["code", "name"]}}}));
    let columns = |names: &[&str]| {
        let columns = names.iter().map(|name| TargetColumn {
            name: name.to_string(),
            key: false,
            hidden: false,
        });
        Columns::Known(columns.collect())
    };
    let try_ = |package: &Package, filter: Value| {
        let options = json!({
            "joins": [{"target": "x.secrets", "alias": "s", "kind": "left",
                       "on": {"local": "id", "foreign": "id"}}],
            "candidatesWhere": filter, "measures": {"m": {"agg": "count", "where": filter}},
        });
        let mut request =
            Request::parse(JobKind::Aggregate, "people", &options, &package.options).unwrap();
        let permit = policy.admit("s1", "db", false).unwrap();
        permit.apply(package, &mut request, &mut |target| {
            Ok(match target.table() {
                "people" => columns(&["id", "name"]),
                _ => columns(&["id", "code", "name"]),
            })
        })
    };
    for package in PACKAGES {
        assert_eq!(try_(package, json!({"name": "x"})), Ok(()));
        let error = try_(package, json!({"$not": {"code": "x"}})).unwrap_err();
        assert!(error.message.contains("columns.secrets.deny"), "{error}");
    }
}

#[test]
fn without_a_catalog_names_decide() {
    let apply = |entry: Value, kind: &str, options: Value| {
        let policy = policy(json!({"columns": {"people": entry}}));
        let mut request =
            Request::parse(JobKind::of(kind), "people", &options, &FILE.options).unwrap();
        let permit = policy.admit("s1", "db", false).unwrap();
        permit
            .apply(&FILE, &mut request, &mut |_| {
                Ok(Columns::Schemaless { key: "_id" })
            })
            .map(|()| request)
    };
    let deny = json!({"deny": ["address.street", "secret"]});
    for path in [
        "secret",
        "secret.a",
        "address",
        "address.street",
        "address.0.street.x",
    ] {
        for (kind, options) in uses(path) {
            let error = apply(deny.clone(), kind, options.clone());
            let error = error.expect_err(&format!("{kind} {options}"));
            assert_eq!(error.code, ErrorCode::PolicyDenied, "{error}");
        }
    }
    for (kind, options) in uses("address.city") {
        assert!(apply(deny.clone(), kind, options).is_ok());
    }
    let shown = |entry: Value| {
        let mut request = apply(entry, "query", json!({})).unwrap();
        let hidden = request.hidden().unwrap().clone();
        (request.shown_columns().unwrap().clone(), hidden)
    };
    let names = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(
        shown(deny.clone()),
        (None, names(&["address.street", "secret"]))
    );
    assert_eq!(
        shown(
            json!({"allow": ["name", "address", "secret"], "deny": ["address.street", "secret"]})
        ),
        (
            Some(names(&["name", "address"])),
            // The key is not among them, and documents show it whatever is asked for.
            names(&["address.street", "secret", "_id"])
        )
    );
    let mut named = apply(
        json!({"deny": ["_id"]}),
        "query",
        json!({"select": ["name"]}),
    )
    .unwrap();
    assert_eq!(named.hidden(), Some(&mut names(&["_id"])));
    assert!(apply(json!({"allow": []}), "query", json!({})).is_err());
    assert!(apply(json!({"deny": ["_id"]}), "read", json!({})).is_err());
    assert!(apply(deny, "read", json!({})).is_ok());
}
