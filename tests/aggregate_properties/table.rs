//! The tables the questions are about.

use std::fmt;

use serde_json::Value;

use crate::engine::Engine;

/// A row of a table.
pub struct Row {
    pub id: i64,
    pub g: Option<String>,
    pub h: Option<i64>,
    pub n: Option<i64>,
    pub x: Option<f64>,
    pub at: Option<Moment>,
    /// Id of a row of `others`.
    pub f: Option<i64>,
}

/// A table.
pub struct Table {
    pub name: String,
    pub rows: Vec<Row>,
}

/// A minute, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
        } = self;
        write!(f, "{year}-{month:02}-{day:02} {hour:02}:{minute:02}:00")
    }
}

/// A value of a column.
#[derive(Clone, PartialEq)]
pub enum Cell {
    Null,
    Number(f64),
    Text(String),
    Time(Moment),
}

/// The table that `f` points into: ids 1 to 4, of which one has no tier.
pub const OTHERS: [(i64, Option<&str>); 4] =
    [(1, Some("a")), (2, Some("b")), (3, None), (4, Some("a"))];

impl Row {
    /// A column of the row, or of its partner in `others`.
    pub fn cell(&self, column: &str) -> Cell {
        let number = |value: Option<f64>| value.map_or(Cell::Null, Cell::Number);
        match column {
            "id" => Cell::Number(self.id as f64),
            "g" => self.g.clone().map_or(Cell::Null, Cell::Text),
            "h" => number(self.h.map(|h| h as f64)),
            "n" => number(self.n.map(|n| n as f64)),
            "x" => number(self.x),
            "at" => self.at.map_or(Cell::Null, Cell::Time),
            "tier" => {
                let partner = OTHERS.iter().find(|(id, _)| Some(*id) == self.f);
                partner
                    .and_then(|(_, tier)| *tier)
                    .map_or(Cell::Null, |tier| Cell::Text(tier.to_owned()))
            }
            other => panic!("no column {other}"),
        }
    }
}

impl Table {
    /// The statements that make the table.
    pub fn sql(&self, engine: &Engine) -> String {
        let name = engine.quoted(&self.name);
        let (text, double, time) = engine.types;
        let mut sql = format!(
            "CREATE TABLE {name} (id INT PRIMARY KEY, g {text}, h INT, n INT, x {double}, at {time}, f INT);"
        );
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                let cells =
                    ["id", "g", "h", "n", "x", "at"].map(|column| literal(&row.cell(column)));
                let f = row.f.map_or("NULL".to_owned(), |f| f.to_string());
                format!("({}, {f})", cells.join(", "))
            })
            .collect();
        if !rows.is_empty() {
            sql.push_str(&format!("INSERT INTO {name} VALUES {};", rows.join(", ")));
        }
        sql
    }
}

/// The statements that make `others`.
pub fn others(engine: &Engine) -> String {
    let name = engine.quoted("others");
    let rows = OTHERS.map(|(id, tier)| {
        let tier = tier.map_or(Cell::Null, |tier| Cell::Text(tier.to_owned()));
        format!("({id}, {})", literal(&tier))
    });
    format!(
        "CREATE TABLE {name} (id INT PRIMARY KEY, tier {}); INSERT INTO {name} VALUES {};",
        engine.types.0,
        rows.join(", ")
    )
}

fn literal(cell: &Cell) -> String {
    match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => format!("'{text}'"),
        Cell::Time(moment) => format!("'{moment}'"),
    }
}

/// A JSON value as a cell.
pub fn cell_of(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::String(text) => Cell::Text(text.clone()),
        number => Cell::Number(number.as_f64().unwrap()),
    }
}
