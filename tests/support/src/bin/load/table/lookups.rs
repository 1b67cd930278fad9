//! Point jobs at several depths, by turns with pgbench or redis-benchmark and with a bare loop.

use std::time::Duration;

use super::{Bench, Contest, Figures, Notes, Row, Sample, Target, Unit, row};
use crate::database::{Engine, Source};
use crate::points::{self, Stretch};
use crate::tables::Tables;
use crate::{floor, reference};

/// Connections of the runner's pool by default.
const POOL: usize = 3;
/// Point jobs at a time.
const IN_FLIGHT: [usize; 3] = [1, 8, 32];

/// Figures of all rounds at one depth.
#[derive(Default)]
struct Depth {
    rates: Figures,
    micros: Figures,
    /// Other programs, by what they are called.
    programs: Vec<(String, Sample)>,
    bare: Sample,
}

/// Measures them.
pub fn measure(
    bench: &Bench,
    group: &'static str,
    source: &Source,
    tables: &Tables,
    notes: &mut Notes,
) -> Vec<Row> {
    let mut contest = Contest::start(bench, &[source]);
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    let mut single = None;
    for in_flight in IN_FLIGHT {
        let connections = in_flight.min(POOL);
        let mut depth = Depth::default();
        for round in 1..=bench.rounds {
            let time = Duration::from_secs_f64(bench.seconds);
            let found =
                contest.each(|session| points::run(session, &tables.points, in_flight, time));
            depth.rates.add(&found, Stretch::rate);
            depth.micros.add(&found, Stretch::runner_micros);
            for (name, done) in programs(bench, source, tables, connections) {
                let known = depth.programs.iter().position(|(known, _)| *known == name);
                let at = known.unwrap_or_else(|| {
                    depth.programs.push((name, Sample::default()));
                    depth.programs.len() - 1
                });
                depth.programs[at].1.add(done.rate, done.micros);
            }
            let floor = floor::points(source, tables, connections as u64, time);
            depth.bare.add(floor.rate(), floor.micros());
            if let (true, Some(Some(points))) =
                (round == bench.rounds && in_flight == 32, found.first())
            {
                notes.add(load(group, in_flight, points));
            }
        }
        rates.extend(rate(group, in_flight, connections, &depth));
        let single = single.get_or_insert_with(|| {
            let first = depth.programs.first();
            let program = first.map(|(name, sample)| (name.clone(), sample.micros()));
            (program, depth.bare.micros())
        });
        let label = format!("CPU a job, {in_flight} in flight");
        let mut cost = |name: &str, micros, target| {
            let (name, runner) = (Some((name, micros)), depth.micros.medians());
            costs.push(row(group, &label, Unit::Micros, runner, name, target));
        };
        if let (Engine::Postgres, Some((name, micros))) = (source.engine, &single.0) {
            let most = match in_flight {
                1 => Some(Target::AtMost(2.0)),
                32 => Some(Target::AtMost(1.15)),
                _ => None,
            };
            cost(name, *micros, most);
        }
        cost("bare loop, 1 connection", single.1, None);
    }
    rates.extend(costs);
    rates
}

/// What other programs do on so many connections.
fn programs(
    bench: &Bench,
    source: &Source,
    tables: &Tables,
    connections: usize,
) -> Vec<(String, reference::Transactions)> {
    match source.engine {
        Engine::Postgres => ["extended", "prepared"]
            .map(|mode| {
                let done = reference::pgbench(source, tables, mode, connections, bench.seconds);
                (format!("pgbench -M {mode} -c {connections}"), done)
            })
            .into(),
        Engine::Redis => {
            // As long as the others take.
            let gets = (bench.seconds * 40_000.0) as u64;
            let done = reference::redis_benchmark(source, tables, connections, gets);
            vec![(format!("redis-benchmark -c {connections} GET"), done)]
        }
        _ => Vec::new(),
    }
}

fn rate(group: &'static str, in_flight: usize, connections: usize, depth: &Depth) -> Vec<Row> {
    let bare = format!("bare loop, {connections} at once");
    let programs = depth.programs.iter().map(|(name, sample)| (name, sample));
    let label = format!("point jobs, {in_flight} in flight");
    programs
        .chain([(&bare, &depth.bare)])
        .map(|(name, sample)| {
            let asked = in_flight == 32 && name.contains("extended");
            let reference = Some((name.as_str(), sample.rate()));
            row(
                group,
                &label,
                Unit::Rate("jobs"),
                depth.rates.medians(),
                reference,
                asked.then_some(Target::AtLeast(1.0)),
            )
        })
        .collect()
}

/// What the load itself took.
fn load(group: &str, in_flight: usize, points: &Stretch) -> String {
    let share = |cpu: Duration| 100.0 * cpu.as_secs_f64() / points.took.as_secs_f64();
    format!(
        "{group}, {in_flight} point jobs in flight: the load generator took {:.1} µs of CPU a job, \
         {:.0} % of one core; the runner {:.0} %.",
        points.load_micros(),
        share(points.load_cpu),
        share(points.runner_cpu),
    )
}
