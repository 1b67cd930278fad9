//! The tables under load: one to look up rows of, one to read whole.

use serde_json::{Value, json};

use crate::database::Engine;

/// The keys of the points, all of six digits, so that one job frame serves for each.
pub const POINTS: std::ops::Range<u64> = 100_000..200_000;

/// Rows that are looked up by their key.
#[derive(Debug, Clone)]
pub struct Points {
    /// The table.
    pub target: String,
    /// What the key is called.
    column: &'static str,
}

impl Points {
    /// The options of a job that asks for one of them. The key's digits are the last six in it.
    pub fn options(&self, key: u64) -> Value {
        let value = match self.column {
            "_key" => self.key(key).into(),
            _ => json!(key),
        };
        json!({ "where": { self.column: value } })
    }

    /// The key as a key-value store has it: with as many digits as redis-benchmark writes.
    pub fn key(&self, key: u64) -> String {
        format!("{}:{key:012}", self.target)
    }
}

/// Names and sizes of the tables.
#[derive(Debug, Clone)]
pub struct Tables {
    /// A hundred thousand rows of four columns, looked up by key.
    pub points: Points,
    /// Rows of eight mixed columns, read at once and walked through.
    pub rows: String,
    /// Rows of it that one `batchRead` asks for.
    pub bulk: u64,
    /// All rows of it.
    pub walk: u64,
}

impl Tables {
    /// Tables of this size, their names after a prefix.
    pub fn new(prefix: &str, walk: u64) -> Self {
        Self::of(prefix, "id", walk)
    }

    /// The same, where rows are looked up by another column than `id`.
    pub fn of(prefix: &str, column: &'static str, walk: u64) -> Self {
        Self {
            points: Points {
                target: format!("{prefix}bench_points"),
                column,
            },
            rows: format!("{prefix}bench_rows"),
            bulk: walk.min(200_000),
            walk,
        }
    }

    /// Statements that make them on an engine of SQL, separated by `;`.
    pub fn script(&self, engine: Engine) -> String {
        let Self { rows, walk, .. } = self;
        let points = &self.points.target;
        let key = match engine {
            Engine::Sqlite => "INTEGER PRIMARY KEY",
            _ => "INTEGER NOT NULL PRIMARY KEY",
        };
        let (flag, time) = match engine {
            Engine::Postgres => ("BOOLEAN", "TIMESTAMPTZ"),
            _ => ("BOOLEAN", "DATETIME"),
        };
        let stamp = match engine {
            Engine::Postgres => "timestamptz '2024-01-01 00:00:00Z' + i * interval '7 seconds'",
            Engine::Mysql => "TIMESTAMP '2024-01-01 00:00:00' + INTERVAL i * 7 SECOND",
            _ => "datetime(1704067200 + i * 7, 'unixepoch')",
        };
        let (owner, email) = match engine {
            Engine::Mysql => (
                "CONCAT('Person number ', i)",
                "CONCAT('person', i, '@example.com')",
            ),
            _ => ("'Person number ' || i", "'person' || i || '@example.com'"),
        };
        let odd = match engine {
            Engine::Postgres => "i % 2 = 1",
            _ => "i % 2",
        };
        let after = match engine {
            Engine::Postgres => format!("VACUUM ANALYZE {points};VACUUM ANALYZE {rows}"),
            Engine::Mysql => format!("ANALYZE TABLE {points};ANALYZE TABLE {rows}"),
            _ => "ANALYZE".to_owned(),
        };
        let numbers = |from, to| numbers(engine, from, to);
        format!(
            "DROP TABLE IF EXISTS {points};
             DROP TABLE IF EXISTS {rows};
             CREATE TABLE {points} (id {key}, owner VARCHAR(40), balance INT, note VARCHAR(80));
             INSERT INTO {points} SELECT i, {owner}, i * 7 % 10007, 'a note of some length about this account' FROM {points_numbers};
             CREATE TABLE {rows} (id {key}, name VARCHAR(40), email VARCHAR(60), amount NUMERIC(10,2),
               ratio DOUBLE PRECISION, active {flag}, created_at {time}, note VARCHAR(80));
             INSERT INTO {rows} SELECT i, {owner}, {email}, i * 7 % 100003 / 100.0, i / 7.0, {odd}, {stamp},
               CASE WHEN i % 10 = 0 THEN NULL ELSE 'a \"quoted\" note, as people write them' END FROM {rows_numbers};
             {after}",
            points_numbers = numbers(POINTS.start, POINTS.end - 1),
            rows_numbers = numbers(1, *walk),
        )
    }
}

/// A table expression with one column `i`.
fn numbers(engine: Engine, from: u64, to: u64) -> String {
    match engine {
        Engine::Postgres => format!("generate_series({from}, {to}) AS i"),
        // Recursion has a limit in one and another limit in the other; a product has none.
        Engine::Mysql => {
            let digit = "(SELECT 0 n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 \
                         UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
            let digits: Vec<_> = ('a'..='f').map(|name| format!("{digit} {name}")).collect();
            format!(
                "(SELECT 1 + a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n + 100000 * f.n AS i FROM {}) numbers
                 WHERE i BETWEEN {from} AND {to} ORDER BY i",
                digits.join(", ")
            )
        }
        _ => format!(
            "(WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to}) SELECT i FROM n)"
        ),
    }
}

/// The row of this number as a document: what the table of rows has, in a store that holds JSON.
pub fn document(i: u64) -> String {
    let note = match i % 10 {
        0 => Value::Null,
        _ => json!(NOTE),
    };
    let minutes = i * 7 / 60;
    json!({
        "id": i, "name": format!("Person number {i}"), "email": format!("person{i}@example.com"),
        "amount": (i * 7 % 100_003) as f64 / 100.0, "ratio": i as f64 / 7.0, "active": i % 2 == 1,
        "created_at": format!("2024-{:02}-{:02}T{:02}:{:02}:00Z", 1 + minutes / 43_200 % 12, 1 + minutes / 1440 % 28, minutes / 60 % 24, minutes % 60),
        "note": note,
    })
    .to_string()
}

/// What most rows have as their note.
pub const NOTE: &str = "a \"quoted\" note, as people write them";
