//! A policy means the database's names, however a job spells them.

use std::time::Duration;

use runner_testkit::databases::{
    ClickhouseDatabase, D1Database, Database, MongodbDatabase, MysqlDatabase, PostgresDatabase,
    SqliteDatabase, TursoDatabase,
};
use runner_testkit::temp::TempDir;
use runner_testkit::{session, watchdog};
use serde_json::{Value, json};

const TABLE: &str =
    "CREATE TABLE {}people (id INTEGER PRIMARY KEY, name VARCHAR(40), secret_hash VARCHAR(40));
     INSERT INTO {}people VALUES (1, 'Ada', 'hidden-value-7');
     CREATE TABLE {}hidden (id INTEGER PRIMARY KEY, secret_hash VARCHAR(40));
     INSERT INTO {}hidden VALUES (1, 'hidden-value-7')";

/// Names that a database, a driver or a reader may take for this one.
fn spellings(name: &str) -> Vec<String> {
    let upper = name.to_uppercase();
    let mut title = name.to_owned();
    title[..1].make_ascii_uppercase();
    let mut all = vec![
        name.to_owned(),
        upper,
        title,
        format!(" {name}"),
        format!("{name} "),
        format!("\"{name}\""),
        format!("`{name}`"),
        format!("[{name}]"),
        format!("'{name}'"),
        format!("{name}\0"),
        format!("{name}\\"),
        format!("\\{name}"),
        format!("{name}/**/"),
        format!("{name};"),
        format!(".{name}"),
        format!("{name}."),
        format!("people.{name}"),
        format!("PEOPLE.{name}"),
        format!("p.{name}"),
        format!("{name}->'$'"),
        format!("{name} AS x"),
        format!("\u{feff}{name}"),
        format!("{name}\u{200b}"),
        format!("{name}\u{301}"),
    ];
    // Letters that fold, or are decomposed, to these.
    for (plain, others) in [
        ('s', "ſｓŝśＳ"),
        ('e', "éèêëeｅＥ"),
        ('i', "ıİíｉ"),
        ('h', "ĥｈ"),
        ('a', "áàäåａ"),
        ('d', "ďｄ"),
        ('n', "ñｎ"),
        ('k', "\u{212a}"),
        ('_', "＿‗"),
    ] {
        all.extend(
            others
                .chars()
                .map(|other| name.replace(plain, &other.to_string())),
        );
    }
    all.sort();
    all.dedup();
    all
}

/// The jobs that would show a column, or let it be guessed.
fn column_jobs(column: &str) -> Vec<(&'static str, Value)> {
    let is = json!({ column: "hidden-value-7" });
    vec![
        ("query", json!({ "select": ["id", column] })),
        ("query", json!({ "where": is })),
        ("query", json!({ "where": {"$not": is} })),
        ("query", json!({ "orderBy": [{ "field": column }] })),
        ("batchRead", json!({ "fields": [column] })),
        ("count", json!({ "where": is })),
        (
            "aggregate",
            json!({"measures": {"m": {"agg": "max", "column": column}}}),
        ),
        (
            "aggregate",
            json!({"dimensions": [{"field": column}], "measures": {"n": {"agg": "count"}}}),
        ),
        (
            "aggregate",
            json!({"measures": {"n": {"agg": "count", "where": is}}}),
        ),
        (
            "aggregate",
            json!({"candidatesWhere": is, "measures": {"n": {"agg": "count"}}}),
        ),
    ]
}

fn databases() -> Vec<Box<dyn Database>> {
    let plain = TABLE.replace("{}", "");
    let mut all: Vec<Box<dyn Database>> = vec![Box::new(SqliteDatabase::create(&plain))];
    all.extend(PostgresDatabase::with(&plain).map(|database| Box::new(database) as _));
    all.extend(MysqlDatabase::mariadb(TABLE).map(|database| Box::new(database) as _));
    all.extend(MysqlDatabase::mysql9(TABLE).map(|database| Box::new(database) as _));
    all.extend(TursoDatabase::create(TABLE).map(|database| Box::new(database) as _));
    all.extend(D1Database::create(TABLE).map(|database| Box::new(database) as _));
    let clickhouse = TABLE
        .replace("INTEGER PRIMARY KEY", "Int32")
        .replace("VARCHAR(40)", "String")
        .replace(");", ") ENGINE = Memory;")
        .replace("7') ENGINE = Memory;", "7');");
    all.extend(ClickhouseDatabase::current(&clickhouse).map(|database| Box::new(database) as _));
    all.extend(MongodbDatabase::empty().map(|database| {
        let secret = json!({ "_id": 1, "id": 1, "name": "Ada", "secret_hash": "hidden-value-7" });
        database.insert("people", std::slice::from_ref(&secret));
        database.insert("hidden", &[secret]);
        Box::new(database) as _
    }));
    all
}

#[test]
fn what_is_denied_is_denied_in_every_spelling() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let folder = TempDir::new();
    for database in databases() {
        let (people, hidden) = (database.target("people"), database.target("hidden"));
        let policy = json!({"sources": {"*": {
            "targets": {"deny": [hidden]},
            "columns": {"*": {"deny": ["secret_hash"]}},
        }}});
        let policy = folder.write("policy.json", policy.to_string());
        let session = session!(|runner| runner.env("SEMILAYER_POLICY", policy.to_str().unwrap()));
        let source = database.source();
        let mut jobs = Vec::new();
        let mut ask = |kind: &str, target: &str, options: Value| {
            let job = session
                .gateway
                .dispatch(&source, kind, target, options.clone());
            jobs.push((format!("{kind} {target:?} {options}"), job));
        };
        for column in spellings("secret_hash") {
            for (kind, options) in column_jobs(&column) {
                ask(kind, &people, options);
            }
        }
        let system = [
            "information_schema.tables",
            "INFORMATION_SCHEMA.TABLES",
            "Information_Schema.Tables",
            "ınformation_schema.tables",
            "information_ſchema.tables",
            "ｉnformation_schema.tables",
            "mysql.user",
            "MySQL.user",
            "mysql.User",
            "MYSQL.USER",
            "myſql.user",
            "performance_schema.threads",
            "sys.version",
            "pg_catalog.pg_user",
            "pg_user",
            "PG_CATALOG.pg_user",
            "pg_stats",
            "pg_catalog.pg_stats",
            "\"pg_catalog\".\"pg_user\"",
            "pg_toast.x",
            "sqlite_master",
            "SQLITE_MASTER",
            "sqlite_schema",
            "Sqlite_Schema",
            "main.sqlite_master",
            "MAIN.SQLITE_SCHEMA",
            "temp.sqlite_temp_master",
            "ſqlite_master",
            "pragma_table_info",
            "PRAGMA_table_list",
            "main.pragma_table_list",
            "pragma_database_list",
            "dbstat",
            "sqlite_dbpage",
            "sqlite_sequence",
            "sqlite_stat1",
            "_cf_METADATA",
            "system.users",
            "SYSTEM.tables",
            "system.parts_columns",
            "system.views",
            "system.profile",
        ];
        for target in system {
            for (kind, options) in [
                ("query", json!({})),
                ("batchRead", json!({})),
                ("count", json!({})),
                ("aggregate", json!({"measures": {"n": {"agg": "count"}}})),
                ("introspectTarget", json!({})),
            ] {
                ask(kind, target, options);
            }
        }
        for target in spellings(&hidden) {
            let qualified = [
                "",
                "public.",
                "PUBLIC.",
                "main.",
                "MAIN.",
                "temp.",
                "workload.",
                "WORKLOAD.",
            ]
            .map(|schema| format!("{schema}{target}"));
            for target in qualified {
                for (kind, options) in [
                    ("query", json!({})),
                    ("count", json!({})),
                    ("introspectTarget", json!({})),
                    ("aggregate", json!({"measures": {"n": {"agg": "count"}}})),
                ] {
                    ask(kind, &target, options);
                }
            }
        }
        for (what, job) in jobs {
            let answer = job.wait();
            let shown = format!("{:?} {:?}", answer.terminal, answer.result("query"));
            assert!(
                !shown.contains("hidden-value-7"),
                "{}: {what}: {shown}",
                source["bridge"]
            );
            if source["bridge"] == "@semilayer/bridge-mongodb" {
                // Any name is one of a field and of a collection, and mostly there is none.
                let found = answer.result("count").is_ok_and(|count| count != 0);
                assert!(!(found && what.starts_with("count")), "{what}: {shown}");
                continue;
            }
            // An empty introspection tells nothing; fields that are not there are left out.
            if what.starts_with("batchRead") && what.contains("fields") {
                continue;
            }
            let tells = shown.starts_with("Done")
                && !(what.starts_with("introspect") && answer.rows().is_empty());
            assert!(!tells, "{}: {what}: {shown}", source["bridge"]);
        }
    }
}
