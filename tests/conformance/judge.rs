//! Whether an answer agrees with a recorded one. Pure: values in, verdict out.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// How answers are compared.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The official MySQL text protocol shows a FLOAT with six digits; more digits of the same number are
    /// right too.
    pub six_digits: bool,
}

impl Rules {
    /// True when `got` agrees with what the case recorded.
    pub fn agree(self, case: &Value, got: &Value) -> bool {
        let want = &case["result"];
        let marked;
        let got = if is_set(case, "anyCursor") {
            marked = with_any_cursor(got);
            &marked
        } else {
            got
        };
        if is_set(case, "physical") || is_set(case, "nondeterministic") {
            return rows_of(want) == rows_of(got) && self.same(&want["total"], &got["total"]);
        }
        if !is_set(case, "unordered") {
            return self.same(want, got);
        }
        if want.is_array() {
            return self.same_bag(want, got);
        }
        let without_rows = |value: &Value| {
            let mut value = value.clone();
            value["rows"] = json!(0);
            value
        };
        if let Some(columns) = case["tiesBy"].as_array()
            && !self.same(
                &parts_of(&want["rows"], columns),
                &parts_of(&got["rows"], columns),
            )
        {
            return false;
        }
        want["rows"].is_array()
            && self.same_bag(&want["rows"], &got["rows"])
            && self.same(&without_rows(want), &without_rows(got))
    }

    /// Equal, value for value, in order.
    pub fn same(self, want: &Value, got: &Value) -> bool {
        match (want, got) {
            (Value::Number(_), Value::Number(_)) => self.same_number(want, got),
            (Value::Array(one), Value::Array(other)) => {
                if is_top_k(one) && is_top_k(other) {
                    return same_top_k(one, other);
                }
                let mut pairs = one.iter().zip(other);
                one.len() == other.len() && pairs.all(|(want, got)| self.same(want, got))
            }
            (Value::Object(one), Value::Object(other)) => self.same_object(one, other),
            _ => want == got,
        }
    }

    /// Equal but for the order of the outermost list.
    pub fn same_bag(self, want: &Value, got: &Value) -> bool {
        let (Some(want), Some(got)) = (want.as_array(), got.as_array()) else {
            return false;
        };
        let sorted = |list: &[Value]| {
            let mut list: Vec<_> = list
                .iter()
                .map(|value| (canonical(value).to_string(), value.clone()))
                .collect();
            list.sort_by(|one, other| one.0.cmp(&other.0));
            list
        };
        let (one, other) = (sorted(want), sorted(got));
        let mut pairs = one.iter().zip(&other);
        one.len() == other.len() && pairs.all(|(want, got)| self.same(&want.1, &got.1))
    }

    fn same_object(self, want: &Map<String, Value>, got: &Map<String, Value>) -> bool {
        let found =
            |(key, want): (&String, &Value)| got.get(key).is_some_and(|got| self.same(want, got));
        want.len() == got.len() && want.iter().all(found)
    }

    /// As JavaScript numbers, which is what the official runner's readers make of them.
    fn same_number(self, want: &Value, got: &Value) -> bool {
        let (Some(want), Some(got)) = (want.as_f64(), got.as_f64()) else {
            return false;
        };
        want == got
            || (want - got).abs() <= 1e-9 * want.abs().max(got.abs())
            || (self.six_digits && to_six_digits(got) == want)
    }
}

/// True when the case carries this mark.
pub fn is_set(case: &Value, mark: &str) -> bool {
    case[mark]
        .as_bool()
        .unwrap_or_else(|| !case[mark].is_null())
}

/// A cursor is due, but its text is the bridge's own.
fn with_any_cursor(got: &Value) -> Value {
    let mut got = got.clone();
    if let Some(cursor) = got.get_mut("nextCursor") {
        *cursor = json!("*");
    }
    got
}

/// What rows are ordered by: rows in which it is the same may change places.
fn parts_of(rows: &Value, columns: &[Value]) -> Value {
    let part = |row: &Value| -> Value {
        let names = columns.iter().filter_map(Value::as_str);
        names.map(|name| row[name].clone()).collect()
    };
    rows.as_array().into_iter().flatten().map(part).collect()
}

fn rows_of(value: &Value) -> Option<usize> {
    let rows = value.as_array().or_else(|| value["rows"].as_array());
    rows.map(Vec::len)
}

fn to_six_digits(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap()
}

/// Keys sorted, numbers to six digits: puts lists that agree into the same order.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let sorted: BTreeMap<_, _> = object
                .iter()
                .map(|(key, value)| (key.clone(), canonical(value)))
                .collect();
            sorted.into_iter().collect::<Map<_, _>>().into()
        }
        Value::Array(list) => list.iter().map(canonical).collect(),
        // There is one zero.
        Value::Number(number) => json!(number.as_f64().map(|n| to_six_digits(n) + 0.0)),
        other => other.clone(),
    }
}

fn is_top_k(list: &[Value]) -> bool {
    let is_pair = |value: &Value| {
        value.as_object().is_some_and(|object| {
            object.len() == 2 && object.contains_key("key") && object.contains_key("count")
        })
    };
    !list.is_empty() && list.iter().all(is_pair)
}

/// top_k leaves ties in the database's order: counts must agree, and so must every key above the last count.
fn same_top_k(one: &[Value], other: &[Value]) -> bool {
    let count = |value: &Value| value["count"].as_f64();
    if !one.iter().map(count).eq(other.iter().map(count)) {
        return false;
    }
    let last = one.last().and_then(count);
    let sure = |list: &[Value]| {
        let above = list.iter().filter(|value| count(value) > last);
        let mut keys: Vec<_> = above.map(|value| value["key"].to_string()).collect();
        keys.sort();
        keys
    };
    sure(one) == sure(other)
}

#[test]
fn numbers_agree_as_javascript_numbers() {
    let exact = Rules { six_digits: false };
    let six = Rules { six_digits: true };
    assert!(exact.same(&json!(1), &json!(1.0)));
    assert!(exact.same(&json!(9007199254740992_i64), &json!(9007199254740993_i64)));
    assert!(!exact.same(&json!(1), &json!("1")));
    assert!(!exact.same(&json!(1.23457), &json!(1.2345678)));
    assert!(six.same(&json!(1.23457), &json!(1.2345678)));
    assert!(!six.same(&json!(1.23456), &json!(1.2345678)));
}

#[test]
fn marks_loosen_the_comparison() {
    let rules = Rules { six_digits: false };
    let rows = json!([{ "a": 1 }, { "a": 2 }]);
    let swapped = json!([{ "a": 2 }, { "a": 1 }]);
    assert!(!rules.agree(&json!({ "result": rows }), &swapped));
    assert!(rules.agree(&json!({ "result": rows, "unordered": true }), &swapped));
    assert!(!rules.agree(
        &json!({ "result": rows, "unordered": true }),
        &json!([{ "a": 1 }, { "a": 1 }])
    ));
    assert!(rules.agree(
        &json!({ "result": rows, "physical": true }),
        &json!([{ "a": 7 }, { "a": 8 }])
    ));
    let page = |rows: Value, cursor: &str| json!({ "rows": rows, "nextCursor": cursor });
    let any = json!({ "result": page(rows.clone(), "*"), "anyCursor": true });
    assert!(rules.agree(&any, &page(rows.clone(), "k5")));
    assert!(!rules.agree(&any, &json!({ "rows": rows })));
    let ordered = json!([{ "a": 1, "b": 1 }, { "a": 1, "b": 2 }, { "a": 2, "b": 3 }]);
    let tied = json!([{ "a": 1, "b": 2 }, { "a": 1, "b": 1 }, { "a": 2, "b": 3 }]);
    let wrong = json!([{ "a": 2, "b": 3 }, { "a": 1, "b": 1 }, { "a": 1, "b": 2 }]);
    let case = json!({ "result": { "rows": ordered }, "unordered": true, "tiesBy": ["a"] });
    assert!(rules.agree(&case, &json!({ "rows": tied })));
    assert!(!rules.agree(&case, &json!({ "rows": wrong })));
    assert!(!rules.agree(
        &json!({ "result": rows, "physical": true }),
        &json!([{ "a": 7 }])
    ));
    let ties = json!([{ "key": "x", "count": 3 }, { "key": "y", "count": 1 }]);
    assert!(rules.same(
        &ties,
        &json!([{ "key": "x", "count": 3 }, { "key": "z", "count": 1 }])
    ));
    assert!(!rules.same(
        &ties,
        &json!([{ "key": "z", "count": 3 }, { "key": "y", "count": 1 }])
    ));
}

#[test]
fn objects_agree_whatever_the_order_of_their_keys() {
    let rules = Rules { six_digits: false };
    assert!(rules.same(
        &json!({ "a": 1, "b": [null] }),
        &json!({ "b": [null], "a": 1 })
    ));
    assert!(!rules.same(&json!({ "a": 1 }), &json!({ "a": 1, "b": null })));
}
