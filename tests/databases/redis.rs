//! Redis: who may read, what is refused when a source is opened, and walks over keys that come and go.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::databases::{self, RedisClient};
use runner_testkit::{session, source};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(5);

fn redis(id: &str, url: &str) -> Value {
    source::managed(id, "redis", json!({ "url": url }))
}

/// The same server as another user, whose password follows from the name.
fn as_user(url: &str, user: &str) -> String {
    url.replacen("redis://", &format!("redis://{user}:{user}-pass@"), 1)
}

#[test]
fn a_server_says_what_it_is_and_what_its_user_may_do() {
    let Some(url) = databases::redis() else {
        return;
    };
    let session = session!();
    for (user, read_only) in [("runner", false), ("reader", true)] {
        let answer = session.ask(&redis(user, &as_user(&url, user)), "test", "", json!({}));
        let facts = answer.expect_done();
        assert_eq!(facts["readOnly"], read_only, "{user}");
        let version = facts["serverVersion"].as_str().unwrap();
        assert!(
            version.starts_with("Redis ") || version.starts_with("Valkey "),
            "{version}"
        );
    }
    // Asking what a user may do has done nothing.
    let mut client = RedisClient::connect(&url);
    let exists = client.ask(&["EXISTS", "semilayer-runner"]);
    assert_eq!(exists, databases::RedisReply::Int(0));
}

#[test]
fn what_is_wrong_with_a_source_is_said_at_once() {
    let Some(url) = databases::redis() else {
        return;
    };
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let session = session!();
    for (n, (url, code, word)) in [
        (
            as_user(&url, "runner").replace("runner-pass", "no"),
            "SOURCE_AUTH_FAILED",
            "WRONGPASS",
        ),
        (as_user(&url, "off"), "SOURCE_AUTH_FAILED", "WRONGPASS"),
        (format!("{url}/99"), "SOURCE_CONFIG", "database 99"),
        (format!("{url}/x"), "SOURCE_CONFIG", "must be a number"),
        (format!("redis://{closed}"), "SOURCE_UNREACHABLE", "refused"),
        (
            "redis://nowhere.invalid".into(),
            "SOURCE_UNREACHABLE",
            "nowhere.invalid",
        ),
        (as_user(&url, "nocmd"), "QUERY_FAILED", "NOPERM"),
    ]
    .into_iter()
    .enumerate()
    {
        let start = Instant::now();
        let answer = session.ask(&redis(&format!("s{n}"), &url), "test", "", json!({}));
        let message = answer.expect_error(code);
        assert!(message.contains(word), "{url}: {message}");
        assert!(start.elapsed() < SOON, "{url}: {:?}", start.elapsed());
    }
}

#[test]
fn a_server_that_hangs_is_cut_by_a_cancel_and_a_deadline() {
    // It takes connections and says nothing; or greets, and then says nothing.
    for greets in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || {
                    use std::io::{Read, Write};
                    let mut stream = stream;
                    let mut part = [0; 1024];
                    while let Ok(count) = stream.read(&mut part)
                        && count > 0
                    {
                        // Not to a scan.
                        if greets && !part[..count].windows(4).any(|word| word == b"SCAN") {
                            let _ = stream.write_all(b"+OK\r\n");
                        }
                    }
                });
            }
        });
        let session = session!();
        let source = redis("hangs", &url);
        let job = session.gateway.dispatch(&source, "query", "t", json!({}));
        thread::sleep(Duration::from_millis(200));
        let start = Instant::now();
        session.gateway.cancel(&job);
        job.wait().expect_error("CANCELLED");
        let job = session
            .gateway
            .dispatch_with(&source, "query", "t", json!({}), 300, false);
        job.wait().expect_error("DEADLINE_EXCEEDED");
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    }
}

#[test]
fn a_walk_gives_every_key_that_stays_once_while_others_come_and_go() {
    let Some(url) = databases::redis() else {
        return;
    };
    const KEYS: usize = 3000;
    let target = format!("walk{}", std::process::id());
    let mut client = RedisClient::connect(&url);
    for n in 0..KEYS {
        client.ask(&["SET", &format!("{target}:{n:05}"), "{}"]);
    }
    let over = AtomicBool::new(false);
    let session = session!();
    let mut seen = BTreeMap::<String, usize>::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = RedisClient::connect(&url);
            let mut n = 1;
            while !over.load(Ordering::Relaxed) {
                n = ((n * 31 + 2) % KEYS) | 1;
                client.ask(&["DEL", &format!("{target}:{n:05}")]);
                for more in 0..20 {
                    client.ask(&["SET", &format!("{target}:{n:05}+{more}"), "1"]);
                }
                client.ask(&["SET", &format!("{target}:{n:05}"), "[1]"]);
            }
        });
        let source = redis("walk", &url);
        let mut options = json!({"limit": 100});
        loop {
            let page = session.ask(&source, "read", &target, options.clone());
            for row in page.rows() {
                *seen
                    .entry(row["_key"].as_str().unwrap().to_owned())
                    .or_default() += 1;
            }
            let Some(cursor) = page.expect_done().get("nextCursor") else {
                break;
            };
            options["cursor"] = cursor.clone();
        }
        over.store(true, Ordering::Relaxed);
    });
    for n in (0..KEYS).step_by(2) {
        assert_eq!(seen.get(&format!("{target}:{n:05}")), Some(&1), "{n}");
    }
    assert!(seen.values().all(|times| *times == 1));
    let mut delete = |script: &str| client.ask(&["EVAL", script, "0", &format!("{target}:*")]);
    delete("for _, k in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', k) end");
}
