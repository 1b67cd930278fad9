//! Mixed load over every engine, for minutes or days: `soak [--hostile] MINUTES RUNNER [SEED]`. Usually everything
//! fails at random; with `--hostile` one source and the gateway do what they can to bring the runner down, and
//! nothing else fails. Ends with a table, and with exit code 1 when a job got no answer, a frame broke the contract,
//! or, with `--hostile`, a job of another source failed or something was left behind.

mod databases;
mod faults;
mod figures;
mod hostile;
mod load;
mod random;
mod tally;

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::{Gateway, Linked, Runner, RunnerBuilder};

use crate::databases::Database;
use crate::faults::Faulty;
use crate::figures::Figures;
use crate::hostile::{HostileGateway, HostileSource, Witness};
use crate::load::Load;
use crate::random::Random;
use crate::tally::Tally;

/// Threads that send jobs, each waiting for one answer at a time.
const SENDERS: u64 = 12;
/// Those that send jobs to the hostile source.
const HOSTILE_SENDERS: u64 = 4;
/// Time to connect, at the end of a back-off.
const CONNECT: Duration = Duration::from_secs(120);
/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(60);
/// Time for the runner to fall quiet before its memory is read.
const QUIET: Duration = Duration::from_secs(3);
/// Time for what a hostile source has left behind to go.
const SETTLE: Duration = Duration::from_secs(90);
/// Errors that an honest source's jobs may end in while the gateway sends more than can wait.
const OVERLOADED: [&str; 1] = ["OVERLOADED"];
/// The most memory that the process may take, whatever anybody does.
const MOST_MEMORY: u64 = 160_000_000;

/// A run.
struct Soak<'a> {
    gateway: &'a Gateway,
    runner: &'a Runner,
    databases: &'a [Database],
    tally: &'a Tally,
    seed: u64,
    start: Instant,
    end: Instant,
}

fn main() -> ExitCode {
    let mut words: Vec<_> = std::env::args().skip(1).collect();
    let hostile = words.first().is_some_and(|word| word == "--hostile");
    words.drain(..usize::from(hostile));
    let minutes = words.first().and_then(|word| word.parse::<f64>().ok());
    let (Some(minutes), Some(binary)) = (minutes, words.get(1)) else {
        eprintln!("usage: soak [--hostile] MINUTES RUNNER [SEED]");
        return ExitCode::from(2);
    };
    let seed = words.get(2).and_then(|word| word.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) << 20 | 1);
    println!("seed {seed}");

    let linked = Linked::encrypted();
    let Linked { gateway, link, .. } = &linked;
    let mut databases = databases::databases();
    if !hostile {
        databases.push(databases::nowhere());
    }
    let runner = linked
        .trusted(RunnerBuilder::new(binary, &linked.url()))
        .env("SEMILAYER_HEARTBEAT_MS", "2000")
        .env("SEMILAYER_LOG", if hostile { "off" } else { "error" })
        // What is shipped has musl's allocator, which gives large blocks back at once; glibc's is told to.
        .env("MALLOC_MMAP_THRESHOLD_", "131072")
        .start();
    let tally = Tally::default();
    let load = Load {
        gateway,
        databases: &databases,
        tally: &tally,
    };

    // Everything once, without faults: what the runner holds from then on is its own.
    wait_connected(gateway);
    let mut random = Random::new(seed);
    for _ in 0..300 {
        if hostile {
            load.plain(&mut random);
        } else {
            load.one(&mut random);
        }
    }
    thread::sleep(QUIET);
    let before = Figures::of(&runner);
    tally.reset();

    let start = Instant::now();
    let soak = Soak {
        gateway,
        runner: &runner,
        databases: &databases,
        tally: &tally,
        seed,
        start,
        end: start + Duration::from_secs_f64(minutes * 60.0),
    };
    let (villainy, witness) = (Tally::default(), Witness::default());
    if hostile {
        soak.attacked(&villainy, &witness);
    } else {
        soak.disturbed(link);
    }
    wait_connected(gateway);
    for _ in 0..50 {
        load.plain(&mut random);
    }
    let after = settled(&runner, &before);
    let sessions = gateway.state().hellos.len();
    let breaches = gateway.state().ledger.take_violations();
    let mut table = tally.table();
    if hostile {
        let of_villains = villainy.table().into_iter();
        table.extend(of_villains.map(|(name, figure)| (format!("hostile: {name}"), figure)));
    }
    let mut line = |name: &str, figure: String| table.push((name.to_owned(), figure));
    line("reconnects", (sessions - 1).to_string());
    line("breaches of the frames", breaches.len().to_string());
    line("before", before.to_string());
    line("after", after.to_string());
    let peak = runner.peak_rss();
    line("peak memory", format!("{:.1} MB", peak as f64 / 1e6));
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    line("ran for", format!("{minutes:.1} minutes"));
    for (name, figure) in table {
        println!("{name:<40}{figure}");
    }
    for breach in &breaches {
        eprintln!("{breach}");
    }
    let (memory, acts) = witness.highest();
    for act in acts {
        eprintln!("{:.1} MB, {act}", memory as f64 / 1e6);
    }
    let mut faults = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            faults.push(what.to_owned());
        }
    };
    must(tally.lost() + villainy.lost() == 0, "a job has no answer");
    must(breaches.is_empty(), "frames broke the contract");
    must(runner.is_running(), "the runner has ended");
    if hostile {
        must(
            tally.failed_otherwise(&OVERLOADED) == 0,
            "a job of an honest source failed",
        );
        must(
            after.is_no_more_than(&before),
            "threads or open files were left behind",
        );
        must(peak < MOST_MEMORY, "more memory than is promised");
    }
    if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        eprintln!("{}", runner.stderr());
        eprintln!("error: {}", faults.join("; "));
        ExitCode::FAILURE
    }
}

impl Soak<'_> {
    /// Everything fails at random.
    fn disturbed(&self, link: &runner_testkit::FaultProxy) {
        let (gateway, databases) = (self.gateway, self.databases);
        let load = self.load();
        let faulty = Faulty {
            gateway,
            link,
            databases,
        };
        thread::scope(|scope| {
            for number in 0..SENDERS {
                self.repeat(scope, number, |random| load.one(random));
            }
            let mut random = Random::new(self.seed + 1);
            scope.spawn(move || faulty.until(self.end, &mut random));
            scope.spawn(|| self.tell());
        });
    }

    /// One source and the gateway are hostile.
    fn attacked(&self, villainy: &Tally, witness: &Witness) {
        let load = self.load();
        let source = HostileSource::new(self.gateway, villainy, witness);
        let gateway = HostileGateway::new(self.gateway, &source, witness);
        thread::scope(|scope| {
            for number in 0..SENDERS {
                self.repeat(scope, number, |random| load.plain(random));
            }
            for number in SENDERS..SENDERS + HOSTILE_SENDERS {
                self.repeat(scope, number, |random| source.ask(random));
            }
            let mut random = Random::new(self.seed + 1);
            scope.spawn(move || gateway.until(self.end, &mut random));
            scope.spawn(|| witness.watch(self.runner, self.end));
            scope.spawn(|| self.tell());
        });
    }

    fn load(&self) -> Load<'_> {
        Load {
            gateway: self.gateway,
            databases: self.databases,
            tally: self.tally,
        }
    }

    /// Does this again and again on a thread of its own.
    fn repeat<'scope>(
        &'scope self,
        scope: &'scope thread::Scope<'scope, '_>,
        number: u64,
        act: impl Fn(&mut Random) + Send + 'scope,
    ) {
        let mut random = Random::new(self.seed + 2 * number + 2);
        scope.spawn(move || {
            while Instant::now() < self.end {
                act(&mut random);
            }
        });
    }

    /// Says how it goes.
    fn tell(&self) {
        // The last one would come with the table.
        while Instant::now() + PROGRESS < self.end {
            thread::sleep(PROGRESS);
            let minutes = self.start.elapsed().as_secs() / 60;
            let sessions = self.gateway.state().hellos.len();
            let (line, figures) = (self.tally.line(), Figures::of(self.runner));
            eprintln!("minute {minutes}: {line}, session {sessions}, {figures}");
        }
    }
}

/// What the runner holds once it is quiet; it may take its time to fall back to what it was.
fn settled(runner: &Runner, before: &Figures) -> Figures {
    let until = Instant::now() + SETTLE;
    thread::sleep(QUIET);
    loop {
        let figures = Figures::of(runner);
        if figures.is_no_more_than(before) || Instant::now() > until {
            return figures;
        }
        thread::sleep(Duration::from_millis(500));
    }
}

fn wait_connected(gateway: &Gateway) {
    gateway.wait("a connected runner", CONNECT, |state| {
        state.connected().then_some(())
    });
}
