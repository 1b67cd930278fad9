//! Over the drivers of SQL databases.

use std::time::Duration;

use mysql::prelude::Queryable;
use postgres::fallible_iterator::FallibleIterator;

use super::{Floor, repeat, twice};
use crate::database::{Engine, Source};
use crate::tables::Tables;

/// Looks up rows by their key.
pub(super) fn points(source: &Source, tables: &Tables, number: u64, time: Duration) -> Floor {
    let table = &tables.points.target;
    let sql = |parameter| {
        format!(
            "SELECT t.id, t.owner, t.balance, t.note FROM {table} AS t WHERE t.id = {parameter}"
        )
    };
    match source.engine {
        Engine::Postgres => {
            let mut client = source.postgres();
            let statement = client.prepare(&sql("$1")).expect("a statement");
            repeat(number, time, |key| {
                client
                    .query(&statement, &[&(key as i32)])
                    .expect("a row")
                    .len()
            })
        }
        Engine::Mysql => {
            let mut client = source.mysql();
            let statement = client.prep(sql("?")).expect("a statement");
            repeat(number, time, |key| {
                let rows = client.exec_iter(&statement, (key,)).expect("a row");
                rows.inspect(|row| assert!(row.is_ok(), "a row")).count()
            })
        }
        Engine::Sqlite => {
            let client = source.sqlite();
            let mut statement = client.prepare(&sql("?")).expect("a statement");
            repeat(number, time, |key| {
                discard(statement.query([key as i64]).expect("a row"))
            })
        }
        other => panic!("no driver of {other:?} is here"),
    }
}

/// Reads the rows of one `batchRead`.
pub(super) fn rows(source: &Source, tables: &Tables) -> Floor {
    let Tables { rows, bulk, .. } = tables;
    let sql = |limit| {
        format!(
            "SELECT t.id, t.name, t.email, t.amount, t.ratio, t.active, t.created_at, t.note FROM {rows} AS t LIMIT {limit}"
        )
    };
    match source.engine {
        Engine::Postgres => {
            let mut client = source.postgres();
            let statement = client.prepare(&sql("$1")).expect("a statement");
            twice(|| {
                let rows = client.query_raw(&statement, [*bulk as i64]).expect("rows");
                rows.count().expect("rows")
            })
        }
        Engine::Mysql => {
            let mut client = source.mysql();
            let statement = client.prep(sql("?")).expect("a statement");
            twice(|| {
                let rows = client.exec_iter(&statement, (*bulk,)).expect("rows");
                rows.inspect(|row| assert!(row.is_ok(), "a row")).count()
            })
        }
        Engine::Sqlite => {
            let client = source.sqlite();
            let mut statement = client.prepare(&sql("?")).expect("a statement");
            twice(|| discard(statement.query([*bulk as i64]).expect("rows")))
        }
        other => panic!("no driver of {other:?} is here"),
    }
}

fn discard(mut rows: rusqlite::Rows<'_>) -> usize {
    let mut count = 0;
    while let Some(row) = rows.next().expect("a row") {
        for column in 0..row.as_ref().column_count() {
            std::hint::black_box(row.get_ref(column).expect("a value"));
        }
        count += 1;
    }
    count
}
