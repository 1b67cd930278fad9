//! SQLite: against its shell and against a bare loop over the driver.

use runner_testkit::databases::SqliteDatabase;

use super::{Bench, Notes, Row, bulk};
use crate::database::{Engine, Source};
use crate::tables::Tables;

const GROUP: &str = "SQLite";

/// Measures it on a file of its own.
pub fn measure(bench: &Bench, notes: &mut Notes) -> Vec<Row> {
    super::progress(GROUP);
    let database = SqliteDatabase::create("");
    let source = Source::of(Engine::Sqlite, &database.path().to_string_lossy());
    let tables = Tables::new("", 200_000);
    source.run(&tables.script(source.engine));
    bulk::measure(bench, GROUP, &source, &tables, Some("sqlite3 -json"), notes)
}
