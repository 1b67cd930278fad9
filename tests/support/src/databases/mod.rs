//! The databases of the tests. Servers are named by variables that `scripts/test.sh` sets; where one is
//! missing, the tests that need it say so and pass, unless `TEST_REQUIRE_SERVERS` says otherwise.

mod clickhouse;
mod d1;
mod mongodb;
mod mongodb_client;
mod mysql;
mod postgres;
mod private;
mod private_redis;
mod redis;
mod sqlite;
mod turso;

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use url::Url;

pub use self::clickhouse::ClickhouseDatabase;
pub use self::d1::D1Database;
pub use self::mongodb::{MongodbDatabase, MongodbSet, mongodb_certificates};
pub use self::mongodb_client::MongodbClient;
pub use self::mysql::MysqlDatabase;
pub use self::postgres::PostgresDatabase;
pub use self::private::PrivateServer;
pub use self::private_redis::PrivateRedis;
pub use self::redis::{RedisClient, RedisKeys, RedisReply, redis};
pub use self::sqlite::SqliteDatabase;
pub use self::turso::TursoDatabase;

/// A database of one test, whatever its engine.
///
/// `usual` constructors make what many tests need: `one`, a table whose only row is `id` 1; `sleeper`, a view that
/// takes a minute or more; `nap`, one that takes two seconds (not on SQLite, which cannot wait).
pub trait Database {
    /// The database as a managed source.
    fn source(&self) -> Value;

    /// A table or view as a job's target.
    fn target(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// A source as it is, for what is kept elsewhere.
impl Database for Value {
    fn source(&self) -> Value {
        self.clone()
    }
}

impl Database for Box<dyn Database> {
    fn source(&self) -> Value {
        (**self).source()
    }

    fn target(&self, name: &str) -> String {
        (**self).target(name)
    }
}

/// A database on a server, where statements can be watched.
pub trait ServerDatabase: Database {
    /// Waits until so many statements are running; panics after `limit`, tells how long it took.
    #[track_caller]
    fn wait_active(&self, count: usize, limit: Duration) -> Duration;
}

/// A PostgreSQL with the conformance fixtures.
pub fn postgres() -> Option<String> {
    server("TEST_POSTGRES_URL")
}

/// A PgBouncer in transaction mode in front of it.
pub fn pgbouncer() -> Option<String> {
    server("TEST_PGBOUNCER_URL")
}

/// A MariaDB with the conformance fixtures.
pub fn mariadb() -> Option<String> {
    server("TEST_MARIADB_URL")
}

/// A MySQL 9 with the conformance fixtures.
pub fn mysql9() -> Option<String> {
    server("TEST_MYSQL_URL")
}

/// A MongoDB with the conformance fixtures.
pub fn mongodb() -> Option<String> {
    server("TEST_MONGODB_URL")
}

/// The API of a D1, whose account `acct` has the database `db`, with the conformance fixtures and the token `token`.
pub fn d1() -> Option<String> {
    server("TEST_D1_URL")
}

/// A ClickHouse with the conformance fixtures.
pub fn clickhouse() -> Option<String> {
    server("TEST_CLICKHOUSE_URL")
}

/// A real ClickHouse of 2018, which has users and processes, but no parameters.
pub fn clickhouse_old() -> Option<String> {
    server("TEST_CLICKHOUSE_OLD_URL")
}

/// A server of Turso with the conformance fixtures, which asks for no token.
pub fn turso() -> Option<String> {
    server("TEST_TURSO_URL")
}

/// The folder with the tokens of a second one, and its address.
pub fn turso_tokens() -> Option<PathBuf> {
    server("TEST_TURSO_TOKENS").map(PathBuf::from)
}

/// Of every engine with a login of its own the servers that are there: the bridge, and the URL.
pub fn with_logins() -> Vec<(&'static str, String)> {
    let all = [
        ("postgres", postgres()),
        ("postgres", pgbouncer()),
        ("mysql", mariadb()),
        ("mysql", mysql9()),
        ("mongodb", mongodb()),
        ("clickhouse", clickhouse()),
        ("redis", redis()),
    ];
    let there = all.into_iter();
    there
        .filter_map(|(bridge, url)| Some((bridge, url?)))
        .collect()
}

fn server(variable: &str) -> Option<String> {
    let url = env::var(variable).ok().filter(|url| !url.is_empty());
    if url.is_none() {
        let parts: Vec<_> = variable.split('_').collect();
        let why = format!("{variable} is not set (scripts/test.sh sets it)");
        skipped(&parts[1].to_lowercase(), &why);
    }
    url
}

/// Says why a test of this engine cannot be had here; it passes then. It fails where `TEST_REQUIRE_SERVERS` names the
/// engine, as it does in CI, or is 1.
#[track_caller]
fn skipped(engine: &str, why: &str) {
    let required = env::var("TEST_REQUIRE_SERVERS").unwrap_or_default();
    assert!(
        required != "1" && !required.split(' ').any(|name| name == engine),
        "a server of {engine} is required, but {why}"
    );
    println!("skipped: {why}");
}

/// The same server with another database.
pub fn with_database(url: &str, database: &str) -> String {
    let mut url = Url::parse(url).expect("a database URL");
    url.set_path(database);
    url.into()
}

/// The same server with another user, whose password is the same word.
pub fn with_user(url: &str, user: &str) -> String {
    with_credentials(url, user, user)
}

/// The same server with another user and password.
pub fn with_credentials(url: &str, user: &str, password: &str) -> String {
    let mut url = Url::parse(url).expect("a database URL");
    url.set_username(user).expect("a URL with a user");
    url.set_password(Some(password))
        .expect("a URL with a password");
    url.into()
}

/// Where the server behind a URL listens.
pub fn address(url: &str) -> SocketAddr {
    let url = Url::parse(url).expect("a database URL");
    url.socket_addrs(|| None).expect("an address")[0]
}

/// The same database through another address, such as a relay's.
pub fn with_address(url: &str, address: SocketAddr) -> String {
    let mut url = Url::parse(url).expect("a database URL");
    url.set_ip_host(address.ip()).expect("a URL with a host");
    url.set_port(Some(address.port()))
        .expect("a URL with a port");
    url.into()
}
