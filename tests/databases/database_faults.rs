//! What a network can do between a runner and its databases: every job gets its answer, and the next ones work.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use runner_testkit::databases::{Database, MysqlDatabase, PostgresDatabase};
use runner_testkit::{Answer, Faults, Stage, stage};

const SOON: Duration = Duration::from_secs(20);
/// Of the table `large`, 200 bytes each.
const ROWS: u64 = 5000;

/// A stage on each engine there is.
fn stages() -> impl Iterator<Item = Stage<Box<dyn Database>>> {
    let postgres = PostgresDatabase::with(&format!(
        "CREATE TABLE large AS SELECT generate_series(1, {ROWS}) AS id, repeat('x', 200) AS filler"
    ));
    let tables = "CREATE TABLE {}digit (d INT); INSERT INTO {}digit VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9);
         CREATE TABLE {}large AS SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 1 AS id, REPEAT('x', 200) AS filler
           FROM {}digit a, {}digit b, {}digit c, {}digit e WHERE e.d < 5";
    let databases: [Option<Box<dyn Database>>; 3] = [
        postgres.map(|database| Box::new(database) as _),
        MysqlDatabase::mariadb(tables).map(|database| Box::new(database) as _),
        MysqlDatabase::mysql9(tables).map(|database| Box::new(database) as _),
    ];
    databases
        .into_iter()
        .flatten()
        .map(|database| stage!(database))
}

#[track_caller]
fn expect_whole(answer: &Answer) {
    assert_eq!(answer.expect_done()["count"], ROWS);
    let ids: HashSet<_> = answer
        .rows()
        .iter()
        .map(|row| row["id"].to_string())
        .collect();
    assert_eq!((answer.rows_counted, ids.len() as u64), (ROWS, ROWS));
}

/// However the network cuts the answers apart, and however slowly they come.
#[test]
fn answers_in_pieces_are_the_same_answers() {
    for mut stage in stages() {
        let link = stage.relay();
        let pieces = Faults {
            slice: Some(3),
            ..Faults::default()
        };
        link.set(Faults::single_bytes(), pieces);
        expect_whole(&stage.rows("large").wait());
        let slow = Faults {
            rate: Some(2_000_000),
            delay: Duration::from_millis(2),
            ..Faults::default()
        };
        link.set(slow, slow);
        expect_whole(&stage.rows("large").wait());
    }
}

/// A connection that breaks in the middle of an answer is one error and no half answer that looks whole.
#[test]
fn a_broken_answer_is_an_error() {
    for mut stage in stages() {
        // While it connects, logs in, prepares, and at several points of its rows.
        for bytes in [0, 1, 60, 300, 500, 1_000, 10_000, 150_000, 400_000, 900_000] {
            let link = stage.relay();
            link.set(Faults::default(), Faults::cut_after(bytes));
            let answer = stage.rows("large").wait();
            let what = format!("{} after {bytes}", stage.source["bridge"]);
            let (code, message) = answer.result("batchRead").expect_err(&what);
            assert!(
                matches!(code.as_str(), "SOURCE_UNREACHABLE" | "QUERY_FAILED"),
                "{what}: {code} {message}"
            );
            assert!(!message.contains("runner:runner"), "{what}: {message}");
            assert!(
                answer.elapsed < Duration::from_secs(10),
                "{what}: {:?}",
                answer.elapsed
            );
            link.heal();
            expect_whole(&stage.rows("large").wait());
        }
    }
}

/// Idle connections that were reset, as firewalls do after a while, cost no job.
#[test]
fn reset_connections_are_replaced() {
    for mut stage in stages() {
        let link = stage.relay();
        for round in 0..4 {
            let jobs: Vec<_> = (0..3).map(|_| stage.rows("large")).collect();
            jobs.iter().for_each(|job| expect_whole(&job.wait()));
            if round % 2 == 0 {
                link.reset()
            } else {
                link.cut()
            }
        }
    }
}

/// A database that falls silent in the middle of its rows ends with the job's time, and holds up nobody after
/// it is back.
#[test]
fn silence_in_the_middle_ends_with_the_deadline() {
    for mut stage in stages() {
        let link = stage.relay();
        expect_whole(&stage.rows("large").wait());
        // A little of the answer comes, and then nothing.
        let trickle = Faults {
            rate: Some(20_000),
            slice: Some(1000),
            ..Faults::default()
        };
        link.set(Faults::default(), trickle);
        let jobs: Vec<_> = (0..3)
            .map(|_| stage.rows_within("large", Duration::from_millis(1500)))
            .collect();
        thread::sleep(Duration::from_millis(500));
        link.set(Faults::stalled(), Faults::stalled());
        for job in jobs {
            let answer = job.wait_for(SOON);
            answer.expect_error("DEADLINE_EXCEEDED");
            assert!(
                answer.elapsed < Duration::from_secs(4),
                "{:?}",
                answer.elapsed
            );
        }
        link.heal();
        link.cut();
        expect_whole(&stage.rows("large").wait());
        assert!(stage.runner.is_running());
    }
}
