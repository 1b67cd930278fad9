//! Nothing writes, whatever the configuration says and whatever stands between the runner and the database.

use std::time::Duration;

use runner_testkit::databases::PostgresDatabase;
use runner_testkit::fakes::Pooler;
use runner_testkit::{databases, source, watchdog};
use serde_json::{Value, json};

use crate::scene::Scene;

/// A view that writes when it is read, and a sequence.
const TRAPS: &str = "CREATE TABLE written (at timestamptz DEFAULT now());
     CREATE FUNCTION write() RETURNS integer LANGUAGE plpgsql AS
       $$ BEGIN INSERT INTO written DEFAULT VALUES; RETURN 1; END $$;
     CREATE VIEW trap AS SELECT 1 AS id, write() AS wrote;
     CREATE SEQUENCE counter;
     CREATE VIEW step AS SELECT nextval('counter') AS id;
     CREATE VIEW zone AS SELECT current_setting('TimeZone') AS zone;";

fn database() -> Option<PostgresDatabase> {
    PostgresDatabase::with(TRAPS)
}

fn encoded(options: &str) -> String {
    options.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Every kind that reads fails on the traps, and `test` says that the session reads only.
#[track_caller]
fn expect_read_only(scene: &Scene, source: &Value, by: &str) {
    for (kind, options) in [
        ("query", json!({})),
        ("batchRead", json!({})),
        ("count", json!({"where": {"wrote": 1}})),
        (
            "aggregate",
            json!({"measures": {"m": {"agg": "sum", "column": "wrote"}}}),
        ),
    ] {
        let answer = scene.gateway.dispatch(source, kind, "trap", options).wait();
        let message = answer.expect_error("QUERY_FAILED");
        assert!(message.contains("25006"), "{by} {kind}: {message}");
    }
    let answer = scene
        .gateway
        .dispatch(source, "batchRead", "step", json!({}))
        .wait();
    answer.expect_error("QUERY_FAILED");
    let test = scene.gateway.dispatch(source, "test", "", json!({})).wait();
    assert_eq!(test.expect_done()["readOnly"], true, "{by}");
}

#[track_caller]
fn expect_unwritten(database: &PostgresDatabase) {
    database.run(
        "DO $$ BEGIN IF EXISTS (SELECT FROM written) OR EXISTS (SELECT FROM pg_class WHERE relname = 'injected')
           THEN RAISE EXCEPTION 'something was written'; END IF; END $$",
    );
}

#[test]
fn startup_options_do_not_make_a_session_writable() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Some(database) = database() else {
        return;
    };
    let scene = Scene::new();
    for options in [
        "-c default_transaction_read_only=off",
        "-cdefault_transaction_read_only=off",
        "--default-transaction-read-only=0",
        "-c DEFAULT_TRANSACTION_READ_ONLY=off -c transaction_read_only=off",
        "-ec default_transaction_read_only=off",
        "-c role=postgres -c session_authorization=postgres",
        "-c search_path=public -c default_transaction_read_only=off",
        "--Transaction_Read-Only=off",
        "-crole=postgres --session-authorization=postgres",
        r"-c default_transaction_re\ad_only=off",
        r"-c default_transaction_read_only\=off -c transaction_read_only\=off",
        "-c\tdefault_transaction_read_only=off\n-c\u{b}transaction_read_only=0",
        "-e -c default_transaction_read_only=off -F",
        "-Fc default_transaction_read_only=off",
        "-c default_transaction_read_only=of",
        "-c default_transaction_read_only=on -c default_transaction_read_only=f",
        "-c default_transaction_deferrable=on -c default_transaction_isolation=serializable",
        "-P -c allow_system_table_mods=on",
    ] {
        let separator = if database.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}options={}", database.url, encoded(options));
        for key in ["url", "connectionString"] {
            let source = source::managed("db", "postgres", json!({ key: url }));
            expect_read_only(&scene, &source, options);
        }
    }
    scene
        .runner
        .wait_stderr("are left out", Duration::from_secs(5));
    expect_unwritten(&database);
}

#[test]
fn poolers_that_drop_or_refuse_options_make_no_session_writable() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Some(database) = database() else {
        return;
    };
    let scene = Scene::new();
    let poolers = [
        Pooler::dropping(&database.url),
        Pooler::refusing(
            &database.url,
            "0A000",
            "Feature not supported: RDS Proxy currently doesn't support command-line options.",
        ),
        Pooler::refusing(
            &database.url,
            "42704",
            "unrecognized configuration parameter",
        ),
        Pooler::refusing(&database.url, "55P02", "parameter cannot be changed now"),
        Pooler::refusing(
            &database.url,
            "08P01",
            "unsupported startup parameter: options",
        ),
    ];
    for (n, pooler) in poolers.iter().enumerate() {
        let url = pooler.url();
        let separator = if url.contains('?') { '&' } else { '?' };
        let hostile = r"-c standard_conforming_strings=off -c application_name=\\';COMMIT;CREATE\ TABLE\ injected(); -c transaction_read_only=off";
        for options in ["", "-c default_transaction_read_only=off", hostile] {
            let url = format!("{url}{separator}options={}", encoded(options));
            let source = source::managed("db", "postgres", json!({ "url": url }));
            expect_read_only(&scene, &source, &format!("{n}"));
        }
        // What the customer has set works all the same.
        let url = format!(
            "{url}{separator}options={}",
            encoded("-c TimeZone=Asia/Tokyo")
        );
        let source = source::managed("db", "postgres", json!({ "url": url }));
        let ask = |kind, options| {
            scene
                .gateway
                .dispatch(&source, kind, "zone", options)
                .wait()
        };
        let rows = ask("batchRead", json!({})).rows();
        assert_eq!(rows, [json!({"zone": "Asia/Tokyo"})]);
        let lists = json!({"measures": {"m": {"agg": "top_k", "column": "zone", "k": 1}}});
        ask("aggregate", lists).expect_done();
    }
    expect_unwritten(&database);
}

#[test]
fn no_setting_of_a_mysql_url_makes_a_session_writable() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let scene = Scene::new();
    for url in [databases::mariadb(), databases::mysql9()]
        .into_iter()
        .flatten()
    {
        for query in [
            "sessionVariables=transaction_read_only%3D0",
            "init=SET%20SESSION%20TRANSACTION%20READ%20WRITE",
            "init_connect=SET%20SESSION%20TRANSACTION%20READ%20WRITE",
            "initSql=SET%20tx_read_only%3D0&multiStatements=true",
            "transaction_read_only=0&tx_read_only=OFF",
            "allowLoadLocalInfile=true&allowMultiQueries=true",
        ] {
            let separator = if url.contains('?') { '&' } else { '?' };
            let source = source::managed(
                "db",
                "mysql",
                json!({ "url": format!("{url}{separator}{query}") }),
            );
            let test = scene
                .gateway
                .dispatch(&source, "test", "", json!({}))
                .wait();
            // A word that nobody knows may be refused as well.
            if matches!(test.terminal, runner_testkit::Terminal::Done(_)) {
                let facts = test.expect_done();
                assert_eq!(facts["readOnly"], true, "{query}");
                assert_eq!(facts["readOnlyBy"], "session", "{query}");
            } else {
                test.expect_error("SOURCE_CONFIG");
            }
        }
    }
}

#[test]
fn no_path_of_sqlite_is_more_than_a_path() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let scene = Scene::new();
    let folder = runner_testkit::temp::TempDir::new();
    let new = folder.path().join("new.db");
    let new = new.to_str().unwrap();
    for path in [
        new.to_owned(),
        format!("file:{new}?mode=rwc"),
        format!("file://{new}?mode=rwc"),
        format!("FILE:{new}?mode=rw&immutable=0"),
        format!("sqlite://{new}?mode=rwc"),
        format!("{new}?mode=rwc"),
        "file::memory:?cache=shared".to_owned(),
        format!("{new}\0?mode=rwc"),
    ] {
        let source = source::managed("db", "sqlite", json!({ "path": path }));
        for kind in ["test", "query", "listTargets"] {
            let answer = scene.gateway.dispatch(&source, kind, "t", json!({})).wait();
            let said = format!("{:?}", answer.terminal);
            assert!(
                said.contains("SOURCE_UNREACHABLE") || said.contains("SOURCE_CONFIG"),
                "{path}: {said}"
            );
        }
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "a file was made"
    );
    // Nor does the database tell where it is.
    let database = runner_testkit::databases::SqliteDatabase::create("CREATE TABLE t (id)");
    let source = source::managed("db", "sqlite", json!({ "path": database.path() }));
    let test = scene.gateway.dispatch(&source, "test", "", json!({}));
    assert_eq!(test.wait().expect_done()["readOnly"], true);
    for target in ["pragma_database_list", "PRAGMA_Database_List"] {
        for (kind, options) in [
            ("query", json!({})),
            ("batchRead", json!({})),
            ("count", json!({})),
            (
                "aggregate",
                json!({"measures": {"m": {"agg": "max", "column": "file"}}}),
            ),
        ] {
            let answer = scene
                .gateway
                .dispatch(&source, kind, target, options)
                .wait();
            answer.expect_error("INVALID_TARGET");
        }
    }
}

#[test]
fn mysql_says_whether_its_sessions_only_read() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let scene = Scene::new();
    for url in [databases::mariadb(), databases::mysql9()]
        .into_iter()
        .flatten()
    {
        let source = source::managed("db", "mysql", json!({ "url": url }));
        let test = scene
            .gateway
            .dispatch(&source, "test", "", json!({}))
            .wait();
        let facts = test.expect_done();
        assert_eq!(facts["readOnly"], true);
        assert_eq!(facts["readOnlyBy"], "session");
    }
}
