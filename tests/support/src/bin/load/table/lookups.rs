//! Point jobs at several depths, by turns with pgbench and with a bare loop over the driver.

use std::time::Duration;

use super::{Bench, Notes, Row, Sample, Target, Unit, row};
use crate::database::{Engine, Source};
use crate::points::{self, Points};
use crate::session::Session;
use crate::tables::Tables;
use crate::{floor, reference};

/// Connections of the runner's pool by default.
const POOL: usize = 3;
/// Point jobs at a time.
const IN_FLIGHT: [usize; 3] = [1, 8, 32];

/// Figures of all rounds at one depth.
#[derive(Default)]
struct Depth {
    runner: Sample,
    extended: Sample,
    prepared: Sample,
    bare: Sample,
}

/// Measures them. Only PostgreSQL has a pgbench.
pub fn measure(
    bench: &Bench,
    group: &'static str,
    source: &Source,
    tables: &Tables,
    notes: &mut Notes,
) -> Vec<Row> {
    let mut session = Session::start(&bench.runner, &[source]);
    let pgbench = source.engine == Engine::Postgres;
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    let mut single = None;
    for in_flight in IN_FLIGHT {
        let connections = in_flight.min(POOL);
        let mut depth = Depth::default();
        for round in 1..=bench.rounds {
            let time = Duration::from_secs_f64(bench.seconds);
            let points = points::run(&mut session, &tables.points, in_flight, time);
            depth.runner.add(points.rate(), points.runner_micros());
            if pgbench {
                let Depth {
                    extended, prepared, ..
                } = &mut depth;
                for (mode, sample) in [("extended", extended), ("prepared", prepared)] {
                    let done = reference::pgbench(source, tables, mode, connections, bench.seconds);
                    sample.add(done.rate, done.micros);
                }
            }
            let floor = floor::points(source, tables, connections as u64, time);
            depth.bare.add(floor.rate(), floor.micros());
            if round == bench.rounds && in_flight == 32 {
                notes.add(load(group, in_flight, &points));
            }
        }
        rates.extend(rate(group, in_flight, connections, &depth));
        let single = single.get_or_insert((depth.extended.micros(), depth.bare.micros()));
        let label = format!("CPU a job, {in_flight} in flight");
        let mut cost = |name, micros, target| {
            let runner = depth.runner.micros();
            let name = Some((name, micros));
            costs.push(row(group, &label, Unit::Micros, runner, name, target));
        };
        if pgbench {
            cost(
                "pgbench -M extended -c 1",
                single.0,
                Some(Target::AtMost(1.4)),
            );
        }
        cost("bare loop, 1 connection", single.1, None);
    }
    rates.extend(costs);
    rates
}

fn rate(group: &'static str, in_flight: usize, connections: usize, depth: &Depth) -> Vec<Row> {
    let target = (in_flight == 32).then_some(Target::AtLeast(0.6));
    let references = [
        (
            format!("pgbench -M extended -c {connections}"),
            &depth.extended,
            target,
        ),
        (
            format!("pgbench -M prepared -c {connections}"),
            &depth.prepared,
            None,
        ),
        (
            format!("bare loop, {connections} at once"),
            &depth.bare,
            None,
        ),
    ];
    let label = format!("point jobs, {in_flight} in flight");
    let rows = references.iter().filter(|(_, sample, _)| sample.any());
    rows.map(|(name, sample, target)| {
        let reference = Some((name.as_str(), sample.rate()));
        row(
            group,
            &label,
            Unit::Rate("jobs"),
            depth.runner.rate(),
            reference,
            *target,
        )
    })
    .collect()
}

/// What the load itself took.
fn load(group: &str, in_flight: usize, points: &Points) -> String {
    let share = |cpu: Duration| 100.0 * cpu.as_secs_f64() / points.took.as_secs_f64();
    format!(
        "{group}, {in_flight} point jobs in flight: the load generator took {:.1} µs of CPU a job, \
         {:.0} % of one core; the runner {:.0} %.",
        points.load_micros(),
        share(points.load_cpu),
        share(points.runner_cpu),
    )
}
