//! The databases of a soak run.

use runner_testkit::databases::{
    self, ClickhouseDatabase, Database as _, MongodbDatabase, MysqlDatabase, PostgresDatabase,
    RedisKeys, SqliteDatabase,
};
use runner_testkit::fakes::{UPSTASH_TOKEN, upstash};
use runner_testkit::network::closed_port;
use runner_testkit::{FaultProxy, source};
use serde_json::{Value, json};

/// Rows of the large result.
const ROWS: u64 = 5_000;
/// Longest answer that an Upstash gives, as in its cheapest plan.
const UPSTASH_ANSWER: usize = 10 << 20;

/// One database with its source.
pub struct Database {
    /// As a job names it.
    pub source: Value,
    /// The way to it, where there is one.
    pub link: Option<FaultProxy>,
    prefix: String,
    engine: Engine,
}

enum Engine {
    Postgres(PostgresDatabase),
    Mysql(MysqlDatabase),
    Sqlite(#[expect(dead_code, reason = "keeps the file")] SqliteDatabase),
    Mongodb(MongodbDatabase),
    Clickhouse(#[expect(dead_code, reason = "keeps the tables")] ClickhouseDatabase),
    Redis(RedisKeys),
    Upstash(#[expect(dead_code, reason = "keeps the keys")] RedisKeys),
    Nowhere,
}

impl Database {
    fn new(
        bridge: &str,
        config: Value,
        link: Option<FaultProxy>,
        prefix: String,
        engine: Engine,
    ) -> Self {
        Self {
            source: source::managed(bridge, bridge, config),
            link,
            prefix,
            engine,
        }
    }

    /// One at the URL by way of a relay.
    fn linked(bridge: &str, url: &str, prefix: String, engine: Engine) -> Self {
        let link = FaultProxy::start(databases::address(url));
        let config = json!({ "url": databases::with_address(url, link.address) });
        Self::new(bridge, config, Some(link), prefix, engine)
    }

    /// A table as a job's target.
    pub fn target(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Ends every connection to it, as an administrator does.
    pub fn kill_everything(&self) {
        match &self.engine {
            // Not all at once: under load new ones keep coming.
            Engine::Postgres(database) => database.run(&format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()",
                database.name()
            )),
            Engine::Mysql(database) => database.kill(&database.active()),
            Engine::Mongodb(database) => database.kill_everything(),
            Engine::Redis(keys) => keys.kill_everybody(),
            // A file and an HTTP server have no connections that live longer than their link.
            Engine::Sqlite(_) | Engine::Clickhouse(_) | Engine::Upstash(_) | Engine::Nowhere => {}
        }
    }
}

/// Every engine that is there.
pub fn databases() -> Vec<Database> {
    let servers = [
        postgres(),
        mysql("mariadb", databases::mariadb()),
        mysql("mysql", databases::mysql9()),
        mongodb(),
        clickhouse(),
        redis(),
        over_rest(),
    ];
    servers.into_iter().flatten().chain([sqlite()]).collect()
}

/// A database that nobody serves.
pub fn nowhere() -> Database {
    let url = format!("postgres://u:p@127.0.0.1:{}/d", closed_port());
    let source = source::managed("nowhere", "postgres", json!({ "url": url }));
    Database {
        source,
        link: None,
        prefix: String::new(),
        engine: Engine::Nowhere,
    }
}

fn postgres() -> Option<Database> {
    let database = PostgresDatabase::with(&format!(
        "CREATE TABLE people (id integer PRIMARY KEY, name text); INSERT INTO people SELECT i, 'n' || i FROM generate_series(1, 100) i;
         CREATE TABLE large AS SELECT i AS id, repeat('x', 300) AS filler FROM generate_series(1, {ROWS}) i;
         CREATE VIEW slow AS SELECT 1 AS id, pg_sleep(30)::text AS slept"
    ))?;
    let url = database.url.clone();
    let engine = Engine::Postgres(database);
    Some(Database::linked("postgres", &url, String::new(), engine))
}

fn mysql(bridge: &str, server: Option<String>) -> Option<Database> {
    let database = MysqlDatabase::create(
        &server?,
        "CREATE TABLE {}d (d INT); INSERT INTO {}d VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9);
         CREATE TABLE {}people (id INT PRIMARY KEY, name TEXT); INSERT INTO {}people SELECT a.d + 10 * b.d + 1, 'n' FROM {}d a, {}d b;
         CREATE TABLE {}large AS SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 1 AS id, REPEAT('x', 300) AS filler
           FROM {}d a, {}d b, {}d c, {}d e WHERE e.d < 5;
         CREATE VIEW {}slow AS SELECT d AS id, SLEEP(30) AS slept FROM {}d WHERE d = 1",
    );
    let (url, prefix) = (database.url.clone(), database.target(""));
    let engine = Engine::Mysql(database);
    Some(Database::linked(bridge, &url, prefix, engine))
}

fn mongodb() -> Option<Database> {
    let database = MongodbDatabase::empty()?;
    database.generate(
        "people",
        100,
        json!({ "name": { "$concat": ["n", { "$toString": "$i" }] } }),
    );
    database.generate(
        "large",
        ROWS,
        json!({ "filler": { "$literal": "x".repeat(300) } }),
    );
    database.generate("one", 1, json!({}));
    database.create_sleeper("slow", 30_000);
    let url = databases::with_database(&database.url, "workload");
    let prefix = database.target("");
    let engine = Engine::Mongodb(database);
    Some(Database::linked("mongodb", &url, prefix, engine))
}

fn clickhouse() -> Option<Database> {
    let database = ClickhouseDatabase::current(&format!(
        "CREATE TABLE {{}}people (id UInt32, name String) ENGINE = MergeTree ORDER BY id;
         INSERT INTO {{}}people SELECT number + 1, 'n' FROM numbers(100);
         CREATE TABLE {{}}large (id UInt32, filler String) ENGINE = MergeTree ORDER BY id;
         INSERT INTO {{}}large SELECT number + 1, repeat('x', 300) FROM numbers({ROWS});
         CREATE VIEW {{}}slow AS SELECT sum(s) AS id FROM
           (SELECT sleep(0.1) AS s FROM (SELECT number FROM system.numbers LIMIT 20000000))"
    ))?;
    let (url, prefix) = (database.url.clone(), database.target(""));
    let engine = Engine::Clickhouse(database);
    Some(Database::linked("clickhouse", &url, prefix, engine))
}

fn redis() -> Option<Database> {
    let keys = keys(&databases::redis()?);
    let (url, prefix) = (keys.url.clone(), keys.target(""));
    Some(Database::linked("redis", &url, prefix, Engine::Redis(keys)))
}

/// The REST front end of Upstash on keys of its own.
fn over_rest() -> Option<Database> {
    let keys = keys(&databases::redis()?);
    let url = upstash(&keys.url, UPSTASH_ANSWER);
    let link = FaultProxy::start(databases::address(&url));
    let config =
        json!({ "url": databases::with_address(&url, link.address), "token": UPSTASH_TOKEN });
    let prefix = keys.target("");
    Some(Database::new(
        "upstash",
        config,
        Some(link),
        prefix,
        Engine::Upstash(keys),
    ))
}

/// Nothing in a key-value store is slow by itself, so it has no such target.
fn keys(server: &str) -> RedisKeys {
    let keys = RedisKeys::on(server);
    let people = (1..=100).map(|i| (i.to_string(), format!("{{\"id\":{i},\"name\":\"n{i}\"}}")));
    keys.fill("people", people);
    let filler = "x".repeat(300);
    let large = (1..=ROWS).map(|i| {
        (
            i.to_string(),
            format!("{{\"id\":{i},\"filler\":\"{filler}\"}}"),
        )
    });
    keys.fill("large", large);
    keys
}

fn sqlite() -> Database {
    let database = SqliteDatabase::create(&format!(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO people SELECT i, 'n' FROM n;
         CREATE TABLE large (id INTEGER PRIMARY KEY, filler TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) INSERT INTO large SELECT i, printf('%0300d', i) FROM n;
         CREATE VIEW slow AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS id FROM n"
    ));
    let config = json!({ "path": database.path() });
    Database::new(
        "sqlite",
        config,
        None,
        String::new(),
        Engine::Sqlite(database),
    )
}
