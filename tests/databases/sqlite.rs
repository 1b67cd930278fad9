//! The SQLite bridge on real files, in this process.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::watchdog;
use semilayer_runner::bridges::Bridge;
use semilayer_runner::error::{ErrorCode, JobError};
use semilayer_runner::job::Outcome;
use serde_json::{Value, json};

use crate::in_process::{self, ask, job_within, run, walk};

fn open(config: Value) -> Result<Arc<dyn Bridge>, JobError> {
    in_process::open("sqlite", config)
}

fn open_file(path: &Path) -> Arc<dyn Bridge> {
    open(json!({ "path": path })).unwrap()
}

#[test]
fn every_row_is_read_once_whatever_the_key() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let sqlite = SqliteDatabase::create(
        "CREATE TABLE integers (k INTEGER PRIMARY KEY, v);
         INSERT INTO integers VALUES (-9223372036854775808, 1), (-1, 2), (0, 3), (1, 4),
           (9007199254740992, 5), (9007199254740993, 6), (9223372036854775806, 7), (9223372036854775807, 8);
         CREATE TABLE reals (k REAL PRIMARY KEY, v);
         INSERT INTO reals VALUES (-9e999, 1), (-1.5, 2), (0, 3), (5e-324, 4), (0.1, 5), (0.1 + 0.2, 6),
           (0.3, 7), (1e21, 8), (1.7976931348623157e308, 9), (9e999, 10), (9007199254740993, 11);
         CREATE TABLE texts (k TEXT PRIMARY KEY, v);
         INSERT INTO texts VALUES (NULL, 1), (NULL, 2), ('', 3), ('[', 4), ('[null]', 5), ('[\"t1\"]', 6),
           ('1', 7), ('10', 8), ('2', 9), ('é', 10), ('null', 11), (CAST(x'ff' AS TEXT), 12),
           (CAST(x'ff00' AS TEXT), 13), (char(0), 14), (' 5 ', 15);
         CREATE TABLE mixed (k PRIMARY KEY, v);
         INSERT INTO mixed VALUES (NULL, 1), (1, 2), (1.5, 3), ('1', 4), ('1.5', 5), (x'31', 6), (x'', 7),
           ('', 8), (10, 9), ('i1', 10), (9223372036854775807, 11), (NULL, 12), (9e999, 13);
         CREATE TABLE numbers (k NUMERIC PRIMARY KEY, v);
         INSERT INTO numbers VALUES (NULL, 1), (1, 2), ('1.5', 3), ('x', 4), (x'00', 5), ('0x10', 6),
           ('99999999999999999999', 7), (0.1 + 0.2, 8), ('5 apples', 9);
         CREATE TABLE any_strict (k ANY PRIMARY KEY, v INT) STRICT;
         INSERT INTO any_strict VALUES (1, 1), ('1', 2), (1.5, 3), ('1.5', 4), (x'31', 5);
         CREATE TABLE folded (k TEXT COLLATE NOCASE PRIMARY KEY, v);
         INSERT INTO folded VALUES ('apple', 1), ('Banana', 2), ('cherry', 3), ('É', 4), ('10', 5), ('9', 6);
         CREATE TABLE folded_column (k TEXT COLLATE NOCASE, v, PRIMARY KEY (k COLLATE BINARY));
         INSERT INTO folded_column VALUES ('a', 1), ('A', 2), ('b', 3), ('B', 4), ('c', 5);
         CREATE TABLE pairs (a INT, b TEXT, v, PRIMARY KEY (b, a));
         INSERT INTO pairs VALUES (1, 'x', 1), (2, 'x', 2), (NULL, 'x', 3), (NULL, 'x', 4), (1, NULL, 5),
           (NULL, NULL, 6), (NULL, NULL, 7), (3, 'y', 8), ('t', 'y', 9);
         CREATE TABLE triples (a INT, b INT, c INT, PRIMARY KEY (a, b DESC, c)) WITHOUT ROWID;
         INSERT INTO triples SELECT a.value, b.value, c.value
           FROM json_each('[1,2,3]') a, json_each('[1,2,3]') b, json_each('[1,2,3]') c;
         CREATE TABLE shadowed (rowid TEXT, _ROWID_ TEXT, k TEXT PRIMARY KEY, \"a\"\"b\" INT);
         INSERT INTO shadowed VALUES (1, 1, NULL, 1), (1, 1, NULL, 2), (2, 1, 'x', 3), (2, 1, 'y', 4);
         CREATE TABLE \"dotted.name\" (\"quo\"\"te\" INT PRIMARY KEY, v);
         INSERT INTO \"dotted.name\" VALUES (1, 1), (2, 2), (3, 3);",
    );
    let bridge = open_file(&sqlite.path());
    for target in [
        "integers",
        "reals",
        "texts",
        "mixed",
        "numbers",
        "any_strict",
        "folded",
        "folded_column",
        "pairs",
        "triples",
        "shadowed",
        "dotted.name",
    ] {
        let (mut all, summary) = ask(&*bridge, "query", target, json!({})).unwrap();
        assert_eq!(summary.total, Some(all.len() as u64));
        all.sort_by_key(Value::to_string);
        for limit in 1..5 {
            let mut rows = walk(&*bridge, target, limit);
            rows.sort_by_key(Value::to_string);
            assert_eq!(rows, all, "{target} by {limit}");
        }
    }
}

#[test]
fn the_key_is_shown_only_when_asked_for() {
    let sqlite = SqliteDatabase::create(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b);
         INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2);",
    );
    let bridge = open_file(&sqlite.path());
    let options = json!({ "fields": ["b", "A"], "limit": 1 });
    let (rows, summary) = ask(&*bridge, "read", "t", options).unwrap();
    assert_eq!(rows, [json!({ "b": 1, "a": "x" })]);
    assert_eq!(summary.next_cursor.as_deref(), Some("1"));
    assert_eq!(summary.total, Some(2));
    let error = ask(&*bridge, "read", "t", json!({ "cursor": "[\"z\"]" })).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidOptions);
}

#[test]
fn what_changed_is_told_by_time_where_the_text_is_a_time() {
    let sqlite = SqliteDatabase::create(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, updated_at TEXT);
         INSERT INTO t VALUES (1, '2025-06-01 00:00:00'), (2, '2025-06-01 00:00:01'),
           (3, '2025-06-01T00:00:00.000Z'), (4, '2025-06-01T00:00:00.001Z'),
           (5, '2025-06-01T01:00:00+02:00'), (6, '2025-05-31T23:30:00-01:00'),
           (7, '2025-06-01'), (8, '2025-06-02'), (9, NULL), (10, 1748736000000), (11, 'zzz'), (12, '');",
    );
    let bridge = open_file(&sqlite.path());
    let changed = |since: &str| {
        let options = json!({ "fields": ["id"], "changedSince": since });
        let (rows, summary) = ask(&*bridge, "read", "t", options)?;
        assert_eq!(summary.total, Some(12));
        let ids: Vec<_> = rows.iter().filter_map(|row| row["id"].as_u64()).collect();
        Ok::<_, JobError>(ids)
    };
    assert_eq!(
        changed("2025-06-01T00:00:00.000Z").unwrap(),
        [2, 4, 6, 8, 11]
    );
    assert_eq!(changed("2025-06-01").unwrap(), [2, 4, 6, 8, 11]);
    assert_eq!(
        changed("2025-06-01T02:00:00+02:00").unwrap(),
        [2, 4, 6, 8, 11]
    );
    for bad in ["now", "yesterday", "2025-99-99", "12:00"] {
        let code = changed(bad).unwrap_err().code;
        assert_eq!(code, ErrorCode::InvalidOptions, "{bad}");
    }
}

#[test]
fn nothing_is_ever_created_or_written() {
    let sqlite = SqliteDatabase::create(
        "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);",
    );
    let folder = sqlite.path().parent().unwrap().to_owned();
    let missing = folder.join("missing.sqlite");
    let error = ask(&*open_file(&missing), "test", "", json!({})).unwrap_err();
    assert_eq!(error.code, ErrorCode::SourceUnreachable);
    assert!(error.message.contains("missing.sqlite"), "{error}");
    assert!(!missing.exists());

    let error = ask(&*open_file(&folder), "test", "", json!({})).unwrap_err();
    assert_eq!(error.code, ErrorCode::SourceConfig);

    let text = folder.join("notes.txt");
    fs::write(
        &text,
        "this is no database, however long it may be".repeat(100),
    )
    .unwrap();
    let error = ask(&*open_file(&text), "test", "", json!({})).unwrap_err();
    assert_eq!(error.code, ErrorCode::SourceConfig);
    assert!(error.message.contains("not a database"), "{error}");

    let (_, summary) = ask(&*open_file(&sqlite.path()), "test", "", json!({})).unwrap();
    let server = summary.server.unwrap();
    assert!(
        server.version.starts_with("SQLite 3."),
        "{}",
        server.version
    );
    assert!(server.read_only && !server.tls);

    for config in [json!({}), json!({ "path": "" }), json!({ "path": 5 })] {
        let error = open(config).err().unwrap();
        assert_eq!(error.code, ErrorCode::SourceConfig);
    }
    let memory = open(json!({ "path": ":memory:" })).unwrap();
    let (rows, _) = ask(&*memory, "listTargets", "", json!({})).unwrap();
    assert!(rows.is_empty());
}

#[test]
fn an_ended_job_stops_its_statement() {
    let _watchdog = watchdog(Duration::from_secs(30));
    let sqlite = SqliteDatabase::create(
        "CREATE VIEW endless AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c;
         CREATE TABLE t (id INTEGER PRIMARY KEY);",
    );
    let bridge = open_file(&sqlite.path());
    for _ in 0..5 {
        let job = job_within(Duration::from_secs(30));
        thread::scope(|scope| {
            let counting = scope.spawn(|| run(&*bridge, &job, "count", "endless", json!({})));
            thread::sleep(Duration::from_millis(50));
            job.end(Outcome::Aborted(ErrorCode::Cancelled));
            job.stop_statement();
            let ended = Instant::now();
            let error = counting.join().unwrap().unwrap_err();
            assert_eq!(error.code, ErrorCode::Cancelled);
            assert!(ended.elapsed() < Duration::from_secs(1));
        });
        let (rows, _) = ask(&*bridge, "count", "t", json!({})).unwrap();
        assert_eq!(rows, [json!(0)]);
    }
}

#[test]
fn a_file_that_was_replaced_is_opened_again() {
    let sqlite = SqliteDatabase::create(
        "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);",
    );
    let other = SqliteDatabase::create(
        "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (7);",
    );
    let bridge = open_file(&sqlite.path());
    let rows = || ask(&*bridge, "query", "t", json!({})).unwrap().0;
    assert_eq!(rows(), [json!({ "id": 1 })]);
    fs::rename(other.path(), sqlite.path()).unwrap();
    assert_eq!(rows(), [json!({ "id": 7 })]);
}

#[test]
fn a_writer_is_waited_for_no_longer_than_the_job_may_last() {
    let _watchdog = watchdog(Duration::from_secs(30));
    let sqlite = SqliteDatabase::create(
        "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);",
    );
    let writer = rusqlite::Connection::open(sqlite.path()).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let bridge = open_file(&sqlite.path());
    let began = Instant::now();
    let job = job_within(Duration::from_millis(300));
    let error = run(&*bridge, &job, "query", "t", json!({})).unwrap_err();
    assert_eq!(error.code, ErrorCode::QueryFailed);
    assert!(error.message.contains("locked"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(2));
    writer.execute_batch("ROLLBACK").unwrap();
    assert!(ask(&*bridge, "query", "t", json!({})).is_ok());
}

#[test]
fn what_a_crash_left_is_not_undone_but_explained() {
    let sqlite = SqliteDatabase::create("CREATE TABLE t (id INTEGER PRIMARY KEY, v);");
    let folder = sqlite.path().parent().unwrap().to_owned();
    let crashed = folder.join("crashed.sqlite");
    let writer = rusqlite::Connection::open(sqlite.path()).unwrap();
    // A small cache makes the writer spill into the file before it commits.
    let half_written = "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 200)
        INSERT INTO t SELECT x, zeroblob(5000) FROM c;";
    writer.execute_batch(half_written).unwrap();
    fs::copy(sqlite.path(), &crashed).unwrap();
    let journal = |path: &Path| path.with_extension("sqlite-journal");
    fs::copy(journal(&sqlite.path()), journal(&crashed)).unwrap();
    let error = ask(&*open_file(&crashed), "query", "t", json!({})).unwrap_err();
    assert_eq!(error.code, ErrorCode::SourceUnreachable);
    assert!(error.message.contains("read-only runner"), "{error}");
    assert!(journal(&crashed).exists());
}

#[test]
fn a_database_in_wal_mode_is_read_with_and_without_its_writer() {
    let sqlite = SqliteDatabase::create(
        "PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);",
    );
    let bridge = open_file(&sqlite.path());
    let count = || ask(&*bridge, "count", "t", json!({})).unwrap().0;
    assert_eq!(count(), [json!(1)]);
    let writer = rusqlite::Connection::open(sqlite.path()).unwrap();
    writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(count(), [json!(2)]);
    writer
        .execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (3)")
        .unwrap();
    assert_eq!(count(), [json!(2)]);
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(count(), [json!(3)]);
}
