//! What differs between the engines, and is meant to.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::label::millis;
use crate::table::Cell;

/// A database under test.
pub struct Engine {
    /// The bridge, without `@semilayer/bridge-`.
    pub bridge: &'static str,
    /// Names of the types for texts, doubles and times.
    pub types: (&'static str, &'static str, &'static str),
    /// What stands before the name of every table: `MysqlDatabase` has a prefix for each test.
    pub prefix: &'static str,
    /// Times are texts, which SQLite has no other type for.
    pub time_is_text: bool,
    /// NULL comes first in an ascending order.
    pub null_is_first: bool,
    /// A `sum` with a filter that lets no row of a bucket through is zero: there is no FILTER.
    pub filtered_sum_is_zero: bool,
    /// Half of the last digit of a mean of integers.
    pub mean_error: f64,
}

pub const POSTGRES: Engine = Engine {
    bridge: "postgres",
    types: ("TEXT COLLATE \"C\"", "DOUBLE PRECISION", "TIMESTAMPTZ"),
    prefix: "",
    time_is_text: false,
    null_is_first: false,
    filtered_sum_is_zero: false,
    mean_error: 0.0,
};

pub const MARIADB: Engine = Engine {
    bridge: "mariadb",
    types: ("VARCHAR(20)", "DOUBLE", "DATETIME"),
    prefix: "{}",
    time_is_text: false,
    null_is_first: true,
    filtered_sum_is_zero: true,
    // DECIMAL with four digits more than the integers have.
    mean_error: 0.000_05,
};

pub const MYSQL: Engine = Engine {
    bridge: "mysql",
    ..MARIADB
};

pub const SQLITE: Engine = Engine {
    bridge: "sqlite",
    types: ("TEXT", "REAL", "TEXT"),
    prefix: "",
    time_is_text: true,
    null_is_first: true,
    filtered_sum_is_zero: true,
    mean_error: 0.0,
};

impl Engine {
    /// A table's name in a statement of the tests.
    pub fn quoted(&self, table: &str) -> String {
        format!("{}{table}", self.prefix)
    }

    /// What a cell is as a number of a measure.
    pub fn number(&self, cell: &Cell) -> Option<f64> {
        match cell {
            Cell::Number(number) => Some(*number),
            Cell::Time(moment) if !self.time_is_text => Some(millis(*moment) as f64),
            _ => None,
        }
    }

    /// How rows show a cell.
    pub fn shown(&self, cell: &Cell) -> Value {
        match cell {
            Cell::Null => Value::Null,
            Cell::Number(number) => json!(number),
            Cell::Text(text) => json!(text),
            Cell::Time(moment) if self.time_is_text => json!(moment.to_string()),
            Cell::Time(moment) => json!(format!("{}.000Z", moment.to_string().replace(' ', "T"))),
        }
    }

    /// The ascending order of cells.
    pub fn order(&self, one: &Cell, other: &Cell) -> Ordering {
        let null = if self.null_is_first {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        match (one, other) {
            (Cell::Null, Cell::Null) => Ordering::Equal,
            (Cell::Null, _) => null,
            (_, Cell::Null) => null.reverse(),
            (Cell::Number(one), Cell::Number(other)) => one.partial_cmp(other).unwrap(),
            (Cell::Text(one), Cell::Text(other)) => one.cmp(other),
            (Cell::Time(one), Cell::Time(other)) => one.cmp(other),
            _ => panic!("cells of two types in one column"),
        }
    }
}
