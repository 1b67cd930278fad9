//! Mixed load over every engine with random faults, for minutes or days: `soak MINUTES RUNNER [SEED]`. Ends
//! with a table, and with exit code 1 when a job got no answer or a frame broke the contract.

mod faults;
mod load;
mod random;

use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::{Gateway, Linked, Runner, RunnerBuilder};

use crate::faults::Faulty;
use crate::load::{Load, Tally};
use crate::random::Random;

/// Threads that send jobs, each waiting for one answer at a time.
const SENDERS: u64 = 12;
/// Time to connect, at the end of a back-off.
const CONNECT: Duration = Duration::from_secs(120);
/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(60);
/// Time for the runner to fall quiet before its memory is read.
const QUIET: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let minutes = words.next().and_then(|word| word.parse::<f64>().ok());
    let (Some(minutes), Some(binary)) = (minutes, words.next()) else {
        eprintln!("usage: soak MINUTES RUNNER [SEED]");
        return ExitCode::from(2);
    };
    let seed = words.next().and_then(|word| word.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) << 20 | 1);
    println!("seed {seed}");

    let linked = Linked::encrypted();
    let Linked { gateway, link, .. } = &linked;
    let databases = load::databases();
    let runner = linked
        .trusted(RunnerBuilder::new(&binary, &linked.url()))
        .env("SEMILAYER_HEARTBEAT_MS", "2000")
        .env("SEMILAYER_LOG", "error")
        .start();
    let tally = Tally::default();
    let load = Load::new(gateway, &databases, &tally);

    // Everything once, without faults: what the runner holds from then on is its own.
    wait_connected(gateway);
    let mut random = Random::new(seed);
    for _ in 0..300 {
        load.one(&mut random);
    }
    thread::sleep(QUIET);
    let before = Figures::of(&runner);
    tally.reset();

    let start = Instant::now();
    let end = start + Duration::from_secs_f64(minutes * 60.0);
    thread::scope(|scope| {
        for number in 0..SENDERS {
            let mut random = Random::new(seed + 2 * number + 2);
            let load = &load;
            scope.spawn(move || {
                while Instant::now() < end {
                    load.one(&mut random);
                }
            });
        }
        let faulty = Faulty {
            gateway,
            link,
            databases: &databases,
        };
        let mut random = Random::new(seed + 1);
        scope.spawn(move || faulty.until(end, &mut random));
        let (tally, runner) = (&tally, &runner);
        scope.spawn(move || {
            // The last one would come with the table.
            while Instant::now() + PROGRESS < end {
                thread::sleep(PROGRESS);
                let minutes = start.elapsed().as_secs() / 60;
                let sessions = gateway.state().hellos.len();
                let (line, figures) = (tally.line(), Figures::of(runner));
                eprintln!("minute {minutes}: {line}, session {sessions}, {figures}");
            }
        });
    });
    wait_connected(gateway);
    for _ in 0..50 {
        load.one(&mut random);
    }
    thread::sleep(QUIET);
    let after = Figures::of(&runner);
    let sessions = gateway.state().hellos.len();
    let breaches = gateway.state().ledger.take_violations();
    let lost = tally.lost.load(Ordering::Relaxed);
    println!("{}", tally.table());
    println!("reconnects              {}", sessions - 1);
    println!("breaches of the frames  {}", breaches.len());
    println!("before                  {before}");
    println!("after                   {after}");
    println!(
        "peak memory             {:.1} MB",
        runner.peak_rss() as f64 / 1e6
    );
    println!(
        "ran for                 {:.1} minutes",
        start.elapsed().as_secs_f64() / 60.0
    );
    for breach in &breaches {
        eprintln!("{breach}");
    }
    if lost == 0 && breaches.is_empty() && runner.is_running() {
        ExitCode::SUCCESS
    } else {
        eprintln!("{}", runner.stderr());
        ExitCode::FAILURE
    }
}

fn wait_connected(gateway: &Gateway) {
    gateway.wait("a connected runner", CONNECT, |state| {
        state.connected().then_some(())
    });
}

/// What the runner holds.
struct Figures {
    memory: u64,
    threads: u64,
    descriptors: u64,
}

impl Figures {
    fn of(runner: &Runner) -> Self {
        Self {
            memory: runner.rss(),
            threads: runner.threads(),
            descriptors: runner.descriptors(),
        }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let memory = self.memory as f64 / 1e6;
        let (threads, descriptors) = (self.threads, self.descriptors);
        write!(
            f,
            "{memory:.1} MB, {threads} threads, {descriptors} open files"
        )
    }
}
