//! Connections that died while nobody used them cost no job.

use std::time::Duration;

use runner_testkit::databases::{Database, MysqlDatabase, PostgresDatabase};
use runner_testkit::{Stage, stage};

const SOON: Duration = Duration::from_secs(10);
/// Three at once fill the pool.
const POOL: usize = 3;

/// So many at once, all answered.
fn all_done<D: Database>(stage: &Stage<D>, kind: &str, target: &str) {
    let jobs: Vec<_> = (0..POOL).map(|_| stage.start(kind, target)).collect();
    for job in jobs {
        job.wait_for(SOON).expect_done();
    }
}

#[cfg(feature = "postgres")]
#[test]
fn no_postgres_job_fails() {
    let Some(database) = PostgresDatabase::usual() else {
        return;
    };
    let stage = stage!(database);
    for round in 0..4 {
        all_done(&stage, "batchRead", "nap");
        assert!(stage.database.connections() >= POOL, "round {round}");
        stage.database.terminate_all();
        for kind in [
            "batchRead",
            "query",
            "read",
            "count",
            "introspectTarget",
            "listTargets",
            "test",
        ] {
            all_done(&stage, kind, "one");
            stage.database.terminate_all();
        }
    }
}

#[cfg(feature = "mysql")]
fn no_mysql_job_fails(database: Option<MysqlDatabase>) {
    let Some(database) = database else { return };
    let stage = stage!(database);
    for _ in 0..3 {
        let naps: Vec<_> = (0..POOL).map(|_| stage.rows("nap")).collect();
        stage.database.wait_active(POOL, SOON);
        // The ids stay the same when the connections fall idle.
        let ids = stage.database.active();
        for nap in naps {
            nap.wait().expect_done();
        }
        stage.database.kill(&ids);
        all_done(&stage, "batchRead", "one");
    }
}

#[cfg(feature = "mysql")]
#[test]
fn no_mariadb_job_fails() {
    no_mysql_job_fails(MysqlDatabase::mariadb(MysqlDatabase::USUAL));
}

#[cfg(feature = "mysql")]
#[test]
fn no_mysql9_job_fails() {
    no_mysql_job_fails(MysqlDatabase::mysql9(MysqlDatabase::USUAL));
}
