//! The policy on real databases: what it denies does not leave the house, however it is asked for.

use std::time::{Duration, Instant};

use runner_testkit::databases::{self, MysqlDatabase, PostgresDatabase, SqliteDatabase};
use runner_testkit::temp::TempDir;
use runner_testkit::{Answer, Gateway, Runner, RunnerBuilder, runner, source, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);
/// The value nobody may see.
const HIDDEN: &str = "hidden-4711-value";

/// A database with a table whose column `secret` is denied, and what jobs call it.
struct Place {
    source: Value,
    table: String,
    _folder: Box<dyn std::any::Any>,
}

/// Columns of the table on every database; `{}` is where MySQL's prefix goes.
const TABLE: &str = "CREATE TABLE {}people (id INTEGER PRIMARY KEY, name VARCHAR(40), \
     secret VARCHAR(40), updated_at VARCHAR(40)); \
     INSERT INTO {}people VALUES (1, 'ada', 'hidden-4711-value', '2025-01-01'), \
     (2, 'bob', 'hidden-4711-value', '2025-06-01'); \
     CREATE TABLE {}vault (id INTEGER PRIMARY KEY, name VARCHAR(40)); \
     INSERT INTO {}vault VALUES (1, 'hidden-4711-value')";

fn places() -> Vec<Place> {
    let plain = TABLE.replace("{}", "");
    let sqlite = SqliteDatabase::create(&plain);
    let mut places = vec![Place {
        source: source::managed("sqlite", "sqlite", json!({ "path": sqlite.path() })),
        table: "people".to_owned(),
        _folder: Box::new(sqlite),
    }];
    if let Some(url) = databases::postgres() {
        // With statistics, as a server that has run for a while.
        let database = PostgresDatabase::create(&url, &format!("{plain}; ANALYZE people"));
        places.push(Place {
            source: source::managed("postgres", "postgres", json!({ "url": database.url })),
            table: "people".to_owned(),
            _folder: Box::new(database),
        });
    }
    for (name, url) in [
        ("mysql", databases::mysql9()),
        ("mariadb", databases::mariadb()),
    ] {
        if let Some(url) = url {
            let database = MysqlDatabase::create(&url, TABLE);
            places.push(Place {
                source: source::managed(name, name, json!({ "url": database.url })),
                table: database.target("people"),
                _folder: Box::new(database),
            });
        }
    }
    places
}

fn start(gateway: &Gateway, folder: &TempDir, policy: &Value) -> Runner {
    let file = folder.write("policy.json", policy.to_string());
    let runner = runner!(gateway)
        .env("SEMILAYER_POLICY", file.to_str().unwrap())
        .start();
    gateway.wait_hello(1, SOON);
    runner
}

fn everything(answer: &Answer) -> String {
    format!("{:?} {:?}", answer.terminal, answer.chunks)
}

#[test]
fn nothing_denied_leaves_the_house() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let folder = TempDir::new();
    let places = places();
    let mut sources = serde_json::Map::new();
    for place in &places {
        let vault = place.table.replace("people", "vault");
        let entry = json!({
            "targets": {"deny": [vault]},
            "columns": {place.table.as_str(): {"deny": ["secret"]}},
        });
        sources.insert(place.source["name"].as_str().unwrap().to_owned(), entry);
    }
    let gateway = Gateway::start();
    let _runner = start(&gateway, &folder, &json!({ "sources": sources }));
    for place in &places {
        let ask = |kind: &str, target: &str, options: Value| {
            gateway
                .dispatch(&place.source, kind, target, options)
                .wait()
        };
        let table = place.table.as_str();
        // What is left works, and shows the rest.
        let rows = json!([{"id": 1, "name": "ada", "updated_at": "2025-01-01"},
                          {"id": 2, "name": "bob", "updated_at": "2025-06-01"}]);
        for kind in ["query", "batchRead", "read"] {
            let answer = ask(kind, table, json!({"limit": 10}));
            answer.expect_done();
            assert_eq!(
                json!(answer.rows()),
                rows,
                "{} {kind}",
                place.source["name"]
            );
        }
        let since =
            json!({"changedSince": "2025-03-01T00:00:00.000Z", "changeTrackingColumn": "nope"});
        assert_eq!(ask("read", table, since).rows().len(), 2);
        let list = ask("listTargets", table, json!({})).rows();
        let has = |name: &str| list.iter().any(|row| row["name"] == name);
        assert!(
            has(table) && !has(&table.replace("people", "vault")),
            "{list:?}"
        );
        let shown = ask("introspectTarget", table, json!({})).rows();
        let names: Vec<_> = shown[0]["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| &c["name"])
            .collect();
        assert_eq!(names, ["id", "name", "updated_at"]);

        // Names that databases understand in the place of a column.
        let names = [
            "secret",
            "SECRET",
            "Secret",
            "sécret",
            "ſecret",
            "secret ",
            "rowid",
            "people",
            table,
            "t",
            "row_to_json",
            "to_jsonb",
            "ctid",
            "text",
            "*",
        ];
        for name in names {
            let mut jobs = vec![
                ("query", json!({"select": [name]})),
                ("query", json!({"select": ["id", name]})),
                ("batchRead", json!({"select": ["id", name]})),
                ("read", json!({"fields": [name]})),
                ("query", json!({"where": {name: HIDDEN}, "select": ["id"]})),
                ("count", json!({"where": {name: {"$startsWith": "hidden"}}})),
                (
                    "query",
                    json!({"orderBy": {"field": name}, "select": ["id"]}),
                ),
                ("aggregate", json!({"dimensions": [{"field": name}]})),
                ("aggregate", json!({"candidatesWhere": {name: HIDDEN}})),
            ];
            for agg in ["min", "max", "first", "top_k", "count_distinct"] {
                let measure = json!({"agg": agg, "column": name, "k": 3});
                jobs.push(("aggregate", json!({"measures": {"m": measure}})));
            }
            let on = json!({"local": "id", "foreign": name});
            jobs.push((
                "aggregate",
                json!({"joins": [{"target": table, "alias": "p", "kind": "left", "on": on}]}),
            ));
            for (kind, options) in jobs {
                let said = options.to_string();
                let answer = ask(kind, table, options);
                let message = answer.expect_error("POLICY_DENIED");
                assert!(message.contains(".columns."), "{message}");
                assert!(!message.contains(HIDDEN), "{said}: {message}");
            }
        }
        // Other ways to the same table, and the database's own tables.
        let vault = table.replace("people", "vault");
        for target in [
            vault.as_str(),
            &format!("public.{vault}"),
            &vault.to_uppercase(),
            "public.people",
            "PEOPLE",
            "pg_stats",
            "pg_catalog.pg_stats",
            "sqlite_schema",
            "sqlite_stat4",
        ] {
            for kind in [
                "query",
                "batchRead",
                "read",
                "introspectTarget",
                "aggregate",
            ] {
                let answer = ask(kind, target, json!({}));
                let text = everything(&answer);
                assert!(!text.contains(HIDDEN), "{kind} {target}: {text}");
            }
        }
        let join = json!({"joins": [{"target": vault, "alias": "v", "kind": "left",
                                     "on": {"local": "id", "foreign": "id"}}],
                          "dimensions": [{"field": "name", "from": "v"}]});
        ask("aggregate", table, join).expect_error("POLICY_DENIED");
    }
}

#[test]
fn caps_end_a_job_before_it_goes_beyond() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let database = SqliteDatabase::create(
        "CREATE TABLE t (id INTEGER PRIMARY KEY); WITH RECURSIVE n(i) AS \
         (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i FROM n;",
    );
    let gateway = Gateway::start();
    let policy = json!({"sources": {"db": {"maxRows": 700}, "*": {"maxBytes": 12_000}}});
    let runner = start(&gateway, &folder, &policy);
    let config = json!({ "path": database.path() });
    let db = source::managed("db", "sqlite", config.clone());
    let ask = |source: &Value, limit: u64| {
        let options = json!({ "limit": limit });
        gateway.dispatch(source, "batchRead", "t", options).wait()
    };
    assert_eq!(ask(&db, 700).rows().len(), 700);
    let cut = ask(&db, 2000);
    let message = cut.expect_error("POLICY_DENIED");
    assert!(message.contains("sources.db.maxRows"), "{message}");
    assert_eq!(cut.rows().len(), 500);
    let other = source::managed("other", "sqlite", config);
    ask(&other, 100).expect_done();
    let cut = ask(&other, 2000);
    assert!(
        cut.expect_error("POLICY_DENIED")
            .contains("sources.*.maxBytes")
    );
    assert!(cut.bytes <= 12_000, "{}", cut.bytes);
    runner.wait_stderr("outcome=POLICY_DENIED", SOON);
}

/// What is left of a result that went beyond a cap is not read, and the next job does not wait for it.
#[test]
fn a_cap_leaves_nothing_running_behind() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let gateway = Gateway::start();
    let policy = json!({"sources": {"*": {"maxRows": 700}}});
    let _runner = start(&gateway, &folder, &policy);
    let mut endless = Vec::new();
    if let Some(url) = databases::postgres() {
        let sql = "CREATE VIEW endless AS SELECT generate_series(1, 1000000000) AS i";
        let database = PostgresDatabase::create(&url, sql);
        let config = json!({ "url": database.url, "pool": { "max": 1 } });
        endless.push((source::managed("p", "postgres", config), database));
    }
    for (source, _database) in &endless {
        for _ in 0..3 {
            let answer = gateway
                .dispatch(source, "batchRead", "endless", json!({}))
                .wait();
            let message = answer.expect_error("POLICY_DENIED");
            assert!(message.contains("sources.*.maxRows"), "{message}");
            let next = gateway.dispatch(source, "batchRead", "endless", json!({"limit": 5}));
            assert_eq!(next.wait_for(Duration::from_secs(3)).rows().len(), 5);
        }
    }
}

#[test]
fn a_job_ends_when_the_policys_time_is_over() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let database = SqliteDatabase::create(
        "CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE VIEW slow AS WITH RECURSIVE n(i) AS \
         (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT count(*) AS c FROM n;",
    );
    let path = database.path();
    let gateway = Gateway::start();
    let policy = json!({"sources": {"db": {"maxSeconds": 1}, "*": {"maxSeconds": 3600}}});
    let _runner = start(&gateway, &folder, &policy);
    let ask = |name: &str, target: &str| {
        let source = source::managed(name, "sqlite", json!({ "path": path }));
        gateway
            .dispatch(&source, "batchRead", target, json!({}))
            .wait()
    };
    let started = Instant::now();
    let late = ask("db", "slow");
    let message = late.expect_error("POLICY_DENIED");
    assert!(
        message.contains("1 s at most (sources.db.maxSeconds)"),
        "{message}"
    );
    assert!(started.elapsed() < Duration::from_secs(5));
    ask("db", "t").expect_done();
    // More than the job has itself changes nothing.
    ask("other", "t").expect_done();
    // What is shown by hand obeys as well.
    let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "")
        .env(
            "SEMILAYER_POLICY",
            folder.path().join("policy.json").to_str().unwrap(),
        )
        .env("SEMILAYER_SOURCE_DB_PATH", path.to_str().unwrap())
        .args(&["test-source", "db", "--query", "slow"])
        .start();
    assert_eq!(runner.wait_exit(SOON).code(), Some(1));
    assert!(
        runner.stderr().contains("no answer after 1 s"),
        "{}",
        runner.stderr()
    );
}

#[test]
fn a_source_the_policy_does_not_know_is_refused() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let gateway = Gateway::start();
    let _runner = start(&gateway, &folder, &json!({"sources": {"other": {}}}));
    let source = source::managed("db", "sqlite", json!({"path": "/nowhere"}));
    for kind in ["query", "test", "listTargets"] {
        let answer = gateway.dispatch(&source, kind, "t", json!({})).wait();
        let message = answer.expect_error("POLICY_DENIED");
        assert!(message.contains("no entry for source \"db\""), "{message}");
    }
}

#[test]
fn a_broken_policy_stops_the_start() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let start = |text: &str| {
        let file = folder.write("policy.json", text);
        let url = "ws://127.0.0.1:1/connect";
        let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), url)
            .env("SEMILAYER_POLICY", file.to_str().unwrap())
            .start();
        assert_eq!(runner.wait_exit(SOON).code(), Some(2), "{text}");
        runner.stderr()
    };
    let said = start("{\"sources\": {\n  \"db\": {\"colums\": {}}\n}}");
    assert!(
        said.starts_with("error: SEMILAYER_POLICY is not usable: "),
        "{said}"
    );
    assert!(said.contains("unknown field `colums`"), "{said}");
    assert!(said.contains("line 2 column 17"), "{said}");
    assert!(start("").contains("line 1 column 0"));
}

/// Documents have no list of columns: what a job names decides, and what is shown is looked through.
#[cfg(feature = "mongodb")]
#[test]
fn nothing_denied_leaves_a_document() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Some(database) = databases::MongodbDatabase::usual() else {
        return;
    };
    let address = || json!({ "zip": HIDDEN, "city": "x" });
    database.insert(
        "people",
        &[json!({
            "_id": 1, "name": "ada", "secret": HIDDEN, "address": address(), "all": [address(), [address()]],
            "all.zip": HIDDEN,
        })],
    );
    database.insert("keys", &[json!({ "_id": HIDDEN, "name": "ada" })]);
    let [people, keys] =
        ["people", "keys"].map(|name| databases::Database::target(&database, name));
    let source = databases::Database::source(&database);
    let folder = TempDir::new();
    let policy = json!({ "sources": { "s": { "columns": {
        people.as_str(): { "deny": ["secret", "address.zip", "all.zip"] },
        keys.as_str(): { "deny": ["_id"] },
    } } } });
    let gateway = Gateway::start();
    let _runner = start(&gateway, &folder, &policy);
    let ask = |kind: &str, target: &str, options: Value| {
        gateway.dispatch(&source, kind, target, options).wait()
    };
    let shown = json!([{ "_id": "1", "name": "ada", "address": { "city": "x" }, "all": [{ "city": "x" }, [{ "city": "x" }]] }]);
    for kind in ["query", "batchRead", "read"] {
        assert_eq!(json!(ask(kind, &people, json!({})).rows()), shown, "{kind}");
    }
    for options in [json!({}), json!({ "select": ["name"] })] {
        for kind in ["query", "batchRead"] {
            assert_eq!(
                ask(kind, &keys, options.clone()).rows(),
                [json!({ "name": "ada" })]
            );
        }
    }
    ask("read", &keys, json!({})).expect_error("POLICY_DENIED");
    for name in [
        "secret",
        "secret.a",
        "address",
        "address.zip",
        "address.zip.x",
        "address.0.zip",
        "all",
        "all.zip",
        "all.0",
        "all.0.zip",
        "all.0.0.zip",
    ] {
        for (kind, options) in [
            ("query", json!({ "select": [name] })),
            (
                "query",
                json!({ "select": ["_id"], "where": { name: HIDDEN } }),
            ),
            (
                "query",
                json!({ "select": ["_id"], "where": { "$not": { "$or": [{ name: { "$contains": "h" } }] } } }),
            ),
            (
                "query",
                json!({ "select": ["_id"], "orderBy": { name: "desc" } }),
            ),
            ("read", json!({ "fields": [name] })),
            (
                "read",
                json!({ "fields": ["_id"], "changedSince": "2020-01-01", "changeTrackingColumn": name }),
            ),
            ("count", json!({ "where": { name: { "$in": [HIDDEN] } } })),
            (
                "aggregate",
                json!({ "dimensions": [{ "field": name, "as": "x" }] }),
            ),
            (
                "aggregate",
                json!({ "measures": { "m": { "agg": "max", "column": name } } }),
            ),
            (
                "aggregate",
                json!({ "measures": { "m": { "agg": "count", "where": { name: HIDDEN } } } }),
            ),
            (
                "aggregate",
                json!({ "measures": { "m": { "agg": "first", "column": "name" } }, "changeTrackingColumn": name }),
            ),
        ] {
            let said = options.to_string();
            let answer = ask(kind, &people, options);
            let message = answer.expect_error("POLICY_DENIED");
            assert!(!message.contains(HIDDEN), "{said}: {message}");
        }
    }
    // Nothing of the server's language is a name.
    for name in ["$where", "$expr", "$ROOT", "$$ROOT", "name.$"] {
        for options in [
            json!({ "where": { name: "1" } }),
            json!({ "select": [name] }),
            json!({ "orderBy": { "field": name } }),
        ] {
            let answer = ask("query", &people, options);
            assert!(answer.result("query").is_err(), "{name}");
        }
    }
}
