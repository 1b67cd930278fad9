//! The table of ratios: the runner and its references by turns, so that what else the machine does meets
//! both, and medians of all rounds.

mod bulk;
mod clickhouse;
mod contest;
mod lookups;
mod mariadb;
mod mongodb;
mod plot;
mod postgres;
mod process;
mod redis;
mod row;
mod sqlite;

use std::num::NonZero;
use std::thread;

use crate::session::Program;

pub use contest::{Contest, Figures, Pair};
pub use plot::svg;
pub use row::{Row, Target, Unit, markdown, median, thousands};

/// How much is measured.
pub struct Bench {
    /// The runner, and another one to hold it against, if there is one.
    pub programs: Vec<Program>,
    /// Rounds of every measure.
    pub rounds: usize,
    /// Seconds of a stretch of point jobs.
    pub seconds: f64,
    /// Rows of the large table, and keys of the large store.
    pub rows: u64,
    /// A PostgreSQL on which databases can be created.
    pub postgres: String,
    /// A MariaDB with a database `workload`, where there is one.
    pub mariadb: Option<String>,
    /// A MongoDB with a database `workload`, where there is one.
    pub mongodb: Option<String>,
    /// A ClickHouse, where there is one.
    pub clickhouse: Option<String>,
    /// A Redis, where there is one.
    pub redis: Option<String>,
    /// Where to draw the ratios.
    pub plot: Option<String>,
}

/// What is told under the table.
#[derive(Default)]
pub struct Notes(Vec<String>);

impl Notes {
    fn add(&mut self, line: String) {
        self.0.push(line);
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

/// Measures everything.
pub fn measure(bench: &Bench) -> (Vec<Row>, Notes) {
    let mut notes = Notes::default();
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    notes.add(format!(
        "{cores} cores, shared by the database, the load generator and the runner."
    ));
    let mut rows = postgres::measure(bench, &mut notes);
    if let Some(server) = &bench.mariadb {
        rows.extend(mariadb::measure(bench, server, &mut notes));
    }
    rows.extend(sqlite::measure(bench, &mut notes));
    if let Some(server) = &bench.mongodb {
        rows.extend(mongodb::measure(bench, server, &mut notes));
    }
    if let Some(server) = &bench.clickhouse {
        rows.extend(clickhouse::measure(bench, server, &mut notes));
    }
    if let Some(server) = &bench.redis {
        rows.extend(redis::measure(bench, server, &mut notes));
    }
    rows.extend(process::measure(bench));
    (rows, notes)
}

/// Figures of all rounds of one reference.
#[derive(Default)]
struct Sample {
    rate: Vec<f64>,
    micros: Vec<f64>,
}

impl Sample {
    fn add(&mut self, rate: f64, micros: f64) {
        self.rate.push(rate);
        self.micros.push(micros);
    }

    fn rate(&self) -> f64 {
        median(&self.rate)
    }

    fn micros(&self) -> f64 {
        median(&self.micros)
    }
}

fn row(
    group: &'static str,
    measure: impl Into<String>,
    unit: Unit,
    figures: impl Into<Pair>,
    reference: Option<(&str, f64)>,
    target: Option<Target>,
) -> Row {
    let Pair { runner, other } = figures.into();
    Row {
        group,
        measure: measure.into(),
        unit,
        runner,
        other,
        reference: reference.map(|(name, value)| (name.to_owned(), value)),
        target,
    }
}

fn progress(what: &str) {
    eprintln!("measuring {what}");
}
