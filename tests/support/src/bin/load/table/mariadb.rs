//! MariaDB: against the `mariadb` client and against a bare loop over the driver. It has no pgbench.

use runner_testkit::databases::MysqlDatabase;

use super::{Bench, Notes, Row, bulk, lookups};
use crate::database::{Engine, Source};
use crate::tables::Tables;

const GROUP: &str = "MariaDB";

/// Measures it on tables of its own.
pub fn measure(bench: &Bench, server: &str, notes: &mut Notes) -> Vec<Row> {
    super::progress(GROUP);
    let database = MysqlDatabase::create(server, "");
    let source = Source::of(Engine::Mysql, &database.url);
    let tables = Tables::new(&database.target(""), 200_000);
    source.run(&tables.script(source.engine));
    let client = "mariadb -e 'SELECT JSON_OBJECT(…)'";
    let mut rows = lookups::measure(bench, GROUP, &source, &tables, notes);
    rows.extend(bulk::measure(
        bench,
        GROUP,
        &source,
        &tables,
        Some(client),
        notes,
    ));
    rows
}
