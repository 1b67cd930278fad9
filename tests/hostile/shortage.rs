//! A process that may have little: descriptors, threads. What lacks something says so and what to set; everybody else goes
//! on, and the session with the gateway stays.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use runner_testkit::databases::{
    ClickhouseDatabase, Database, MongodbDatabase, MysqlDatabase, PostgresDatabase, SqliteDatabase,
    redis,
};
use runner_testkit::fakes::{Server, stay_silent};
use runner_testkit::temp::TempDir;
use runner_testkit::{Answer, TestCa, source, watchdog};
use serde_json::{Value, json};

use crate::scene::{Scene, outcome};

const TABLE: &str = "CREATE TABLE {}one (id INTEGER PRIMARY KEY); INSERT INTO {}one VALUES (1)";

/// A free port for the health listener.
fn port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[track_caller]
fn expect_health(port: u16) {
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    tcp.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// A runner that may have so many descriptors, and the port where it tells how it is.
fn with_descriptors(count: usize) -> (Scene, u16) {
    let port = port();
    let scene = Scene::with(|runner| {
        runner
            .through(&["prlimit", &format!("--nofile={count}:{count}")])
            .env("SEMILAYER_HEALTH_ADDR", format!("127.0.0.1:{port}"))
    });
    (scene, port)
}

/// The same source under another name.
fn renamed(source: &Value, name: &str) -> Value {
    let mut source = source.clone();
    source["id"] = json!(name);
    source["name"] = json!(name);
    source
}

/// Databases of every engine that is there, with names that must be looked up, and a table each.
fn databases() -> Vec<(Box<dyn Database>, String)> {
    let plain = TABLE.replace("{}", "");
    let mut all: Vec<Box<dyn Database>> = vec![Box::new(SqliteDatabase::create(&plain))];
    all.extend(PostgresDatabase::with(&plain).map(|database| Box::new(database) as _));
    all.extend(MysqlDatabase::mariadb(TABLE).map(|database| Box::new(database) as _));
    all.extend(MysqlDatabase::mysql9(TABLE).map(|database| Box::new(database) as _));
    all.extend(MongodbDatabase::usual().map(|database| Box::new(database) as _));
    let clickhouse = "CREATE TABLE {}one (id Int32) ENGINE = Memory; INSERT INTO {}one VALUES (1)";
    all.extend(ClickhouseDatabase::current(clickhouse).map(|database| Box::new(database) as _));
    let mut all: Vec<_> = all
        .into_iter()
        .map(|database| {
            let target = database.target("one");
            (database, target)
        })
        .collect();
    if let Some(url) = redis() {
        let source = source::managed("redis", "redis", json!({ "url": url }));
        all.push((Box::new(source), "no such prefix:".to_owned()));
    }
    all
}

#[track_caller]
fn expect_no_fault(scene: &Scene) {
    let log = scene.runner.stderr();
    assert!(!log.contains("panic in thread"), "{log}");
    assert_eq!(
        scene.gateway.state().hellos.len(),
        1,
        "the session was lost"
    );
}

#[test]
fn a_hundred_sources_and_sixty_four_descriptors() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let databases = databases();
    let (scene, port) = with_descriptors(64);
    let sources: Vec<_> = (0..100)
        .map(|n| {
            let (database, target) = &databases[n % databases.len()];
            let mut source = renamed(&database.source(), &format!("s{n}"));
            if let Some(url) = source["config"]["url"].as_str() {
                let url = url.replace("127.0.0.1", "localhost");
                source["config"]["url"] = json!(url);
            }
            (source, target.clone())
        })
        .collect();
    let mut overloaded = 0;
    for _ in 0..3 {
        let jobs: Vec<_> = sources
            .iter()
            .map(|(source, target)| {
                let job = || scene.gateway.dispatch(source, "count", target, json!({}));
                (job(), job)
            })
            .collect();
        for (first, again) in jobs {
            let mut answer: Answer = first.wait_for(Duration::from_secs(40));
            while outcome(&answer) == "OVERLOADED" {
                overloaded += 1;
                answer = again().wait_for(Duration::from_secs(40));
            }
            answer.expect_done();
        }
        expect_health(port);
        scene.expect_healthy();
    }
    println!(
        "{} descriptors, {overloaded} times OVERLOADED",
        scene.runner.descriptors()
    );
    assert!(overloaded < 30, "{overloaded} refusals");
    expect_no_fault(&scene);
}

/// A source of each engine at this address, with its own way to be told so.
fn sources_at(address: std::net::SocketAddr) -> Vec<Value> {
    let managed = |bridge: &str, config: Value| source::managed(bridge, bridge, config);
    vec![
        managed(
            "postgres",
            json!({"url": format!("postgres://u:pw@{address}/d?sslmode=disable")}),
        ),
        managed(
            "neon",
            json!({"url": format!("postgres://u:pw@{address}/d")}),
        ),
        managed("mysql", json!({"url": format!("mysql://u:pw@{address}/d")})),
        managed(
            "mongodb",
            json!({"url": format!("mongodb://u:pw@{address}/d")}),
        ),
        managed(
            "mongodb",
            json!({"url": format!("mongodb://u:pw@{address}/d?tls=true")}),
        ),
        managed(
            "clickhouse",
            json!({"url": format!("http://u:pw@{address}/d")}),
        ),
        managed(
            "clickhouse",
            json!({"url": format!("https://u:pw@{address}/d")}),
        ),
        managed("redis", json!({"url": format!("redis://u:pw@{address}/0")})),
        managed(
            "redis",
            json!({"url": format!("rediss://u:pw@{address}/0")}),
        ),
        managed(
            "upstash",
            json!({"url": format!("http://{address}"), "token": "token-of-nobody"}),
        ),
    ]
}

/// A hundred sources at servers that never answer, three jobs each, and a healthy one beside them.
#[track_caller]
fn endure_silence(scene: &Scene, address: std::net::SocketAddr) {
    let mut jobs = Vec::new();
    for (n, source) in (0..).zip(sources_at(address).iter().cycle().take(100)) {
        let source = renamed(source, &format!("silent-{n}"));
        jobs.extend(scene.send(&source, 3, Duration::from_secs(8)));
    }
    let answers = scene.expect_answers(&jobs, Duration::from_secs(60));
    for answer in &answers {
        assert_ne!(outcome(answer), "INTERNAL");
        assert_ne!(outcome(answer), "done");
    }
    expect_no_fault(scene);
}

#[test]
fn silent_servers_of_every_engine() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let server = Server::start(std::sync::Arc::new(|client| stay_silent(&client)));
    let (scene, port) = with_descriptors(64);
    endure_silence(&scene, server.address);
    expect_health(port);
    let scene = Scene::new();
    endure_silence(&scene, server.address);
    scene.expect_small();
}

#[test]
fn servers_that_say_a_byte_a_second() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let server = Server::start(std::sync::Arc::new(|mut client: TcpStream| {
        loop {
            client.write_all(b"\0")?;
            std::thread::sleep(Duration::from_secs(1));
        }
    }));
    let scene = Scene::new();
    endure_silence(&scene, server.address);
    scene.expect_small();
}

/// Under a user of its own, because its threads are counted with those of the same user.
fn with_threads(count: usize) -> Option<Scene> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    if !is_root {
        println!("skipped: only root may become another user");
        return None;
    }
    let user = 54_000 + std::process::id() % 1000 * 10 + u32::try_from(count % 10).unwrap();
    let (user, count) = (user.to_string(), format!("--nproc={count}:{count}"));
    let words = [
        "setpriv",
        "--reuid",
        &user,
        "--regid",
        &user,
        "--clear-groups",
        "--inh-caps=-all",
        "prlimit",
        &count,
    ];
    Some(Scene::with(|runner| runner.through(&words)))
}

#[test]
fn few_threads() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let databases = databases();
    for threads in [28, 30, 33] {
        let Some(scene) = with_threads(threads) else {
            return;
        };
        let mut lacked = 0;
        for round in 0..3 {
            let jobs: Vec<_> = (0..60)
                .map(|n| {
                    let (database, target) = &databases[n % databases.len()];
                    let mut source = renamed(&database.source(), &format!("s{round}-{n}"));
                    if let Some(url) = source["config"]["url"].as_str() {
                        source["config"]["url"] = json!(url.replace("127.0.0.1", "localhost"));
                    }
                    scene.gateway.dispatch(&source, "count", target, json!({}))
                })
                .collect();
            for job in jobs {
                let answer = job.wait_for(Duration::from_secs(40));
                match outcome(&answer).as_str() {
                    "done" => {}
                    "OVERLOADED" => {
                        let message = answer.expect_error("OVERLOADED");
                        assert!(message.contains("ulimit -u"), "{message}");
                        lacked += 1;
                    }
                    other => panic!("{other}: {:?}", answer.terminal),
                }
            }
            scene.expect_healthy();
        }
        println!("{threads} threads: {lacked} jobs lacked one");
        expect_no_fault(&scene);
    }
}

#[test]
fn certificates_need_descriptors_too() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let folder = TempDir::new();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, TestCa::new("shortage").pem()).unwrap();
    let server = Server::start(std::sync::Arc::new(|client| stay_silent(&client)));
    let (scene, _) = with_descriptors(32);
    // The process' last descriptors, by clients of its health listener, are not ours to take: so many sources do.
    let mut jobs = Vec::new();
    for n in 0..60 {
        let url = format!(
            "postgres://u:pw@{}/d?sslmode=verify-full&sslrootcert={}",
            server.address,
            ca.display()
        );
        let source = source::managed(&format!("s{n}"), "postgres", json!({ "url": url }));
        jobs.extend(scene.send(&source, 1, Duration::from_secs(5)));
    }
    let until = Instant::now() + Duration::from_secs(40);
    for job in jobs {
        let answer = job.wait_for(until.saturating_duration_since(Instant::now()));
        let outcome = outcome(&answer);
        assert!(
            ["OVERLOADED", "DEADLINE_EXCEEDED", "SOURCE_UNREACHABLE"].contains(&outcome.as_str()),
            "{:?}",
            answer.terminal
        );
    }
    scene.expect_healthy();
    expect_no_fault(&scene);
}
