//! Whole aggregates, by the rules of the official reducer and the right answers where it is wrong.

use serde_json::{Value, json};

use super::{Place, Reducer, Row, SortKey};
use crate::job::{Held, Pool};
use crate::json::Raw;
use crate::options::{AggregateOptions, JobKind, OptionRules, RULES, Request};

const IN_MEMORY: OptionRules = OptionRules {
    in_memory: Some("_key"),
    ..RULES
};

struct Document(String);

impl Row for Document {
    fn field(&self, name: &str) -> Option<Raw<'_>> {
        Raw::parse(&self.0)?.member(name)
    }
}

impl Place for usize {
    fn bytes(&self) -> usize {
        0
    }
}

fn options(options: Value) -> AggregateOptions {
    match Request::parse(JobKind::Aggregate, "t", &options, &IN_MEMORY) {
        Ok(Request::Aggregate(options)) => *options,
        other => panic!("{other:?}"),
    }
}

/// The buckets of rows, whatever the order in which they are taken.
fn reduce(asked: Value, rows: &[Value]) -> Vec<Value> {
    let places = || 0..rows.len();
    let buckets = reduce_in(places(), asked.clone(), rows);
    if asked["sample"].is_null() {
        let middle = rows.len() / 2;
        for places in [
            places().rev().collect(),
            [
                (middle..rows.len()).collect(),
                (0..middle).collect::<Vec<_>>(),
            ]
            .concat(),
        ] as [Vec<_>; 2]
        {
            assert_eq!(reduce_in(places, asked.clone(), rows), buckets);
        }
    }
    buckets
}

fn reduce_in(places: impl IntoIterator<Item = usize>, asked: Value, rows: &[Value]) -> Vec<Value> {
    let options = options(asked);
    let mut reducer = Reducer::new(&options, 7, Held::default());
    for place in places {
        let row = Document(rows[place].to_string());
        reducer.push(&row, &place).unwrap();
    }
    let mut buckets = Vec::new();
    reducer
        .finish(false, |bucket| {
            let mut text = String::new();
            bucket.write(&mut text);
            buckets.push(serde_json::from_str(&text).unwrap());
            Ok(())
        })
        .unwrap();
    buckets
}

/// The value of one measure over values of the field `v`.
fn measure(measure: Value, values: &[Value]) -> Value {
    let rows: Vec<_> = values.iter().map(|v| json!({ "v": v })).collect();
    let buckets = reduce(json!({"dimensions": [], "measures": {"m": measure}}), &rows);
    buckets[0]["measures"]["m"].clone()
}

/// Values of a dimension with their counts.
fn groups(dimension: Value, values: &[Value]) -> Vec<(Value, u64)> {
    let rows: Vec<_> = values.iter().map(|v| json!({ "v": v })).collect();
    reduce(json!({"dimensions": [dimension], "measures": {}}), &rows)
        .into_iter()
        .map(|bucket| {
            (
                bucket["dims"]["v"].clone(),
                bucket["count"].as_u64().unwrap(),
            )
        })
        .collect()
}

#[test]
fn without_rows_there_is_no_group() {
    let all = json!({"dimensions": [], "measures": {"c": {"agg": "count"}}});
    assert!(reduce(all.clone(), &[]).is_empty());
    let rows = [json!({}), json!({"a": 1})];
    assert_eq!(
        reduce(all, &rows),
        [json!({"dims": {}, "measures": {"c": 2}, "count": 2})]
    );
}

#[test]
fn groups_are_told_apart_by_text_and_shown_as_first_seen() {
    let values = [
        json!(1),
        json!("1"),
        json!(1.0),
        json!(true),
        json!("true"),
        json!(null),
        json!(""),
        json!([1, null, "a"]),
        json!("1,,a"),
        json!({"x": 1}),
        json!("[object Object]"),
        json!(9007199254740993_u64),
        json!(-0.0),
        json!(0.5),
    ];
    assert_eq!(
        groups(json!({"field": "v"}), &values),
        [
            (json!(1), 3),
            (json!("true"), 2),
            (json!(""), 1),
            (json!("1,,a"), 2),
            (json!("[object Object]"), 2),
            (json!(9007199254740993_u64), 1),
            (json!(0), 1),
            (json!(0.5), 1),
        ]
    );
}

#[test]
fn groups_are_tuples() {
    let rows = [
        json!({"a": "x\0", "b": "y"}),
        json!({"a": "x", "b": "\0y"}),
        json!({"a": "x"}),
    ];
    let buckets = reduce(
        json!({"dimensions": [{"field": "a"}, {"field": "b"}], "measures": {}}),
        &rows,
    );
    assert_eq!(buckets.len(), 2);
    assert_eq!(buckets[1]["dims"], json!({"a": "x", "b": "\0y"}));
}

#[test]
fn dimensions_are_paths_and_any_name_is_ordinary() {
    let rows = [
        json!({"a": {"b": {"c": 1}}, "a.b.c": 2, "__proto__": "p"}),
        json!({"a": [1], "__proto__": null}),
        json!({"a": {"b": "x"}}),
    ];
    let asked = json!({"dimensions": [{"field": "a.b.c", "as": "constructor"}], "measures": {}});
    assert_eq!(
        reduce(asked, &rows),
        [json!({"dims": {"constructor": 1}, "measures": {}, "count": 1})]
    );
    let asked =
        json!({"dimensions": [{"field": "__proto__"}], "measures": {"toString": {"agg": "count"}}});
    let want = json!({"dims": {"__proto__": "p"}, "measures": {"toString": 1}, "count": 1});
    assert_eq!(reduce(asked, &rows), [want]);
    assert!(
        reduce(
            json!({"dimensions": [{"field": "toString"}], "measures": {}}),
            &rows
        )
        .is_empty()
    );
}

#[test]
fn time_falls_into_buckets() {
    let at = [
        json!("2024-12-30T10:30:59.999Z"),
        json!("2024-12-29"),
        json!(1_735_554_600_000_i64),
        json!(-0.5),
        json!("x"),
        json!(true),
        json!(1e300),
        json!("0099-12-28"),
    ];
    for (unit, labels) in [
        (
            "minute",
            [
                "2024-12-30T10:30",
                "2024-12-29T00:00",
                "1970-01-01T00:00",
                "99-12-28T00:00",
            ],
        ),
        (
            "hour",
            [
                "2024-12-30T10",
                "2024-12-29T00",
                "1970-01-01T00",
                "99-12-28T00",
            ],
        ),
        (
            "day",
            ["2024-12-30", "2024-12-29", "1970-01-01", "99-12-28"],
        ),
        ("week", ["2025-W01", "2024-W52", "1970-W01", "99-W53"]),
        ("month", ["2024-12", "2024-12", "1970-01", "99-12"]),
        ("quarter", ["2024-Q4", "2024-Q4", "1970-Q1", "99-Q4"]),
        ("year", ["2024", "2024", "1970", "99"]),
    ] {
        let found = groups(json!({"field": "v", "bucket": unit}), &at);
        let mut distinct: Vec<_> = labels.iter().map(|label| json!(label)).collect();
        distinct.dedup();
        assert_eq!(
            found.iter().map(|(v, _)| v.clone()).collect::<Vec<_>>(),
            distinct,
            "{unit}"
        );
        assert_eq!(found.iter().map(|(_, n)| n).sum::<u64>(), 5);
    }
}

#[test]
fn numbers_fall_into_buckets() {
    let values = [
        json!(0),
        json!(9.99),
        json!(10),
        json!("0x10"),
        json!(""),
        json!(true),
        json!([5]),
        json!(-0.5),
        json!("x"),
        json!({}),
        json!(20),
        json!(1e300),
    ];
    let step = json!({"field": "v", "bucket": {"type": "numeric", "step": 10}});
    let found = groups(step, &values[..11]);
    assert_eq!(
        found,
        [
            (json!("0..10"), 5),
            (json!("10..20"), 2),
            (json!("-10..0"), 1),
            (json!("20..30"), 1)
        ]
    );
    let breaks = json!({"field": "v", "bucket": {"type": "numeric", "breaks": [0, 0, 10, 20]}});
    assert_eq!(
        groups(breaks, &values),
        [(json!("0..10"), 5), (json!("10..20"), 3)]
    );
    let tenth = json!({"field": "v", "bucket": {"type": "numeric", "step": 0.1}});
    assert_eq!(
        groups(tenth, &[json!(0.35)]),
        [(json!("0.30000000000000004..0.4"), 1)]
    );
}

#[test]
fn numbers_are_measured_as_javascript_reads_them() {
    let values = [
        json!(1.5),
        json!("2"),
        json!(" 7 "),
        json!(""),
        json!("0x10"),
        json!("1,000"),
        json!("Infinity"),
        json!(true),
        json!([5]),
        json!(null),
    ];
    for (agg, want, empty) in [
        ("sum", 26.5, Some(0.0)),
        ("rate", 26.5, Some(0.0)),
        ("avg", 5.3, None),
        ("min", 0.0, None),
        ("max", 16.0, None),
    ] {
        let found = measure(json!({"agg": agg, "column": "v"}), &values);
        assert_eq!(found.as_f64(), Some(want), "{agg}");
        let none = measure(json!({"agg": agg, "column": "w"}), &values);
        assert_eq!(none.as_f64(), empty, "{agg}");
    }
    let texts = [json!("b"), json!("a")];
    assert_eq!(
        measure(json!({"agg": "min", "column": "v"}), &texts),
        json!(null)
    );
}

#[test]
fn a_percentile_is_one_of_the_values() {
    let values = [json!(4), json!("3"), json!(1), json!(2)];
    for (p, want) in [(0.0, 1.0), (0.25, 2.0), (0.5, 3.0), (0.99, 4.0), (1.0, 4.0)] {
        let found = measure(json!({"agg": "percentile", "column": "v", "p": p}), &values);
        assert_eq!(found.as_f64(), Some(want), "{p}");
    }
    assert_eq!(
        measure(
            json!({"agg": "percentile", "column": "v", "p": 0.5}),
            &[json!("x")]
        ),
        json!(null)
    );
}

#[test]
fn distinct_values_and_the_most_frequent_are_texts() {
    let values = [
        json!("b"),
        json!(1),
        json!("1"),
        json!(null),
        json!([1, "a"]),
        json!({"a": 1}),
        json!({"a": 1}),
        json!(true),
        json!("true"),
        json!("b"),
        json!("c"),
    ];
    assert_eq!(
        measure(json!({"agg": "count_distinct", "column": "v"}), &values),
        json!(6)
    );
    assert_eq!(
        measure(json!({"agg": "top_k", "column": "v", "k": 3}), &values),
        json!([{"key": "b", "count": 2}, {"key": "1", "count": 2}, {"key": "{\"a\":1}", "count": 2}])
    );
    assert_eq!(
        measure(json!({"agg": "top_k", "column": "v", "k": 0}), &values),
        json!([])
    );
}

#[test]
fn first_and_last_go_by_arrival_or_by_a_field() {
    let rows = [
        json!({"v": 1, "at": "2024-03-01"}),
        json!({"v": {"x": [9007199254740993_u64]}, "at": 0}),
        json!({"at": "2025-03-01T00:00:00Z"}),
        json!({"v": 2, "at": "2024-03-01T00:00:00Z"}),
        json!({"v": null, "at": "never"}),
    ];
    let ends = |tracking: Value| {
        let asked = json!({"dimensions": [], "changeTrackingColumn": tracking, "measures": {
            "f": {"agg": "first", "column": "v"}, "l": {"agg": "last", "column": "v"}}});
        reduce(asked, &rows)[0]["measures"].clone()
    };
    assert_eq!(ends(json!(null)), json!({"f": 1, "l": null}));
    // Of two at one point the first one counts.
    assert_eq!(
        ends(json!("at")),
        json!({"f": {"x": [9007199254740993_u64]}, "l": 1})
    );
    assert_eq!(ends(json!("nope")), json!({"f": null, "l": null}));
}

#[test]
fn a_measure_may_have_a_filter_in_which_mixed_types_are_equal() {
    let values = [json!(1), json!(10), json!("b"), json!(null), json!(true)];
    for (filter, count) in [
        (json!({"v": {"$gt": 5}}), 1),
        (json!({"v": {"$gte": 5}}), 4),
        (json!({"v": {"$lt": "c"}}), 1),
        (json!({"w": {"$lte": 0}}), 5),
        (json!({"v": null}), 1),
        (json!({"w": null}), 0),
        (json!({"w": {"$ne": null}}), 5),
        (json!({"v": {"$nin": [1, "b"]}}), 3),
        (json!({"v": [1, null, true, [5]]}), 3),
        (json!({"$or": [{"v": 1}, {"v": "b"}]}), 2),
        (json!({"$not": {"v": 1}}), 4),
        (json!({"v": {"$contains": "B"}}), 1),
    ] {
        let found = measure(json!({"agg": "count", "where": filter}), &values);
        assert_eq!(found, json!(count), "{filter}");
    }
}

#[test]
fn groups_are_sorted_stably_with_nothing_last_or_first() {
    let rows = [
        json!({"k": "b", "v": 2}),
        json!({"k": "a"}),
        json!({"k": "c", "v": 2}),
        json!({"k": "\u{ffff}", "v": 30}),
        json!({"k": "😀", "v": 4}),
    ];
    let sorted = |sort: Value, limit: Value| -> Vec<String> {
        let asked = json!({"dimensions": [{"field": "k"}], "measures": {"m": {"agg": "max", "column": "v"}},
                           "sort": sort, "limit": limit});
        let buckets = reduce(asked, &rows);
        buckets
            .iter()
            .map(|b| b["dims"]["k"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = json!(null);
    assert_eq!(
        sorted(json!([{"key": "m"}]), all.clone()),
        ["b", "c", "😀", "\u{ffff}", "a"]
    );
    assert_eq!(
        sorted(json!([{"key": "m", "dir": "desc"}]), json!(3)),
        ["a", "\u{ffff}", "😀"]
    );
    assert_eq!(
        sorted(json!([{"key": "k"}]), all.clone()),
        ["a", "b", "c", "😀", "\u{ffff}"]
    );
    assert_eq!(
        sorted(json!([{"key": "count"}, {"key": "nope"}]), all.clone()),
        ["b", "a", "c", "\u{ffff}", "😀"]
    );
    assert!(sorted(json!([]), json!(0)).is_empty());
}

#[test]
fn a_sample_keeps_a_part() {
    let rows = vec![json!({}); 10_000];
    let asked = json!({"dimensions": [], "measures": {}, "sample": 0.25});
    let count = reduce(asked, &rows)[0]["count"].as_u64().unwrap();
    assert!((2000..3000).contains(&count), "{count}");
}

#[test]
fn memory_grows_with_groups_and_has_a_bound() {
    let options =
        options(json!({"dimensions": [{"field": "k"}], "measures": {"c": {"agg": "count"}}}));
    static APART: Pool = Pool::new(64 << 20);
    let mut reducer = Reducer::new(&options, 1, Held::of(&APART));
    for n in 0..1000 {
        reducer
            .push(&Document(json!({"k": "same"}).to_string()), &n)
            .unwrap();
    }
    let long = "x".repeat(1 << 20);
    let error = (0..100)
        .find_map(|n| {
            let row = Document(json!({"k": format!("{n}{long}")}).to_string());
            reducer.push(&row, &n).err()
        })
        .expect("no bound");
    assert!(
        error.message.contains("the groups of this aggregate"),
        "{error}"
    );
    assert!(error.message.contains("64 MB"), "{error}");
}

#[test]
fn values_of_all_types_have_an_order() {
    let key = |value: &Value| match value {
        Value::String(missing) if missing == "missing" => SortKey::of(None),
        value => SortKey::of(Raw::parse(&value.to_string())),
    };
    let ordered = [
        json!("missing"),
        json!(-3),
        json!(false),
        json!(true),
        json!(1.5),
        json!(10),
        json!([]),
        json!("10"),
        json!([5]),
        json!("9"),
        json!({}),
        json!("a"),
        json!("😀"),
        json!("\u{ffff}"),
    ];
    for pair in ordered.windows(2) {
        assert!(key(&pair[0]).order(&key(&pair[1])).is_lt(), "{pair:?}");
    }
    assert!(key(&json!(null)).order(&key(&json!(0))).is_eq());
    assert!(key(&json!(-0.0)).order(&key(&json!(false))).is_eq());
}
