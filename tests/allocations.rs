//! Nothing is allocated for a row on its way from the driver into the frame. What a driver allocates by itself
//! is measured by a bare loop over it and taken off.
#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use postgres::fallible_iterator::FallibleIterator;
use postgres::{Client, NoTls};
use runner_testkit::databases::{self, Database, MysqlDatabase, PostgresDatabase, SqliteDatabase};
use runner_testkit::watchdog;
use semilayer_runner::bridges::{self, Bridge};
use semilayer_runner::job::{
    ChunkLimits, FrameOut, JobControl, QueueSender, RowSink, Slot, Wakeup,
};
use semilayer_runner::options::{JobKind, Request};
use semilayer_runner::sources::{CredentialsLocation, Source};
use serde_json::{Value, json};

const FEW: u64 = 1_000;
const MANY: u64 = 100_000;
/// What more rows may cost beside the driver: a chunk's text and its frame, 200 times in a hundred thousand
/// rows, and nothing a row.
const MOST: u64 = (MANY - FEW) / 100;

/// Columns that every engine has; each test adds its own.
const COLUMNS: &str = "i AS id, 'Person number' AS name, 'person@example.com' AS email, i * 1.25 AS amount, \
     i / 7.0e0 AS ratio, i % 2 = 0 AS active, NULL AS note";

fn source(bridge: &str, config: Value) -> Arc<dyn Bridge> {
    let Value::Object(config) = config else {
        panic!("a configuration is an object");
    };
    let source = Source {
        id: "s".into(),
        name: "s".into(),
        bridge: format!("@semilayer/bridge-{bridge}"),
        credentials: CredentialsLocation::Managed,
        config,
    };
    bridges::open(&source).unwrap()
}

/// Allocations of the thread that answers one `batchRead`. The frames end on another one, as in a runner.
fn answering(bridge: &dyn Bridge, target: &str, rows: u64) -> u64 {
    let options = json!({ "where": {}, "limit": rows });
    let rules = &bridge.package().options;
    let request = Request::parse(JobKind::BatchRead, target, &options, rules).unwrap();
    let job = Arc::new(JobControl::new(
        "j",
        Instant::now() + Duration::from_secs(60),
    ));
    let (frames, taken) = QueueSender::<FrameOut>::queue(8, &Wakeup::default());
    let writer = thread::spawn(move || taken.iter().map(|frame| frame.rows).sum::<u64>());
    let mut sink = RowSink::new(job.clone(), frames, ChunkLimits::default(), Slot::Rows);
    let counted = allocation_counter::measure(|| {
        bridge.run(&job, &request, &mut sink).unwrap();
        sink.flush().unwrap();
    });
    drop(sink);
    assert_eq!(writer.join().unwrap(), rows);
    counted.count_total
}

/// Allocations of a bare loop.
fn looping(mut read: impl FnMut(u64) -> usize, rows: u64) -> u64 {
    let counted = allocation_counter::measure(|| {
        assert_eq!(read(rows) as u64, rows);
    });
    counted.count_total
}

/// What so many more rows cost, once everything is warm.
fn growth(mut count: impl FnMut(u64) -> u64) -> u64 {
    count(FEW);
    let few = count(FEW);
    count(MANY).saturating_sub(few)
}

#[track_caller]
fn check(engine: &str, runner: u64, driver: u64) {
    println!(
        "{engine}: {} more rows cost {runner} allocations, {driver} of them the driver's",
        MANY - FEW
    );
    assert!(
        runner <= driver + MOST,
        "{engine}: {runner} allocations, and the driver alone makes {driver}"
    );
}

#[test]
fn postgres_rows_cost_what_the_driver_takes() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Some(server) = databases::postgres() else {
        return;
    };
    let table = format!(
        "CREATE TABLE rows_ AS SELECT {COLUMNS}, now() AS created, DATE '2024-01-01' AS day, i::int8 AS big, \
         '{{\"a\": [1, 2]}}'::jsonb AS document, '\\x00ff'::bytea AS raw, gen_random_uuid() AS uuid, \
         ARRAY[1, 2] AS list, i::float4 AS single, INTERVAL '1 day 2 hours' AS span, '10.0.0.1'::inet AS address, \
         point(1, 2) AS place, '12:00'::time AS clock FROM generate_series(1, {MANY}) i"
    );
    let database = PostgresDatabase::create(&server, &table);
    let bridge = source("postgres", json!({ "url": database.url }));
    let runner = growth(|rows| answering(&*bridge, "rows_", rows));
    let mut client = Client::connect(&database.url, NoTls).unwrap();
    let statement = client.prepare("SELECT * FROM rows_ LIMIT $1").unwrap();
    let mut read = |rows: u64| {
        let rows = client.query_raw(&statement, [rows as i64]).unwrap();
        rows.count().unwrap()
    };
    let driver = growth(|rows| looping(&mut read, rows));
    check("PostgreSQL", runner, driver);
}

#[test]
fn mysql_rows_cost_what_the_driver_takes() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Some(server) = databases::mariadb() else {
        return;
    };
    let digit = "(SELECT 0 n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL \
         SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
    let table = format!(
        "CREATE TABLE {{}}rows AS SELECT {COLUMNS}, NOW() AS created, DATE '2024-01-01' AS day, TIME '10:00:00' AS time, \
         CAST(i AS UNSIGNED) AS big, X'00ff' AS raw, '{{\"a\": [1, 2]}}' AS document FROM (SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n \
         AS i FROM {digit} a, {digit} b, {digit} c, {digit} d, {digit} e) numbers"
    );
    let database = MysqlDatabase::create(&server, &table);
    let target = database.target("rows");
    let bridge = source("mariadb", json!({ "url": database.url }));
    let runner = growth(|rows| answering(&*bridge, &target, rows));
    let mut client = mysql::Conn::new(database.url.as_str()).unwrap();
    let sql = format!("SELECT * FROM {target} LIMIT ?");
    let mut read = |rows: u64| {
        let rows = client.exec_iter(&sql, (rows,)).unwrap();
        rows.inspect(|row| assert!(row.is_ok())).count()
    };
    let driver = growth(|rows| looping(&mut read, rows));
    check("MariaDB", runner, driver);
}

#[test]
fn sqlite_rows_cost_nothing() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let database = SqliteDatabase::create(&format!(
        "CREATE TABLE rows_ AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) \
         SELECT {COLUMNS}, X'00ff' AS raw FROM n"
    ));
    let bridge = source("sqlite", json!({ "path": database.path() }));
    let runner = growth(|rows| answering(&*bridge, "rows_", rows));
    check("SQLite", runner, 0);
}

#[cfg(feature = "mongodb")]
#[test]
fn mongodb_documents_cost_nothing() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Some(database) = databases::MongodbDatabase::usual() else {
        return;
    };
    let [one, rows] = ["one", "rows"].map(|name| Database::target(&database, name));
    let document = json!({
        "_id": "$i", "name": "Person number", "email": "person@example.com", "amount": { "$multiply": ["$i", 1.25] },
        "active": true, "note": null, "big": { "$toLong": "$i" }, "exact": { "$toDecimal": "$i" },
        "day": { "$toDate": { "$toLong": "$i" } }, "key": { "$toObjectId": "65f000000000000000000001" },
        "address": { "city": "Paris", "at": [0.5, 1.5] }, "list": [{ "a": 1 }, "b", []],
    });
    let range = json!({ "$range": [0, MANY] });
    let pipeline =
        json!([{ "$project": { "i": range } }, { "$unwind": "$i" }, { "$project": document }]);
    database.run(&json!({ "create": rows, "viewOn": one, "pipeline": pipeline }));
    let config = Database::source(&database)["config"].clone();
    let bridge = source("mongodb", config);
    let runner = growth(|count| answering(&*bridge, &rows, count));
    // A batch takes a command, which is put together anew.
    check("MongoDB", runner, (MANY - FEW) / 100);
}
