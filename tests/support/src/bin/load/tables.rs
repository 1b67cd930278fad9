//! The tables under load: one to look up rows of, one to read whole.

use crate::database::Engine;

/// The keys of the points, all of six digits, so that one job frame serves for each.
pub const POINTS: std::ops::Range<u64> = 100_000..200_000;

/// Names and sizes of the tables.
#[derive(Debug, Clone)]
pub struct Tables {
    /// A hundred thousand rows of four columns, looked up by key.
    pub points: String,
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
        Self {
            points: format!("{prefix}bench_points"),
            rows: format!("{prefix}bench_rows"),
            bulk: walk.min(200_000),
            walk,
        }
    }

    /// Statements that make them, separated by `;`.
    pub fn script(&self, engine: Engine) -> String {
        let Self {
            points, rows, walk, ..
        } = self;
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
            Engine::Sqlite => "datetime(1704067200 + i * 7, 'unixepoch')",
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
            Engine::Sqlite => "ANALYZE".to_owned(),
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
        Engine::Sqlite => format!(
            "(WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to}) SELECT i FROM n)"
        ),
    }
}
