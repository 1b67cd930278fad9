//! Point jobs: one row by its key, so many at a time.

use std::time::{Duration, Instant};

use runner_testkit::statistics::percentile;
use serde_json::{Value, json};

use crate::link::Kind;
use crate::session::{Session, own_cpu};
use crate::tables::{POINTS, Points};

/// What a stretch of point jobs showed.
pub struct Stretch {
    /// Jobs answered.
    pub jobs: u64,
    /// In this time.
    pub took: Duration,
    /// CPU time of the runner.
    pub runner_cpu: Duration,
    /// CPU time of this process.
    pub load_cpu: Duration,
    /// From frame to `done`, of every job.
    pub latencies: Vec<Duration>,
}

impl Stretch {
    /// Jobs a second.
    pub fn rate(&self) -> f64 {
        self.jobs as f64 / self.took.as_secs_f64()
    }

    /// The runner's CPU time a job, in microseconds.
    pub fn runner_micros(&self) -> f64 {
        self.runner_cpu.as_secs_f64() * 1e6 / self.jobs as f64
    }

    /// This process' CPU time a job, in microseconds.
    pub fn load_micros(&self) -> f64 {
        self.load_cpu.as_secs_f64() * 1e6 / self.jobs as f64
    }

    /// As one object.
    pub fn json(&self, in_flight: usize) -> Value {
        json!({
            "measure": "point", "inFlight": in_flight, "jobs": self.jobs, "jobsPerSecond": self.rate().round(),
            "runnerCpuMicrosPerJob": round(self.runner_micros()),
            "loadCpuMicrosPerJob": round(self.load_micros()),
            "loadCpuShare": round(self.load_cpu.as_secs_f64() / self.took.as_secs_f64()),
            "p50Micros": percentile(&self.latencies, 0.5).as_micros(),
            "p99Micros": percentile(&self.latencies, 0.99).as_micros(),
        })
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Looks up random rows of this table for a while, after a tenth of that time to warm up; of all sources, if there
/// are several.
pub fn run(
    session: &mut Session,
    points: &Points,
    in_flight: usize,
    time: Duration,
) -> Result<Stretch, String> {
    for source in 0..session.sources() {
        session.choose(source);
        let rows = session.rows("query", &points.target, &points.options(POINTS.start + 7))?;
        let id = rows.first().map(|row| &row["id"]);
        if rows.len() != 1 || id.is_none_or(|id| !id.to_string().contains("100007")) {
            return Err(format!("not the row that was asked for: {rows:?}"));
        }
    }
    stretch(session, points, in_flight, time / 10)?;
    stretch(session, points, in_flight, time)
}

fn stretch(
    session: &mut Session,
    points: &Points,
    in_flight: usize,
    time: Duration,
) -> Result<Stretch, String> {
    let digits = POINTS.start.to_string();
    let mut frames = Vec::new();
    for source in 0..session.sources() {
        session.choose(source);
        let frame = session.job_frame("query", &points.target, &points.options(POINTS.start));
        let text = std::str::from_utf8(&frame.text).expect("JSON");
        let at = text.rfind(&digits).expect("the key");
        frames.push((frame, at));
    }
    // The sent jobs, as many as are in flight: id and time.
    let mut sent: Vec<(u64, Instant)> = Vec::with_capacity(in_flight);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut send = |session: &mut Session, sent: &mut Vec<(u64, Instant)>| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let id = session.next_id();
        let which = (random >> 32) as usize % frames.len();
        let (frame, at) = &mut frames[which];
        frame.set_id(id);
        let key = POINTS.start + random % (POINTS.end - POINTS.start);
        frame.set_digits(*at, digits.len(), key);
        session.link.put(&frame.text);
        sent.push((id, Instant::now()));
    };
    let (runner_cpu, load_cpu) = (session.runner.cpu(), own_cpu());
    let start = Instant::now();
    let mut latencies = Vec::new();
    let mut chunks = 0;
    for _ in 0..in_flight {
        send(session, &mut sent);
    }
    while !sent.is_empty() {
        let message = session.link.message()?;
        match message.kind {
            Kind::Chunk => chunks += 1,
            Kind::Done => {
                let at = sent.iter().position(|(id, _)| *id == message.id);
                let (_, since) = sent.swap_remove(at.ok_or("an end of no job in flight")?);
                latencies.push(since.elapsed());
                if start.elapsed() < time {
                    send(session, &mut sent);
                }
            }
            Kind::Error | Kind::Session => {}
        }
    }
    if chunks != latencies.len() {
        return Err("jobs without a row".to_owned());
    }
    Ok(Stretch {
        jobs: latencies.len() as u64,
        took: start.elapsed(),
        runner_cpu: session.runner.cpu() - runner_cpu,
        load_cpu: own_cpu() - load_cpu,
        latencies,
    })
}
