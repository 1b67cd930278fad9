//! A walk gives every row once, whatever a database, its sessions or its server are set to: what becomes of a position
//! between two pages depends on none of it.

use std::collections::BTreeSet;

use runner_testkit::databases::{
    Database, MysqlDatabase, PostgresDatabase, PrivateServer, SqliteDatabase,
};
use runner_testkit::fakes::Pooler;
use runner_testkit::{Session, session, source};
use serde_json::{Value, json};

/// The rows of all pages, which must be those of the table.
#[track_caller]
fn every_row_once(session: &Session, source: &Value, target: &str, limit: usize) {
    let all = session.ask(source, "batchRead", target, json!({})).rows();
    let mut rows = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let options = json!({ "limit": limit, "cursor": cursor });
        let page = session.ask(source, "read", target, options);
        cursor = page.expect_done()["nextCursor"].clone();
        rows.extend(page.rows());
        assert!(rows.len() <= all.len(), "{target}: a row twice: {cursor}");
        if cursor.is_null() {
            break;
        }
    }
    let texts = |rows: &[Value]| rows.iter().map(Value::to_string).collect::<BTreeSet<_>>();
    assert_eq!(
        (rows.len(), texts(&rows)),
        (all.len(), texts(&all)),
        "{target}"
    );
}

/// Tables of PostgreSQL with a key of each type whose text a setting decides.
const KEYS: [(&str, &str, &str); 9] = [
    (
        "instants",
        "k timestamptz PRIMARY KEY",
        "timestamptz '2024-03-09 20:00:00.000001+00' + n * interval '1 hour'",
    ),
    (
        "pairs",
        "k timestamptz, n int, PRIMARY KEY (k, n)",
        "timestamptz '2024-03-09 20:00+00' + n / 3 * interval '1 hour', n",
    ),
    (
        "local",
        "k timestamp PRIMARY KEY",
        "timestamp '2024-01-30 20:00:00' + n * interval '5 hours'",
    ),
    ("days", "k date PRIMARY KEY", "date '2024-01-30' + n"),
    (
        "spans",
        "k interval PRIMARY KEY",
        "n * interval '1 mon -1 day +00:00:01' - interval '7 mons 12:30:00'",
    ),
    (
        "ranges",
        "k tstzrange PRIMARY KEY",
        "tstzrange(timestamptz '2024-03-09 20:00+00' + n * interval '1 hour', NULL)",
    ),
    (
        "bytes",
        "k bytea PRIMARY KEY",
        "decode(lpad(to_hex(n * 7), 2, '0') || '005c27', 'hex')",
    ),
    (
        "floats",
        "k float8, n int, PRIMARY KEY (k, n)",
        "0.1::float8 + n / 3.0::float8, n",
    ),
    (
        "singles",
        "k float4, n int, PRIMARY KEY (k, n)",
        "(0.1 + n / 3.0)::float4, n",
    ),
];

/// The settings of a session that decide texts.
const SETTINGS: [&[&str]; 4] = [
    &[
        "datestyle = 'SQL, MDY'",
        "timezone = 'Asia/Shanghai'",
        "extra_float_digits = 0",
    ],
    &[
        "datestyle = 'German'",
        "timezone = 'Asia/Kolkata'",
        "bytea_output = 'escape'",
    ],
    &[
        "datestyle = 'SQL, DMY'",
        "timezone = 'America/Havana'",
        "intervalstyle = 'sql_standard'",
    ],
    &[
        "datestyle = 'Postgres, DMY'",
        "timezone = 'Australia/Lord_Howe'",
        "intervalstyle = 'iso_8601'",
        "extra_float_digits = -15",
    ],
];

fn postgres_database() -> Option<PostgresDatabase> {
    let make = KEYS.map(|(name, columns, values)| {
        format!("CREATE TABLE {name} ({columns}); INSERT INTO {name} SELECT {values} FROM generate_series(1, 30) n;")
    });
    PostgresDatabase::with(&make.concat())
}

#[test]
fn of_postgres_in_any_style_and_zone() {
    let Some(database) = postgres_database() else {
        return;
    };
    let session = session!();
    let pooler = Pooler::dropping(&database.url);
    for (n, settings) in SETTINGS.into_iter().enumerate() {
        let name = database.name();
        let sql = settings
            .iter()
            .map(|set| format!("ALTER DATABASE {name} SET {set};"));
        database.run(&format!(
            "ALTER DATABASE {name} RESET ALL; {}",
            sql.collect::<String>()
        ));
        for (way, url) in [("direct", database.url.clone()), ("pooled", pooler.url())] {
            // A source of its own has connections of its own.
            let id = format!("{way}{n}");
            let source = source::managed(&id, "postgres", json!({ "url": url }));
            for (table, ..) in KEYS {
                every_row_once(&session, &source, table, 7);
            }
        }
    }
}

#[test]
fn of_postgres_whatever_the_url_sets() {
    let Some(database) = postgres_database() else {
        return;
    };
    let session = session!();
    let options = "?options=-c%20datestyle%3DSQL,DMY%20-c%20extra_float_digits%3D0%20-c%20intervalstyle%3Dsql_standard";
    let pooler = Pooler::dropping(&database.url);
    for (id, url) in [("direct", database.url.clone()), ("pooled", pooler.url())] {
        let url = format!("{url}{options}");
        let source = source::managed(id, "postgres", json!({ "url": url }));
        for (table, ..) in KEYS {
            every_row_once(&session, &source, table, 7);
        }
    }
}

/// What is read of a text keeps the order that the database is set to.
#[test]
fn the_order_of_day_and_month_stays_the_databases() {
    let Some(database) = postgres_database() else {
        return;
    };
    let name = database.name();
    database.run(&format!("ALTER DATABASE {name} SET datestyle = 'SQL, DMY'"));
    let session = session!();
    let options = json!({ "where": { "k": "07/02/2024" } });
    let answer = session.ask(&database.source(), "query", "days", options);
    assert_eq!(answer.rows(), [json!({ "k": "2024-02-07T00:00:00.000Z" })]);
}

const MYSQL_KEYS: [(&str, &str, &str); 5] = [
    (
        "instants",
        "k TIMESTAMP(6) PRIMARY KEY",
        "('2024-03-31 00:30:00.000001'),('2024-03-31 01:30:00'),('2024-03-31 02:30:00'),('2024-10-27 00:30:00')",
    ),
    (
        "pairs",
        "k DOUBLE, f FLOAT, PRIMARY KEY (k, f)",
        "(0.1, 0.1),(0.30000000000000004, 1e-7),(0.30000000000000004, 16777216),(1e300, 0.3)",
    ),
    (
        "padded",
        "k CHAR(5) COLLATE utf8mb4_bin PRIMARY KEY",
        "(''),('a'),('b c'),('zz')",
    ),
    (
        "escaped",
        "k VARCHAR(9) COLLATE utf8mb4_bin PRIMARY KEY",
        "(CONCAT('a', CHAR(92))),(CONCAT('b', CHAR(92, 39))),(CONCAT('c', CHAR(34)))",
    ),
    (
        "zero",
        "k DATE PRIMARY KEY",
        "('2024-01-01'),('2024-01-02'),('2024-01-03')",
    ),
];

#[test]
fn of_mariadb_whatever_the_server_is_set_to() {
    let Some(server) = PrivateServer::mariadb() else {
        return;
    };
    let make = MYSQL_KEYS.map(|(name, columns, rows)| {
        format!("CREATE TABLE {{}}{name} ({columns}); INSERT INTO {{}}{name} VALUES {rows};")
    });
    let database = MysqlDatabase::create(&server.url, &make.concat());
    let session = session!();
    for (n, settings) in [
        "time_zone = '+08:00'",
        "sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH'",
        "sql_mode = 'TRADITIONAL,NO_UNSIGNED_SUBTRACTION'",
        "sql_mode = ''",
    ]
    .into_iter()
    .enumerate()
    {
        server.administrate(&format!("SET GLOBAL {settings}"));
        let source = source::managed(&format!("m{n}"), "mysql", json!({ "url": database.url }));
        for (table, ..) in MYSQL_KEYS {
            every_row_once(&session, &source, &database.target(table), 2);
        }
    }
}

#[test]
fn of_sqlite_with_every_digit() {
    let database = SqliteDatabase::create(
        "CREATE TABLE floats (k REAL, n INTEGER, PRIMARY KEY (k, n)) WITHOUT ROWID;
         INSERT INTO floats VALUES (0.1 + 0.2, 1), (0.1 + 0.2, 2), (0.3, 1), (1e300, 1), (1.0 / 3, 1);
         CREATE TABLE one (k REAL PRIMARY KEY);
         INSERT INTO one VALUES (0.1 + 0.2), (0.3), (1e300), (1.0 / 3), (9007199254740993), (-0.0);",
    );
    let session = session!();
    for table in ["floats", "one"] {
        every_row_once(&session, &database.source(), table, 1);
    }
}
