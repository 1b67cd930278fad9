//! PostgreSQL: against pgbench, against `COPY` through psql, and against a bare loop over the driver.

use runner_testkit::databases::PostgresDatabase;

use super::{Bench, Notes, Row, Target, Unit, bulk, lookups, median, row, thousands};
use crate::database::{Engine, Source};
use crate::session::Session;
use crate::tables::Tables;
use crate::{reference, walk};

const GROUP: &str = "PostgreSQL";

/// Measures it on a database of its own.
pub fn measure(bench: &Bench, notes: &mut Notes) -> Vec<Row> {
    super::progress(GROUP);
    let database = PostgresDatabase::create(&bench.postgres, "");
    let source = Source::of(Engine::Postgres, &database.url);
    let tables = Tables::new("", bench.rows);
    source.run(&tables.script(source.engine));
    let copy = "COPY (SELECT row_to_json(t) …)";
    let mut rows = lookups::measure(bench, GROUP, &source, &tables, notes);
    rows.extend(bulk::measure(bench, GROUP, &source, &tables, copy, notes));
    rows.extend(whole_table(bench, &source, &tables));
    rows
}

fn whole_table(bench: &Bench, source: &Source, tables: &Tables) -> Vec<Row> {
    let mut session = Session::start(&bench.runner, &[source]);
    let copy = reference::rows_statement(source.engine, &tables.rows, None);
    let sql = reference::aggregate_statement(&tables.rows);
    let [
        mut walked,
        mut first,
        mut last,
        mut copied,
        mut grouped,
        mut psql,
    ]: [Vec<f64>; 6] = Default::default();
    for _ in 0..bench.rounds {
        let walk = walk::run(&mut session, &tables.rows);
        assert_eq!(walk.rows, tables.walk, "not the whole table");
        walked.push(walk.rows as f64 / walk.total().as_secs_f64());
        first.push(walk.early_page().as_secs_f64() * 1e3);
        last.push(walk.late_page().as_secs_f64() * 1e3);
        copied.push(tables.walk as f64 / reference::client(source, &copy).as_secs_f64());
        let answer = session.ask("aggregate", &tables.rows, &crate::aggregate());
        grouped.push(answer.total.as_secs_f64() * 1e3);
        psql.push(reference::client(source, &sql).as_secs_f64() * 1e3);
    }
    let walk = format!(
        "read of {} rows in pages of 1,000",
        thousands(tables.walk as f64)
    );
    let aggregate = format!("aggregate of {} rows", thousands(tables.walk as f64));
    let copied = Some(("one COPY", median(&copied)));
    let first = Some(("a page at its start", median(&first)));
    let psql = Some(("the same SQL in psql", median(&psql)));
    let same = Some(Target::AtMost(1.2));
    vec![
        row(
            GROUP,
            walk,
            Unit::Rate("rows"),
            median(&walked),
            copied,
            None,
        ),
        row(
            GROUP,
            "a page at the end of that read",
            Unit::Millis,
            median(&last),
            first,
            same,
        ),
        row(GROUP, aggregate, Unit::Millis, median(&grouped), psql, None),
    ]
}
