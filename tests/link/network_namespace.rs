//! Faults that take a network of one's own: packets that vanish, a line of a few hundred kilobytes a second,
//! a name server that does not answer. Where no network namespace can be made the tests say so and pass.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use runner_testkit::databases::{Database, SqliteDatabase};
use runner_testkit::{FaultProxy, Faults, Gateway, Runner, RunnerBuilder, Terminal, watchdog};
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);

/// A network namespace, joined to this machine by a line of its own. Everything goes with it when it is
/// dropped.
struct Network {
    name: String,
    /// Ends of the line.
    here: Ipv4Addr,
    there: Ipv4Addr,
    files: PathBuf,
}

fn ip(words: &str) -> Result<(), String> {
    let output = Command::new("ip").args(words.split(' ')).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(format!("ip: {error}")),
    }
}

impl Network {
    fn new() -> Option<Self> {
        static COUNT: AtomicU16 = AtomicU16::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let id = std::process::id();
        let name = format!("runner-{id}-{number}");
        // Addresses reserved for measurements (RFC 2544), four to a line.
        let [high, low] = ((id as u16) << 3 | number).to_be_bytes();
        let at = |host: u8| Ipv4Addr::new(198, 18 + (high & 1), high, (low << 2) | host);
        let network = Self {
            files: format!("/etc/netns/{name}").into(),
            here: at(1),
            there: at(2),
            name,
        };
        let (name, here, there) = (&network.name, network.here, network.there);
        let line = format!("rh{id}{number}");
        let steps = [
            format!("netns add {name}"),
            format!("link add {line} type veth peer name gate netns {name}"),
            format!("address add {here}/30 dev {line}"),
            format!("link set {line} up"),
            format!("-n {name} address add {there}/30 dev gate"),
            format!("-n {name} link set gate up"),
            format!("-n {name} link set lo up"),
        ];
        for step in &steps {
            if let Err(error) = ip(step) {
                println!("skipped: no network of its own can be made here (ip {step}: {error})");
                return None;
            }
        }
        Some(network)
    }

    fn exec(&self, words: &[&str]) -> bool {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).args(words);
        command.status().is_ok_and(|status| status.success())
    }

    /// Four megabits a second from there to here.
    fn narrow(&self) -> bool {
        let tbf = "tc qdisc add dev gate root tbf rate 4mbit burst 64kbit latency 500ms";
        let narrow = self.exec(&tbf.split(' ').collect::<Vec<_>>());
        if !narrow {
            println!("skipped: no narrow line can be made here ({tbf})");
        }
        narrow
    }

    fn runner(&self, url: &str) -> RunnerBuilder {
        RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), url)
            .through(&["ip", "netns", "exec", &self.name])
            .env("SEMILAYER_ALLOW_INSECURE", "1")
    }

    /// From now on no packet comes back from here, and nobody is told.
    fn vanish(&self) {
        ip(&format!("route add blackhole {}/32", self.there)).unwrap();
    }

    fn reappear(&self) {
        ip(&format!("route del blackhole {}/32", self.there)).unwrap();
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = ip(&format!("route del blackhole {}/32", self.there));
        let _ = ip(&format!("netns del {}", self.name));
        let _ = fs::remove_dir_all(&self.files);
    }
}

/// A gateway that is reached over the line.
fn reachable(network: &Network) -> (Gateway, FaultProxy, String) {
    let gateway = Gateway::start();
    let door = FaultProxy::start_on(network.here.into(), ([127, 0, 0, 1], gateway.port()).into());
    let url = format!("ws://{}/connect", door.address);
    (gateway, door, url)
}

#[test]
fn vanished_packets_are_noticed_within_two_and_a_half_heartbeats() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let Some(network) = Network::new() else {
        return;
    };
    const HEARTBEAT: Duration = Duration::from_millis(1000);
    let (gateway, _door, url) = reachable(&network);
    let runner: Runner = network
        .runner(&url)
        .env("SEMILAYER_HEARTBEAT_MS", "1000")
        .start();
    runner.wait_stdout("  → connected, awaiting jobs\n", SOON);
    let lost = gateway.expect_job("never-seen");
    let from = Instant::now();
    network.vanish();
    runner.wait_stderr("the gateway has fallen silent", SOON);
    let took = from.elapsed();
    assert!(
        took < HEARTBEAT.mul_f64(2.5) + Duration::from_secs(2),
        "{took:?}"
    );
    println!("left after {took:?}");
    network.reappear();
    runner.wait_stdout_times("  → connected, awaiting jobs\n", 2, SOON);
    gateway.wait_hello(2, SOON);
    // The gateway's own end of the dead link is still there, as with a real one.
    assert!(matches!(
        lost.poll(Duration::ZERO).map(|answer| answer.terminal),
        None | Some(Terminal::Disconnected)
    ));
}

/// Four megabits a second: heartbeats must not wait behind the rows in the kernel's buffer.
#[test]
fn a_long_result_on_a_narrow_line_keeps_its_session() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let Some(network) = Network::new() else {
        return;
    };
    if !network.narrow() {
        return;
    }
    let database = SqliteDatabase::create(
        "CREATE TABLE large (id INTEGER PRIMARY KEY, filler TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
         INSERT INTO large SELECT i, printf('%01000d', i) FROM n",
    );
    let source = database.source();
    let (gateway, _door, url) = reachable(&network);
    let runner = network
        .runner(&url)
        .env("SEMILAYER_HEARTBEAT_MS", "2000")
        .start();
    runner.wait_stdout("  → connected, awaiting jobs\n", SOON);
    let answer = gateway
        .dispatch(&source, "batchRead", "large", json!({}))
        .wait();
    println!(
        "5 MB in {:?}, first rows after {:?}",
        answer.elapsed, answer.first
    );
    assert_eq!(answer.expect_done()["count"], 5000);
    assert!(
        answer.elapsed > Duration::from_secs(5),
        "the line is not narrow: {:?}",
        answer.elapsed
    );
    let state = gateway.state();
    assert_eq!(state.hellos.len(), 1, "{}", runner.stderr());
    assert!(
        state.heartbeats.len() >= 3,
        "{} heartbeats",
        state.heartbeats.len()
    );
}

#[test]
fn a_name_server_that_does_not_answer_is_named() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let Some(network) = Network::new() else {
        return;
    };
    let Ok(_mute) = UdpSocket::bind((network.here, 53)) else {
        println!("skipped: port 53 is taken here");
        return;
    };
    // `ip netns exec` shows these files in place of those in /etc.
    let resolver = format!("nameserver {}\noptions timeout:30\n", network.here);
    let written = fs::create_dir_all(&network.files)
        .and_then(|()| fs::write(network.files.join("resolv.conf"), resolver));
    if let Err(error) = written {
        println!("skipped: {}: {error}", network.files.display());
        return;
    }
    let runner = network.runner("wss://gateway.example.com/connect").start();
    runner.wait_stderr(
        "the name look-up took too long (15 s in all)",
        Duration::from_secs(25),
    );
    assert!(runner.started.elapsed() >= Duration::from_secs(14));
    runner.wait_stdout("  ⚠ disconnected: close 1006\n", SOON);
}

/// Five thousand jobs at once for a source that does not get on, over a line that carries the refusals much
/// more slowly than the jobs: all are answered, and the session stays.
#[test]
fn refusals_on_a_narrow_line_reach_the_gateway() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let Some(network) = Network::new() else {
        return;
    };
    if !network.narrow() {
        return;
    }
    let database = SqliteDatabase::create(
        "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
           SELECT count(*) AS i FROM n;",
    );
    let source = database.source();
    let (gateway, door, url) = reachable(&network);
    let runner = network.runner(&url).start();
    runner.wait_stdout("  → connected, awaiting jobs\n", SOON);
    door.set(Faults::default(), Faults::stalled());
    let jobs: Vec<_> = (0..5000)
        .map(|_| gateway.dispatch_with(&source, "count", "endless", json!({}), 8_000, false))
        .collect();
    door.heal();
    let mut ends = std::collections::BTreeMap::new();
    for job in &jobs {
        let (code, _) = job.wait().result("count").expect_err("an endless count");
        *ends.entry(code).or_insert(0) += 1;
    }
    println!("{ends:?}");
    assert_eq!(
        ends.keys().collect::<Vec<_>>(),
        ["DEADLINE_EXCEEDED", "OVERLOADED"],
        "{ends:?}"
    );
    assert_eq!(gateway.state().hellos.len(), 1, "{}", runner.stderr());
}
