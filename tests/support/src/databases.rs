//! The databases of the tests. Servers are named by variables that `scripts/test.sh` sets; where one is
//! missing, the tests that need it say so and pass.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use mysql::prelude::Queryable;
use url::Url;

use crate::temp::TempDir;

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

fn server(variable: &str) -> Option<String> {
    let url = env::var(variable).ok().filter(|url| !url.is_empty());
    if url.is_none() {
        println!("skipped: {variable} is not set (scripts/test.sh sets it)");
    }
    url
}

/// Runs statements on a PostgreSQL and panics if one fails.
pub fn postgres_run(url: &str, sql: &str) {
    postgres_client(url)
        .batch_execute(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// A client of its own for a PostgreSQL.
pub fn postgres_client(url: &str) -> postgres::Client {
    postgres::Client::connect(url, postgres::NoTls).expect("a Postgres connection")
}

/// A client of its own for a MariaDB or MySQL.
pub fn mysql_client(url: &str) -> mysql::Conn {
    mysql::Conn::new(mysql::Opts::from_url(url).expect("a MySQL URL")).expect("a MySQL connection")
}

/// Runs statements, each ended by `;` and a line break, on a MariaDB or MySQL.
pub fn mysql_run(url: &str, sql: &str) {
    let mut client = mysql_client(url);
    for statement in sql
        .split(";\n")
        .filter(|statement| !statement.trim().is_empty())
    {
        client
            .query_drop(statement)
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

/// The same server with another database.
pub fn with_database(url: &str, database: &str) -> String {
    let mut url = Url::parse(url).expect("a database URL");
    url.set_path(database);
    url.into()
}

/// The same server with another user, whose password is the same word.
pub fn with_user(url: &str, user: &str) -> String {
    let mut url = Url::parse(url).expect("a database URL");
    url.set_username(user).expect("a URL with a user");
    url.set_password(Some(user)).expect("a URL with a password");
    url.into()
}

/// Where the server behind a URL listens.
pub fn address(url: &str) -> std::net::SocketAddr {
    let url = Url::parse(url).expect("a database URL");
    let addresses = url.socket_addrs(|| None).expect("an address");
    addresses[0]
}

/// The same database through another address, such as a relay's.
pub fn with_address(url: &str, address: std::net::SocketAddr) -> String {
    let mut url = Url::parse(url).expect("a database URL");
    url.set_ip_host(address.ip()).expect("a URL with a host");
    url.set_port(Some(address.port()))
        .expect("a URL with a port");
    url.into()
}

/// A schema of one test in a PostgreSQL, dropped with everything in it. Tests that run side by side, or twice
/// at once, do not meet.
pub struct Schema {
    /// Its name; a target is `<name>.<table>`.
    pub name: String,
    url: String,
}

impl Schema {
    /// Creates the schema and runs `sql` with it as the search path.
    pub fn create(url: &str, sql: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{}_{number}", std::process::id());
        postgres_run(
            url,
            &format!("CREATE SCHEMA {name}; SET search_path = {name}, public; {sql}"),
        );
        Self {
            name,
            url: url.to_owned(),
        }
    }

    /// A table or view of it as a job's target.
    pub fn target(&self, table: &str) -> String {
        format!("{}.{table}", self.name)
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        if let Ok(mut client) = postgres::Client::connect(&self.url, postgres::NoTls) {
            // A test that failed may have left a statement that holds the table.
            let sql = format!("SET lock_timeout = '2s'; DROP SCHEMA {} CASCADE", self.name);
            let _ = client.batch_execute(&sql);
        }
    }
}

/// A SQLite database made from a script.
pub struct Sqlite {
    folder: TempDir,
}

impl Sqlite {
    /// Runs `sql` on a new database.
    pub fn create(sql: &str) -> Self {
        let sqlite = Self {
            folder: TempDir::new(),
        };
        let database = rusqlite::Connection::open(sqlite.path()).expect("a SQLite database");
        database
            .execute_batch(sql)
            .unwrap_or_else(|error| panic!("{error}"));
        sqlite
    }

    /// Runs the script in this file on a new database.
    pub fn load(script: &Path) -> Self {
        let sql = std::fs::read_to_string(script);
        Self::create(&sql.unwrap_or_else(|error| panic!("{}: {error}", script.display())))
    }

    /// Where the database is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("database.sqlite")
    }
}
