//! Small random tables, and random questions about them. Everything follows from a seed.

use serde_json::{Map, Value, json};

use crate::table::{Moment, Row, Table};

/// Numbers that look random and are the same for the same seed (xorshift64*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        // Zero would stay zero.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// Below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in so many times.
    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize].clone()
    }
}

const WORDS: &[&str] = &["a", "b", "bb", "abc", ""];
const INTEGERS: &[&str] = &["id", "h", "n", "f"];

/// A table of up to 40 rows; often with few, where groups are empty.
pub fn table(random: &mut Random, name: String) -> Table {
    let rows = random.pick(&[0, 1, 3, 10, 25, 40]);
    let rows = (1..=rows)
        .map(|id| Row {
            id,
            g: (!random.once_in(5)).then(|| random.pick(WORDS).to_owned()),
            h: (!random.once_in(5)).then(|| random.between(0, 3)),
            n: (!random.once_in(6)).then(|| random.between(-12, 12)),
            // Quarters are exact, and so are their sums.
            x: (!random.once_in(6)).then(|| random.between(-40, 40) as f64 / 4.0),
            at: (!random.once_in(6)).then(|| moment(random)),
            f: (!random.once_in(6)).then(|| random.between(1, 5)),
        })
        .collect();
    Table { name, rows }
}

/// Mostly around New Year, where weeks are hard.
fn moment(random: &mut Random) -> Moment {
    let year = random.between(2019, 2026);
    let (month, day) = match random.below(3) {
        0 => (12, random.between(27, 31)),
        1 => (1, random.between(1, 6)),
        _ => (random.between(1, 12), random.between(1, 28)),
    };
    Moment {
        year,
        month,
        day,
        hour: random.pick(&[0, 0, 10, 23]),
        minute: random.pick(&[0, 59]),
    }
}

/// The options of one aggregate.
pub fn request(random: &mut Random) -> Value {
    let mut options = Map::new();
    let joined = random.once_in(4);
    if joined {
        let on = json!({"local": "f", "foreign": "id"});
        let join = json!({"target": "others", "alias": "o", "kind": "left", "on": on});
        options.insert("joins".into(), json!([join]));
    }
    let dimensions: Vec<_> = (0..random.below(3))
        .map(|i| dimension(random, i, joined))
        .collect();
    let measures: Map<_, _> = (0..random.below(4))
        .map(|i| (format!("m{i}"), measure(random)))
        .collect();
    if random.once_in(2) {
        options.insert("candidatesWhere".into(), filter(random, 2, joined));
    }
    if random.once_in(6) {
        let ids: Vec<_> = (0..random.below(12))
            .map(|_| random.between(1, 45).to_string())
            .collect();
        options.insert("ids".into(), json!(ids));
    }
    if random.once_in(4) {
        options.insert("having".into(), having(random, &measures));
    }
    if random.once_in(2) {
        let mut sort = vec![sort_key(random, &dimensions, &measures)];
        match random.below(4) {
            0 => sort.push(sort_key(random, &dimensions, &measures)),
            1 => sort.push("what nobody knows".to_owned()),
            // A list has no order.
            2 => sort.extend(
                measures
                    .iter()
                    .filter(|(_, m)| m["agg"] == "top_k")
                    .map(|(name, _)| name.clone()),
            ),
            _ => {}
        }
        let sort: Vec<_> = sort
            .into_iter()
            .map(|key| json!({"key": key, "dir": random.pick(&["asc", "desc"])}))
            .collect();
        options.insert("sort".into(), json!(sort));
        if random.once_in(2) {
            options.insert("limit".into(), json!(random.below(6)));
        }
    }
    if random.once_in(2) {
        options.insert(
            "changeTrackingColumn".into(),
            json!(random.pick(&["at", "n", "id"])),
        );
    }
    options.insert("dimensions".into(), json!(dimensions));
    options.insert("measures".into(), json!(measures));
    Value::Object(options)
}

fn dimension(random: &mut Random, i: u64, joined: bool) -> Value {
    let mut dimension = match random.below(if joined { 8 } else { 7 }) {
        0 | 1 => json!({"field": "g"}),
        2 => json!({"field": "h"}),
        3 => {
            let units = ["minute", "hour", "day", "week", "month", "quarter", "year"];
            json!({"field": "at", "bucket": random.pick(&units)})
        }
        // Steps that a double holds exactly: the languages round others differently.
        4 => {
            json!({"field": "n", "bucket": {"type": "numeric", "step": random.pick(&[1.0, 3.0, 2.5, 10.0])}})
        }
        5 => {
            json!({"field": "x", "bucket": {"type": "numeric", "step": random.pick(&[0.5, 4.0, 100.0])}})
        }
        6 => {
            let field = random.pick(&["n", "x"]);
            json!({"field": field, "bucket": {"type": "numeric", "breaks": [-5, 0, 2.5, 10]}})
        }
        _ => json!({"field": "tier", "from": "o"}),
    };
    dimension["as"] = json!(format!("dim {i}"));
    dimension
}

fn measure(random: &mut Random) -> Value {
    let number = random.pick(&["n", "x", "h"]);
    let any = random.pick(&["g", "h", "n", "x", "at"]);
    let mut measure = match random.below(11) {
        0 => json!({"agg": "count"}),
        1 => json!({"agg": "count_distinct", "column": any}),
        2 => json!({"agg": "sum", "column": number}),
        3 => json!({"agg": "rate", "column": number}),
        4 => json!({"agg": "avg", "column": number}),
        5 => json!({"agg": "min", "column": random.pick(&["n", "x", "at"])}),
        6 => json!({"agg": "max", "column": random.pick(&["n", "x", "at"])}),
        7 => {
            json!({"agg": "percentile", "column": number, "p": random.pick(&[0.0, 0.1, 0.25, 0.5, 0.9, 1.0])})
        }
        8 => json!({"agg": "top_k", "column": random.pick(&["g", "h", "x"]), "k": random.below(4)}),
        9 => json!({"agg": "first", "column": any}),
        _ => json!({"agg": "last", "column": any}),
    };
    if random.once_in(3) {
        measure["where"] = filter(random, 1, false);
    }
    measure
}

fn having(random: &mut Random, measures: &Map<String, Value>) -> Value {
    let operator = random.pick(&["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]);
    let mut having = json!({"count": {operator: random.between(0, 4)}});
    for (name, measure) in measures {
        // The languages have different digits for a mean.
        if matches!(measure["agg"].as_str(), Some("sum" | "count" | "max"))
            && measure["column"] != "at"
        {
            having[name] = json!({random.pick(&["$gt", "$lte"]): random.between(-5, 5)});
        }
    }
    having
}

fn sort_key(random: &mut Random, dimensions: &[Value], measures: &Map<String, Value>) -> String {
    let mut keys = vec!["count".to_owned()];
    keys.extend(
        dimensions
            .iter()
            .filter_map(|d| d["as"].as_str().map(str::to_owned)),
    );
    for (name, measure) in measures {
        if matches!(
            measure["agg"].as_str(),
            Some("sum" | "rate" | "count" | "count_distinct")
        ) {
            keys.push(name.clone());
        }
    }
    random.pick(&keys)
}

/// A filter, nested at most so deep.
fn filter(random: &mut Random, depth: u64, joined: bool) -> Value {
    if depth > 0 && random.once_in(3) {
        let members: Vec<_> = (0..random.below(3))
            .map(|_| filter(random, depth - 1, joined))
            .collect();
        return match random.below(3) {
            0 => json!({"$and": members}),
            1 => json!({"$or": members}),
            _ => json!({"$not": filter(random, depth - 1, joined)}),
        };
    }
    let mut clause = json!({});
    for _ in 0..random.below(3) {
        let column = random.pick(&["id", "g", "h", "n", "x", if joined { "tier" } else { "g" }]);
        clause[column] = condition(random, column);
    }
    clause
}

fn condition(random: &mut Random, column: &str) -> Value {
    let value = value(random, column);
    let other = self::value(random, column);
    match random.below(12) {
        0 => json!(null),
        1 => json!({"$ne": null}),
        2 => json!([value, other]),
        3 => json!({"$in": [value, null]}),
        4 => json!({"$nin": [value, other]}),
        5 => json!({"$nin": random.pick(&[json!([]), json!([value, null])])}),
        6 => json!({"$gt": random.pick(&[value, json!(null)])}),
        7 => json!({"$gte": value, "$lt": other}),
        8 if !INTEGERS.contains(&column) && column != "x" => {
            let operator = random.pick(&["$contains", "$startsWith", "$endsWith", "$ilike"]);
            json!({operator: random.pick(&["A", "b", "", "%"])})
        }
        9 => json!({"$in": []}),
        10 => json!({"$ne": value}),
        _ => value,
    }
}

fn value(random: &mut Random, column: &str) -> Value {
    match column {
        "id" => json!(random.between(0, 42)),
        "h" => json!(random.between(0, 3)),
        "n" => json!(random.between(-12, 12)),
        "x" => json!(random.between(-40, 40) as f64 / 4.0),
        _ => json!(random.pick(WORDS)),
    }
}
