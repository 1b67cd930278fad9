//! Random questions about random small tables: the answer of every engine equals a fold over the rows in
//! memory. A failure names the seed; `AGGREGATE_SEED` runs another thousand.
#![cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod engine;
mod filter;
mod fold;
mod label;
mod random;
mod table;

use std::time::Duration;

use runner_testkit::databases::{self, MysqlDatabase, PostgresDatabase, SqliteDatabase};
use runner_testkit::{Gateway, runner, source, watchdog};
use serde_json::{Value, json};

use engine::{Engine, MARIADB, MYSQL, POSTGRES, SQLITE};
use random::Random;
use table::Table;

const TABLES: u64 = 20;
const REQUESTS: u64 = 50;

/// The tables of one run, and the seed they are made of.
fn tables() -> (u64, Random, Vec<Table>) {
    let seed = std::env::var("AGGREGATE_SEED").map_or(20_260_503, |seed| seed.parse().unwrap());
    let mut random = Random::new(seed);
    let tables = (0..TABLES)
        .map(|i| random::table(&mut random, format!("data{i}")))
        .collect();
    (seed, random, tables)
}

fn sql(engine: &Engine, tables: &[Table]) -> String {
    let mut sql = table::others(engine);
    tables
        .iter()
        .for_each(|table| sql.push_str(&table.sql(engine)));
    sql
}

#[test]
fn postgres_answers_as_a_fold_does() {
    let Some(server) = databases::postgres() else {
        return;
    };
    let (seed, random, tables) = tables();
    let database = PostgresDatabase::create(&server, &sql(&POSTGRES, &tables));
    // Buckets are UTC whatever the session says, the time that goes in included.
    database.run(&format!(
        "ALTER DATABASE {} SET TimeZone = 'Asia/Tokyo'",
        database.name()
    ));
    let config = json!({ "url": database.url });
    compare(&POSTGRES, seed, random, &tables, config, str::to_owned);
}

#[test]
fn mariadb_answers_as_a_fold_does() {
    let Some(server) = databases::mariadb() else {
        return;
    };
    let (seed, random, tables) = tables();
    let database = MysqlDatabase::create(&server, &sql(&MARIADB, &tables));
    let config = json!({ "url": database.url.replacen("mysql:", "mariadb:", 1) });
    compare(&MARIADB, seed, random, &tables, config, |name| {
        database.target(name)
    });
}

#[test]
fn mysql9_answers_as_a_fold_does() {
    let Some(server) = databases::mysql9() else {
        return;
    };
    let (seed, random, tables) = tables();
    let database = MysqlDatabase::create(&server, &sql(&MYSQL, &tables));
    let config = json!({ "url": database.url });
    compare(&MYSQL, seed, random, &tables, config, |name| {
        database.target(name)
    });
}

#[test]
fn sqlite_answers_as_a_fold_does() {
    let (seed, random, tables) = tables();
    let database = SqliteDatabase::create(&sql(&SQLITE, &tables));
    let config = json!({ "path": database.path() });
    compare(&SQLITE, seed, random, &tables, config, str::to_owned);
}

/// Asks everything there is to ask.
fn compare(
    engine: &Engine,
    seed: u64,
    mut random: Random,
    tables: &[Table],
    config: Value,
    target: impl Fn(&str) -> String,
) {
    let _watchdog = watchdog(Duration::from_secs(240));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, Duration::from_secs(10));
    let source = source::managed("s", engine.bridge, config);
    let mut asked = 0;
    for table in tables {
        let jobs: Vec<_> = (0..REQUESTS)
            .map(|_| {
                let options = random::request(&mut random);
                let mut sent = options.clone();
                for join in sent["joins"].as_array_mut().into_iter().flatten() {
                    join["target"] = json!(target("others"));
                }
                let job = gateway.dispatch(&source, "aggregate", &target(&table.name), sent);
                (options, job)
            })
            .collect();
        for (options, job) in jobs {
            let got = job.wait().result("aggregate");
            let want = Value::Array(fold::fold(engine, table, &options));
            let agrees = got
                .as_ref()
                .is_ok_and(|got| same_buckets(engine, &options, &want, got));
            assert!(
                agrees,
                "{} disagrees on {} (seed {seed}, request {asked})\noptions: {options}\nwant: {want}\ngot: {got:?}",
                engine.bridge, table.name
            );
            asked += 1;
        }
    }
    println!("{}: {asked} requests agree (seed {seed})", engine.bridge);
}

/// In order where there is one, as a bag otherwise.
fn same_buckets(engine: &Engine, options: &Value, want: &Value, got: &Value) -> bool {
    let (want, got) = (want.as_array().unwrap(), got.as_array().unwrap());
    let is = |one: &Value, other: &Value| same(one, other, engine.mean_error);
    if want.len() != got.len() {
        return false;
    }
    if options["sort"].is_array() {
        return want.iter().zip(got).all(|(want, got)| is(want, got));
    }
    let found = |want: &Value| got.iter().filter(|got| is(want, got)).count();
    want.iter().all(|bucket| found(bucket) == 1)
}

/// Equal, with numbers that may differ by so much.
fn same(want: &Value, got: &Value, error: f64) -> bool {
    match (want, got) {
        (Value::Number(want), Value::Number(got)) => {
            let (want, got) = (want.as_f64().unwrap(), got.as_f64().unwrap());
            (want - got).abs() <= 1e-9 * want.abs().max(got.abs()) + error
        }
        (Value::Array(want), Value::Array(got)) => {
            want.len() == got.len()
                && want
                    .iter()
                    .zip(got)
                    .all(|(want, got)| same(want, got, error))
        }
        (Value::Object(want), Value::Object(got)) => {
            let has = |(key, want): (&String, &Value)| {
                got.get(key).is_some_and(|got| same(want, got, error))
            };
            want.len() == got.len() && want.iter().all(has)
        }
        _ => want == got,
    }
}
