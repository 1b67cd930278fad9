//! Servers that speak TLS as they should, and nothing else: connecting and jobs end in time, and nothing stays behind.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runner_testkit::fakes::{Opening, Sealed, SealedServer};
use runner_testkit::temp::TempDir;
use runner_testkit::{TestCa, source, watchdog};
use serde_json::{Value, json};

use crate::scene::{Scene, outcome};

const DEADLINE: Duration = Duration::from_millis(1500);
/// By then everybody has noticed it.
const NOTICED: Duration = Duration::from_secs(10);

/// A source of each engine that speaks TLS at this address, verified.
fn sources(at: impl Fn(Opening) -> SocketAddr) -> Vec<Value> {
    let pool = |mut config: Value| {
        config["pool"] = json!({ "max": 8 });
        config
    };
    let (direct, postgres, mysql) = (
        at(Opening::Direct),
        at(Opening::Postgres),
        at(Opening::MySql),
    );
    [
        (
            "postgres",
            json!({ "url": format!("postgres://u:p@{postgres}/d?sslmode=verify-full") }),
        ),
        (
            "mysql",
            json!({ "url": format!("mysql://u:p@{mysql}/d?sslmode=verify-full") }),
        ),
        (
            "mongodb",
            json!({ "url": format!("mongodb://u:p@{direct}/d?tls=true") }),
        ),
        (
            "redis",
            json!({ "url": format!("rediss://u:p@{direct}/0") }),
        ),
        (
            "clickhouse",
            json!({ "url": format!("https://u:p@{direct}/d") }),
        ),
        (
            "turso",
            json!({ "url": format!("https://{direct}"), "authToken": "t" }),
        ),
        (
            "upstash",
            json!({ "url": format!("https://{direct}"), "token": "t" }),
        ),
    ]
    .map(|(bridge, config)| source::managed(bridge, bridge, pool(config)))
    .to_vec()
}

#[track_caller]
fn endure(then: Sealed) {
    let _watchdog = watchdog(Duration::from_secs(170));
    let (folder, ca) = (TempDir::new(), TestCa::new("sealed"));
    let roots = folder.write("roots.pem", ca.pem());
    let config = ca.server(&["127.0.0.1"]);
    let scene = Scene::with(|runner| runner.env("NODE_EXTRA_CA_CERTS", roots.to_str().unwrap()));
    let openings = [Opening::Direct, Opening::Postgres, Opening::MySql];
    let servers = openings.map(|opening| SealedServer::start(opening, then, Arc::clone(&config)));
    let at = |opening| {
        let place = openings.iter().position(|one| *one == opening).unwrap();
        servers[place].address()
    };
    for source in sources(at) {
        let handshakes = || servers.iter().map(SealedServer::handshakes).sum::<usize>();
        let (before, started) = (handshakes(), Instant::now());
        let jobs = scene.send(&source, 12, DEADLINE);
        for answer in scene.expect_answers(&jobs, NOTICED) {
            let outcome = outcome(&answer);
            let ends = ["DEADLINE_EXCEEDED", "SOURCE_UNREACHABLE", "QUERY_FAILED"];
            assert!(ends.contains(&outcome.as_str()), "{answer:?}");
        }
        println!("{}: {:?}", source["bridge"], started.elapsed());
        assert!(handshakes() > before, "no handshake: {}", source["bridge"]);
        // One that is ended by the gateway ends at once.
        let job = scene.send(&source, 1, Duration::from_secs(60)).remove(0);
        if job.poll(Duration::from_millis(300)).is_none() {
            let cancel = json!({ "id": job.id, "type": "cancel" }).to_string();
            scene.gateway.connection().text(cancel);
            job.wait_for(Duration::from_secs(3))
                .expect_error("CANCELLED");
        }
    }
    scene.expect_small();
    scene.expect_rest();
    let before = scene.runner.cpu();
    std::thread::sleep(Duration::from_secs(1));
    let used = scene.runner.cpu() - before;
    assert!(used < Duration::from_millis(200), "busy: {used:?}");
}

#[test]
fn silence_behind_the_handshake() {
    endure(Sealed::Silence);
}

#[test]
fn half_a_record() {
    endure(Sealed::HalfARecord);
}

#[test]
fn a_record_that_drips() {
    endure(Sealed::DrippingRecord);
}

#[test]
fn bytes_that_drip() {
    endure(Sealed::DrippingBytes);
}

#[test]
fn zeros_without_end() {
    endure(Sealed::Flood);
}
