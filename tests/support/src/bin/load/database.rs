//! The databases under load.

use mysql::prelude::Queryable;

/// A database by its URL, or a SQLite file by its path.
#[derive(Debug, Clone)]
pub struct Source {
    /// As it was given.
    pub url: String,
    /// Which it is.
    pub engine: Engine,
}

/// Kinds of databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    Mysql,
    /// A SQLite file.
    Sqlite,
    /// MongoDB; the URL names the database.
    Mongodb,
    /// ClickHouse.
    Clickhouse,
    /// Redis.
    Redis,
    /// The REST front end of Upstash, with this token.
    Upstash(&'static str),
}

impl Source {
    /// Tells the engine by the scheme. Those that are no SQL have their tables made by the measures themselves.
    pub fn parse(url: &str) -> Result<Self, String> {
        let engine = match url.split_once("://") {
            Some(("postgres" | "postgresql", _)) => Engine::Postgres,
            Some(("mysql" | "mariadb", _)) => Engine::Mysql,
            Some((scheme, _)) => {
                return Err(format!(
                    "{scheme} is no scheme of a database that is measured alone"
                ));
            }
            None => Engine::Sqlite,
        };
        Ok(Self::of(engine, url))
    }

    /// A database of this engine.
    pub fn of(engine: Engine, url: &str) -> Self {
        Self {
            url: url.to_owned(),
            engine,
        }
    }

    /// A connection to a PostgreSQL.
    pub fn postgres(&self) -> postgres::Client {
        postgres::Client::connect(&self.url, postgres::NoTls).expect("a Postgres connection")
    }

    /// A connection to a MySQL or MariaDB.
    pub fn mysql(&self) -> mysql::Conn {
        mysql::Conn::new(self.url.as_str()).expect("a MySQL connection")
    }

    /// A SQLite file.
    pub fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(&self.url).expect("a SQLite file")
    }

    /// Runs statements of SQL, separated by `;`.
    pub fn run(&self, script: &str) {
        let mut run: Box<dyn FnMut(&str)> = match self.engine {
            Engine::Postgres => {
                let mut client = self.postgres();
                Box::new(move |sql| client.batch_execute(sql).expect(sql))
            }
            Engine::Mysql => {
                let mut client = self.mysql();
                Box::new(move |sql| client.query_drop(sql).expect(sql))
            }
            Engine::Sqlite => {
                let client = self.sqlite();
                Box::new(move |sql| client.execute_batch(sql).expect(sql))
            }
            other => panic!("{other:?} has no script"),
        };
        let statements = script.split(';').map(str::trim);
        for statement in statements.filter(|statement| !statement.is_empty()) {
            run(statement);
        }
    }

    /// The bridge for it.
    pub fn bridge(&self) -> &'static str {
        match self.engine {
            Engine::Postgres => "postgres",
            Engine::Mysql => "mysql",
            Engine::Sqlite => "sqlite",
            Engine::Mongodb => "mongodb",
            Engine::Clickhouse => "clickhouse",
            Engine::Redis => "redis",
            Engine::Upstash(_) => "upstash",
        }
    }

    /// Keys and values that describe it in the environment.
    pub fn keys(&self) -> Vec<(&'static str, &str)> {
        match self.engine {
            Engine::Sqlite => vec![("PATH", &self.url)],
            Engine::Upstash(token) => vec![("URL", &self.url), ("TOKEN", token)],
            _ => vec![("URL", &self.url)],
        }
    }
}
