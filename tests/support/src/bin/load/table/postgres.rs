//! PostgreSQL: against pgbench, against `COPY` through psql, and against a bare loop over the driver.

use runner_testkit::databases::PostgresDatabase;

use super::{
    Bench, Contest, Figures, Notes, Row, Target, Unit, bulk, lookups, median, row, thousands,
};
use crate::database::{Engine, Source};
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
    rows.extend(bulk::measure(
        bench,
        GROUP,
        &source,
        &tables,
        Some(copy),
        notes,
    ));
    rows.extend(whole_table(bench, &source, &tables));
    rows
}

fn whole_table(bench: &Bench, source: &Source, tables: &Tables) -> Vec<Row> {
    let mut contest = Contest::start(bench, &[source]);
    let copy = reference::rows_statement(source.engine, &tables.rows, None);
    let sql = reference::aggregate_statement(&tables.rows);
    let [mut walked, mut first, mut last, mut grouped]: [Figures; 4] = Default::default();
    let [mut copied, mut psql]: [Vec<f64>; 2] = Default::default();
    for _ in 0..bench.rounds {
        let walks = contest.each(|session| {
            let walk = walk::run(session, &tables.rows)?;
            match walk.rows == tables.walk {
                true => Ok(walk),
                false => Err(format!("{} rows instead of {}", walk.rows, tables.walk)),
            }
        });
        walked.add(&walks, |walk| walk.rows as f64 / walk.total().as_secs_f64());
        first.add(&walks, |walk| walk.early_page().as_secs_f64() * 1e3);
        last.add(&walks, |walk| walk.late_page().as_secs_f64() * 1e3);
        copied.push(tables.walk as f64 / reference::client(source, &copy).as_secs_f64());
        let answers =
            contest.each(|session| session.ask("aggregate", &tables.rows, &crate::aggregate()));
        grouped.add(&answers, |answer| answer.total.as_secs_f64() * 1e3);
        psql.push(reference::client(source, &sql).as_secs_f64() * 1e3);
    }
    let walk = format!(
        "read of {} rows in pages of 1,000",
        thousands(tables.walk as f64)
    );
    let aggregate = format!("aggregate of {} rows", thousands(tables.walk as f64));
    let copied = Some(("one COPY", median(&copied)));
    let first = Some(("a page at its start", first.medians().runner));
    let psql = Some(("the same SQL in psql", median(&psql)));
    let same = Some(Target::AtMost(1.2));
    vec![
        row(
            GROUP,
            walk,
            Unit::Rate("rows"),
            walked.medians(),
            copied,
            None,
        ),
        row(
            GROUP,
            "a page at the end of that read",
            Unit::Millis,
            last.medians(),
            first,
            same,
        ),
        row(
            GROUP,
            aggregate,
            Unit::Millis,
            grouped.medians(),
            psql,
            None,
        ),
    ]
}
