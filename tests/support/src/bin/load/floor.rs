//! The floor: a bare loop over the driver doing the runner's statements on prepared statements and throwing
//! the rows away. What a runner costs beyond it is the runner's own.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use postgres::fallible_iterator::FallibleIterator;
use serde_json::{Value, json};

use crate::database::{Engine, Source};
use crate::tables::{POINTS, Tables};

/// What a loop showed.
pub struct Floor {
    /// Look-ups made, or rows read.
    pub count: u64,
    /// In this time.
    pub took: Duration,
    /// CPU time of its threads.
    pub cpu: Duration,
}

impl Floor {
    /// Look-ups or rows a second.
    pub fn rate(&self) -> f64 {
        self.count as f64 / self.took.as_secs_f64()
    }

    /// CPU time of each, in microseconds.
    pub fn micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.count as f64
    }

    /// As one object.
    pub fn json(&self, measure: &str) -> Value {
        json!({
            "measure": measure, "count": self.count, "seconds": self.took.as_secs_f64(),
            "perSecond": self.rate().round(), "cpuMicros": self.micros(),
        })
    }
}

/// CPU time of this thread so far.
fn thread_cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a figure"))
}

/// Looks up rows on so many connections at once.
pub fn points(source: &Source, tables: &Tables, connections: u64, time: Duration) -> Floor {
    thread::scope(|scope| {
        let loops: Vec<_> = (0..connections)
            .map(|number| scope.spawn(move || look_up(source, &tables.points, number, time)))
            .collect();
        let floors = loops.into_iter().map(|one| one.join().expect("a loop"));
        let sum = floors.reduce(|one, other| Floor {
            count: one.count + other.count,
            took: one.took.max(other.took),
            cpu: one.cpu + other.cpu,
        });
        sum.expect("a connection at least")
    })
}

fn look_up(source: &Source, table: &str, number: u64, time: Duration) -> Floor {
    let sql = |parameter| {
        format!(
            "SELECT t.id, t.owner, t.balance, t.note FROM {table} AS t WHERE t.id = {parameter}"
        )
    };
    match source.engine {
        Engine::Postgres => {
            let mut client = source.postgres();
            let statement = client.prepare(&sql("$1")).expect("a statement");
            repeat(number, time, |key| {
                client
                    .query(&statement, &[&(key as i32)])
                    .expect("a row")
                    .len()
            })
        }
        Engine::Mysql => {
            let mut client = source.mysql();
            let statement = client.prep(sql("?")).expect("a statement");
            repeat(number, time, |key| {
                let rows = client.exec_iter(&statement, (key,)).expect("a row");
                rows.inspect(|row| assert!(row.is_ok(), "a row")).count()
            })
        }
        Engine::Sqlite => {
            let client = source.sqlite();
            let mut statement = client.prepare(&sql("?")).expect("a statement");
            repeat(number, time, |key| {
                discard(statement.query([key as i64]).expect("a row"))
            })
        }
    }
}

/// Calls this with keys for a while, after a tenth of that time to warm up.
fn repeat(number: u64, time: Duration, mut look_up: impl FnMut(u64) -> usize) -> Floor {
    let mut key = 7919 * number;
    let mut stretch = |time| {
        let (start, cpu) = (Instant::now(), thread_cpu());
        let mut count = 0;
        while start.elapsed() < time {
            key = (key + 48_271) % (POINTS.end - POINTS.start);
            assert_eq!(look_up(POINTS.start + key), 1, "not one row");
            count += 1;
        }
        Floor {
            count,
            took: start.elapsed(),
            cpu: thread_cpu() - cpu,
        }
    };
    stretch(time / 10);
    stretch(time)
}

/// Reads the rows of one `batchRead` and throws them away, the second time.
pub fn rows(source: &Source, tables: &Tables) -> Floor {
    let Tables { rows, bulk, .. } = tables;
    let sql = |limit| {
        format!(
            "SELECT t.id, t.name, t.email, t.amount, t.ratio, t.active, t.created_at, t.note FROM {rows} AS t LIMIT {limit}"
        )
    };
    match source.engine {
        Engine::Postgres => {
            let mut client = source.postgres();
            let statement = client.prepare(&sql("$1")).expect("a statement");
            twice(|| {
                let rows = client.query_raw(&statement, [*bulk as i64]).expect("rows");
                rows.count().expect("rows")
            })
        }
        Engine::Mysql => {
            let mut client = source.mysql();
            let statement = client.prep(sql("?")).expect("a statement");
            twice(|| {
                let rows = client.exec_iter(&statement, (*bulk,)).expect("rows");
                rows.inspect(|row| assert!(row.is_ok(), "a row")).count()
            })
        }
        Engine::Sqlite => {
            let client = source.sqlite();
            let mut statement = client.prepare(&sql("?")).expect("a statement");
            twice(|| discard(statement.query([*bulk as i64]).expect("rows")))
        }
    }
}

fn twice(mut read: impl FnMut() -> usize) -> Floor {
    read();
    let (start, cpu) = (Instant::now(), thread_cpu());
    let count = read() as u64;
    Floor {
        count,
        took: start.elapsed(),
        cpu: thread_cpu() - cpu,
    }
}

fn discard(mut rows: rusqlite::Rows<'_>) -> usize {
    let mut count = 0;
    while let Some(row) = rows.next().expect("a row") {
        for column in 0..row.as_ref().column_count() {
            std::hint::black_box(row.get_ref(column).expect("a value"));
        }
        count += 1;
    }
    count
}
