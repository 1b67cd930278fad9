//! ClickHouse: rows, against `curl` of the same statement. It is no store to look up single rows in.

use runner_testkit::databases::ClickhouseDatabase;

use super::{Bench, Notes, Row, bulk};
use crate::database::{Engine, Source};
use crate::tables::{self, Tables};

/// Measures it on a table of its own.
pub fn measure(bench: &Bench, server: &str, notes: &mut Notes) -> Vec<Row> {
    const GROUP: &str = "ClickHouse";
    super::progress(GROUP);
    let size = 200_000;
    let note = tables::NOTE;
    let database = ClickhouseDatabase::on(
        server,
        &format!(
            "CREATE TABLE {{}}bench_rows (id UInt32, name String, email String, amount Decimal(10, 2), ratio Float64,
               active Bool, created_at DateTime('UTC'), note Nullable(String)) ENGINE = MergeTree ORDER BY id;
             INSERT INTO {{}}bench_rows SELECT number + 1 AS i, concat('Person number ', toString(i)),
               concat('person', toString(i), '@example.com'), toDecimal64((i * 7 % 100003) / 100, 2), i / 7, i % 2 = 1,
               toDateTime('2024-01-01 00:00:00', 'UTC') + i * 7, if(i % 10 = 0, NULL, '{note}')
               FROM numbers({size})"
        ),
    );
    let source = Source::of(Engine::Clickhouse, &database.url);
    let tables = Tables::new(&database.target(""), size);
    bulk::measure(
        bench,
        GROUP,
        &source,
        &tables,
        Some("curl of the same rows as JSONEachRow"),
        notes,
    )
}
