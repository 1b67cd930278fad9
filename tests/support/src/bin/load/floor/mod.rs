//! The floor: a bare loop doing the runner's work and throwing the rows away, over the driver on prepared
//! statements where there is one, over the wire where there is none; there every value is read as what it is, as
//! drivers do. What a runner costs beyond it is the runner's own.

mod drivers;
mod mongodb;
mod redis;
mod upstash;
mod values;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

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
    let look_up = |number| match source.engine {
        Engine::Mongodb => mongodb::points(source, tables, number, time),
        Engine::Redis => redis::points(source, tables, number, time),
        Engine::Upstash(token) => upstash::points(source, token, tables, number, time),
        _ => drivers::points(source, tables, number, time),
    };
    thread::scope(|scope| {
        let loops: Vec<_> = (0..connections)
            .map(|number| scope.spawn(move || look_up(number)))
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

/// Reads the rows of one `batchRead` and throws them away, the second time.
pub fn rows(source: &Source, tables: &Tables) -> Floor {
    match source.engine {
        Engine::Mongodb => mongodb::rows(source, tables),
        Engine::Redis => redis::rows(source, tables),
        _ => drivers::rows(source, tables),
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
