//! `test-source` against real databases.

use std::time::{Duration, Instant};

use runner_testkit::databases::{self, SqliteDatabase};
use runner_testkit::fakes::Pooler;
use runner_testkit::network::{BlackHole, closed_port};
use runner_testkit::temp::TempDir;
use runner_testkit::{RunnerBuilder, watchdog};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

fn test_source(arguments: &[&str], variables: &[(&str, &str)]) -> (String, String, i32) {
    let mut words = vec!["test-source"];
    words.extend(arguments);
    // The usual level: what it writes to standard error is compared.
    let mut runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "")
        .args(&words)
        .env_remove("SEMILAYER_LOG");
    for (name, value) in variables {
        runner = runner.env(name, *value);
    }
    let runner = runner.start();
    let code = runner.wait_exit(SOON).code().expect("an exit code");
    (runner.stdout(), runner.stderr(), code)
}

fn shop() -> SqliteDatabase {
    SqliteDatabase::create(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, n INTEGER);
         INSERT INTO people VALUES (1, 'Ada', 9007199254740993), (2, 'Bob', NULL), (3, 'Cy', 0);
         CREATE TABLE orders (id INTEGER PRIMARY KEY);",
    )
}

#[test]
fn sources_that_answer_are_a_table() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let shop = shop();
    let path = shop.path();
    let variables = [("SEMILAYER_SOURCE_SHOP_DB_PATH", path.to_str().unwrap())];
    let (out, err, code) = test_source(&[], &variables);
    assert_eq!((err.as_str(), code), ("", 0), "{out}");
    let line = out.lines().nth(1).unwrap();
    assert!(line.starts_with("✓  SHOP_DB  sqlite  "), "{out}");
    assert!(
        line.contains("SQLite 3.") && line.ends_with("no   file       2"),
        "{out}"
    );
    let (named, _, code) = test_source(&["shop-db"], &variables);
    assert_eq!((named.lines().count(), code), (2, 0));
}

#[test]
fn one_that_fails_is_named_and_counts() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let shop = shop();
    let refused = format!("postgres://u:s3cret@127.0.0.1:{}/d", closed_port());
    let hole = BlackHole::start();
    let silent = format!("postgres://u:s3cret@{}/d?connect_timeout=1", hole.address);
    let path = shop.path();
    let started = Instant::now();
    let (out, _, code) = test_source(
        &[],
        &[
            ("SEMILAYER_SOURCE_SHOP_PATH", path.to_str().unwrap()),
            ("SEMILAYER_SOURCE_REFUSED_URL", &refused),
            ("SEMILAYER_SOURCE_SILENT_URL", &silent),
            ("SEMILAYER_SOURCE_SILENT_CONNECTION_TIMEOUT_MILLIS", "1000"),
            ("SEMILAYER_SOURCE_ODD_URL", "oracle://h"),
        ],
    );
    assert_eq!(code, 1, "{out}");
    assert!(started.elapsed() < Duration::from_secs(8), "{out}");
    assert!(out.contains("✓  SHOP "), "{out}");
    for part in [
        "✗ ODD  SOURCE_CONFIG: the scheme of SEMILAYER_SOURCE_ODD_URL is of no bridge in this binary, which serves postgres://",
        "✗ REFUSED  SOURCE_UNREACHABLE: 127.0.0.1:",
        "✗ SILENT  SOURCE_UNREACHABLE: 127.0.0.1:",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(!out.contains("s3cret"), "{out}");
    let (_, err, code) = test_source(&["nowhere"], &[]);
    assert_eq!(code, 1);
    assert!(err.contains("SEMILAYER_SOURCE_NOWHERE_"), "{err}");
    let (_, err, _) = test_source(&[], &[("SEMILAYER_SOURCE_SHOP_URI", &refused)]);
    assert!(
        err.contains("part of no source: SEMILAYER_SOURCE_SHOP_URI (did you mean SEMILAYER_SOURCE_SHOP_URL?);"),
        "{err}"
    );
    let (out, _, code) = test_source(&[], &[]);
    assert_eq!(code, 0);
    assert!(out.contains("SEMILAYER_SOURCE_<NAME>_URL"), "{out}");
}

#[test]
fn rows_are_what_the_gateway_would_get() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let shop = shop();
    let path = shop.path();
    let variables = [("SEMILAYER_SOURCE_SHOP_PATH", path.to_str().unwrap())];
    let (out, err, code) = test_source(&["--query", "people", "--limit", "2"], &variables);
    assert_eq!(
        out,
        "{\"id\":1,\"name\":\"Ada\",\"n\":9007199254740993}\n{\"id\":2,\"name\":\"Bob\",\"n\":null}\n"
    );
    assert!(err.starts_with("2 rows of people in "), "{err}");
    assert_eq!(code, 0);
    let (out, _, _) = test_source(&["--query=people", "--json"], &variables);
    assert_eq!(out.lines().count(), 3);
    let (out, err, code) = test_source(&["--query", "nobody"], &variables);
    assert_eq!((out.as_str(), code), ("", 1));
    assert!(err.contains("nobody"), "{err}");
}

#[test]
fn a_policy_decides_what_rows_are_shown() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let shop = shop();
    let path = shop.path();
    let folder = TempDir::new();
    let rules = |text: &str| folder.write("policy.json", text);
    let policy = rules(
        r#"{"sources": {"shop": {"targets": {"deny": ["orders"]}, "columns": {"people": {"deny": ["name"]}}, "maxRows": 2}}}"#,
    );
    let shown = |arguments: &[&str], source: &str| {
        test_source(
            arguments,
            &[
                (
                    &format!("SEMILAYER_SOURCE_{source}_PATH"),
                    path.to_str().unwrap(),
                ),
                ("SEMILAYER_POLICY", policy.to_str().unwrap()),
            ],
        )
    };
    let (out, _, code) = shown(&["--query", "people", "--limit", "1"], "SHOP");
    assert_eq!(
        (out.as_str(), code),
        ("{\"id\":1,\"n\":9007199254740993}\n", 0)
    );
    let (out, err, code) = shown(&["--query", "orders"], "SHOP");
    assert_eq!((out.as_str(), code), ("", 1));
    assert!(
        err.contains("SHOP: POLICY_DENIED: the policy denies target \"orders\" (sources.shop.targets.deny[0])"),
        "{err}"
    );
    let (_, err, code) = shown(&["--query"], "SHOP");
    assert_eq!(
        (err.as_str(), code),
        (
            "error: --query needs the name of a target; there are: people\n",
            1
        )
    );
    let (_, err, code) = shown(&["--query", "people", "--limit", "3"], "SHOP");
    assert!(
        err.contains("POLICY_DENIED") && err.contains("sources.shop.maxRows"),
        "{err}"
    );
    assert_eq!(code, 1);
    // Without an entry nothing is answered; that the database works is told all the same.
    let (_, err, code) = shown(&["--query", "people"], "OTHER");
    assert!(err.contains("the policy has no entry for source"), "{err}");
    assert_eq!(code, 1);
    let (out, _, code) = shown(&[], "OTHER");
    let warning = "⚠ OTHER  the policy has no entry for source \"OTHER\", so its jobs are refused";
    assert!(out.contains("⚠  OTHER ") && out.contains(warning), "{out}");
    assert_eq!(code, 0);
    // As `start` says it.
    rules("{\n  \"sources\": [\n}");
    for arguments in [&[][..], &["--query", "people"]] {
        let (out, err, code) = shown(arguments, "SHOP");
        assert_eq!((out.as_str(), code), ("", 2));
        assert!(
            err.contains("error: SEMILAYER_POLICY is not usable: ")
                && err.contains("line 2 column"),
            "{err}"
        );
    }
}

#[test]
fn the_rights_of_a_postgres_role_are_told() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(url) = databases::postgres() else {
        return;
    };
    let database = databases::PostgresDatabase::create(
        &url,
        "CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE TABLE c (id int)",
    );
    let role = format!("rights_{}", std::process::id());
    database.run(&format!(
        "CREATE ROLE {role} LOGIN CREATEDB PASSWORD '{role}'; GRANT SELECT ON a, b, c TO {role}; \
         GRANT UPDATE ON a TO {role}; GRANT INSERT (id) ON b TO {role}; REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    ));
    let limited = databases::with_user(&database.url, &role);
    let (out, err, code) = test_source(
        &["--json"],
        &[
            ("SEMILAYER_SOURCE_ALL_URL", &database.url),
            ("SEMILAYER_SOURCE_SOME_URL", &limited),
        ],
    );
    database.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    assert_eq!(code, 0, "{out}{err}");
    let reports: Vec<Value> = serde_json::from_str(&out).unwrap();
    assert_eq!(reports[0]["mayBeyondReading"][0], "do anything (superuser)");
    assert_eq!(reports[0]["readOnly"], true);
    assert_eq!(reports[1]["role"], role.as_str());
    assert_eq!(
        reports[1]["mayBeyondReading"],
        serde_json::json!(["write to 2 of 3 tables", "create databases"])
    );
    assert_eq!(reports[1]["targets"], 3);
}

/// Of every server that is there: what it is, and what keeps a source there from being written to.
#[test]
fn the_way_in_which_read_only_is_kept_is_told() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let file = shop();
    let pooler = databases::postgres().map(|url| Pooler::dropping(&url));
    let ways = [
        (
            "DIRECT",
            databases::postgres(),
            "session",
            "read-only session",
        ),
        (
            "DROPPED",
            pooler.as_ref().map(Pooler::url),
            "transaction",
            "a read-only transaction for every job",
        ),
        (
            "POOLED",
            databases::pgbouncer(),
            "transaction",
            "a read-only transaction for every job",
        ),
        (
            "MARIA",
            databases::mariadb(),
            "session",
            "read-only session",
        ),
        ("MY", databases::mysql9(), "session", "read-only session"),
        (
            "CLICK",
            databases::clickhouse(),
            "session",
            "read-only session",
        ),
        ("MONGO", databases::mongodb(), "role", "its role"),
        ("RED", databases::redis(), "role", "its role"),
        (
            "FILE",
            file.path().to_str().map(str::to_owned),
            "file",
            "opened read-only",
        ),
    ];
    let mut variables: Vec<(String, String)> = ways
        .iter()
        .filter_map(|(name, place, ..)| {
            let key = if *name == "FILE" { "PATH" } else { "URL" };
            Some((format!("SEMILAYER_SOURCE_{name}_{key}"), place.clone()?))
        })
        .collect();
    let click = ("SEMILAYER_SOURCE_CLICK_BRIDGE", "clickhouse");
    variables.extend(databases::clickhouse().map(|_| (click.0.to_owned(), click.1.to_owned())));
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let (out, err, _) = test_source(&["--json"], &variables);
    let reports: Vec<Value> = serde_json::from_str(&out).unwrap();
    let mut runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "")
        .args(&["doctor", "--connect"])
        .env("SEMILAYER_GATEWAY_URL", "ws://127.0.0.1:1");
    for (name, value) in &variables {
        runner = runner.env(name, *value);
    }
    let runner = runner.start();
    runner.wait_exit(SOON);
    let told = runner.stdout();
    for (name, place, kept_by, words) in ways {
        if place.is_none() {
            continue;
        }
        let report = reports.iter().find(|report| report["source"] == name);
        assert_eq!(report.unwrap()["readOnlyBy"], kept_by, "{name}: {out}{err}");
        let line = told
            .lines()
            .find(|line| line.contains(&format!("source {name}")));
        assert!(
            line.is_some_and(|line| line.contains(words)),
            "{name}: {told}"
        );
    }
}

#[test]
fn the_rights_of_a_mysql_account_are_told() {
    let _watchdog = watchdog(Duration::from_secs(60));
    for server in [databases::mariadb(), databases::mysql9()] {
        let Some(url) = server else {
            continue;
        };
        // The account `nbe` may only read.
        let reader = databases::with_database(&databases::with_user(&url, "nbe"), "conformance");
        let (out, err, code) = test_source(
            &["--json"],
            &[
                ("SEMILAYER_SOURCE_ALL_URL", &url),
                ("SEMILAYER_SOURCE_READER_URL", &reader),
            ],
        );
        assert_eq!(code, 0, "{out}{err}");
        let reports: Vec<Value> = serde_json::from_str(&out).unwrap();
        assert_eq!(reports[0]["role"], "runner@%");
        let rights = reports[0]["mayBeyondReading"].to_string();
        assert!(
            rights.contains("ALL PRIVILEGES on `workload`.*"),
            "{rights}"
        );
        assert_eq!(reports[1]["role"], "nbe@%");
        assert_eq!(reports[1]["mayBeyondReading"], serde_json::json!([]));
    }
}

#[test]
fn a_server_of_another_kind_is_named_before_long() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(url) = databases::postgres() else {
        return;
    };
    let wrong = url
        .replacen("postgres://", "mysql://", 1)
        .replacen("postgresql://", "mysql://", 1);
    let wrong = wrong.split('?').next().unwrap();
    let started = Instant::now();
    let (out, _, code) = test_source(&[], &[("SEMILAYER_SOURCE_SHOP_URL", wrong)]);
    assert!(
        out.contains("a PostgreSQL server listens there, which is no MySQL"),
        "{out}"
    );
    assert_eq!(code, 1);
    assert!(
        started.elapsed() < Duration::from_secs(6),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn what_a_role_may_do_decides_whether_it_reads_only() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(url) = databases::postgres() else {
        return;
    };
    let (out, _, code) = test_source(&[], &[("SEMILAYER_SOURCE_SHOP_URL", &url)]);
    let line = out.lines().nth(1).unwrap();
    assert!(line.contains("  session  "), "{out}");
    assert!(out.contains("may do anything (superuser)"), "{out}");
    assert!(
        out.contains("give the runner a role that may only read"),
        "{out}"
    );
    assert_eq!(code, 0);
}

#[test]
fn the_address_of_a_container_is_its_own() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let url = format!("postgres://u:p@127.0.0.1:{}/d", closed_port());
    let inside = ("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    let (out, _, _) = test_source(&[], &[("SEMILAYER_SOURCE_SHOP_URL", &url), inside]);
    assert!(
        out.contains("127.0.0.1 in a container is the container itself"),
        "{out}"
    );
    let (out, _, _) = test_source(&["--json"], &[("SEMILAYER_SOURCE_SHOP_URL", &url), inside]);
    let reports: Vec<Value> = serde_json::from_str(&out).unwrap();
    assert!(
        reports[0]["advice"]
            .as_str()
            .unwrap()
            .contains("the container itself"),
        "{out}"
    );
}
