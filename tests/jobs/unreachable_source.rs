//! Sources that cannot be reached say so at once, with the cause, and without secrets.

use std::time::Duration;

use runner_testkit::{Answer, FaultProxy, databases, network, session, source};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);
/// The network says no much sooner than a pool gives up.
const PROMPT: Duration = Duration::from_secs(5);

/// Bridges that use the network.
fn bridges() -> Vec<(&'static str, &'static str)> {
    let mut bridges = Vec::new();
    if cfg!(feature = "postgres") {
        bridges.extend([("postgres", "postgres"), ("cockroachdb", "cockroachdb")]);
    }
    if cfg!(feature = "mysql") {
        bridges.extend([("mysql", "mysql"), ("mariadb", "mariadb")]);
    }
    bridges
}

fn expect_unreachable(answer: &Answer, bridge: &str) {
    let message = answer.expect_error("SOURCE_UNREACHABLE");
    assert!(
        answer.elapsed < PROMPT,
        "{bridge} after {:?}",
        answer.elapsed
    );
    assert!(!message.contains("s3cret"), "{message}");
    assert!(message.len() > 10, "{bridge} does not say why: {message}");
}

#[test]
fn refused_and_unknown_hosts_are_prompt() {
    let session = session!();
    let gateway = &session.gateway;
    let port = network::closed_port();
    for (bridge, scheme) in bridges() {
        for host in ["127.0.0.1", "[::1]", "localhost", "no-such-host.invalid"] {
            let configs = [
                json!({ "url": format!("{scheme}://u:s3cret@{host}:{port}/d") }),
                json!({ "host": host.trim_matches(['[', ']']), "port": port, "database": "d", "username": "u", "password": "s3cret" }),
            ];
            for (form, config) in configs.into_iter().enumerate() {
                let source = source::managed(&format!("{bridge}-{host}-{form}"), bridge, config);
                for kind in ["test", "batchRead"] {
                    let answer = gateway.dispatch(&source, kind, "t", json!({})).wait();
                    expect_unreachable(&answer, bridge);
                }
            }
        }
    }
}

#[test]
fn many_jobs_for_a_refused_source_are_all_prompt() {
    let session = session!();
    let gateway = &session.gateway;
    let port = network::closed_port();
    for (bridge, scheme) in bridges() {
        let source = source::managed(
            bridge,
            bridge,
            json!({ "url": format!("{scheme}://u:s3cret@127.0.0.1:{port}/d") }),
        );
        let jobs: Vec<_> = (0..100)
            .map(|_| gateway.dispatch(&source, "count", "t", json!({})))
            .collect();
        for job in jobs {
            expect_unreachable(&job.wait(), bridge);
        }
    }
}

#[test]
fn a_source_that_comes_back_is_used_again() {
    let Some(url) = databases::postgres() else {
        return;
    };
    if !cfg!(feature = "postgres") {
        return;
    }
    let relay = FaultProxy::start(databases::address(&url));
    let source = source::managed(
        "s",
        "postgres",
        json!({ "url": databases::with_address(&url, relay.address) }),
    );
    let session = session!();
    let gateway = &session.gateway;
    let ask = || {
        gateway
            .dispatch(&source, "count", "people", json!({}))
            .wait_for(SOON)
    };
    ask().expect_done();
    for _ in 0..3 {
        relay.cut();
        ask().expect_done();
    }
}

#[test]
fn rejected_credentials_are_told_apart() {
    let session = session!();
    let gateway = &session.gateway;
    let mut cases = Vec::new();
    if cfg!(feature = "postgres") {
        cases.push(("postgres", databases::postgres()));
    }
    if cfg!(feature = "mysql") {
        cases.push(("mariadb", databases::mariadb()));
        cases.push(("mysql", databases::mysql9()));
    }
    for (bridge, url) in cases {
        let Some(url) = url else { continue };
        let source = source::managed(
            bridge,
            bridge,
            json!({ "url": databases::with_credentials(&url, "runner", "s3cret") }),
        );
        let answer = gateway.dispatch(&source, "test", "", json!({})).wait();
        let message = answer.expect_error("SOURCE_AUTH_FAILED");
        assert!(
            answer.elapsed < PROMPT,
            "{bridge} after {:?}",
            answer.elapsed
        );
        assert!(!message.contains("s3cret"), "{message}");
    }
}

#[test]
fn missing_configuration_is_named() {
    let session = session!();
    let gateway = &session.gateway;
    let ask = |source: &Value| gateway.dispatch(source, "test", "", json!({})).wait();
    for (bridge, _) in bridges() {
        let message = ask(&source::managed("s", bridge, json!({})))
            .expect_error("SOURCE_CONFIG")
            .to_owned();
        assert!(message.contains("\"url\""), "{message}");
        let message = ask(&source::runner_local("s", "main-db", bridge))
            .expect_error("SOURCE_CONFIG")
            .to_owned();
        assert!(
            message.contains("SEMILAYER_SOURCE_MAIN_DB_URL"),
            "{message}"
        );
    }
    if cfg!(feature = "sqlite") {
        let message = ask(&source::runner_local("s", "main-db", "sqlite"))
            .expect_error("SOURCE_CONFIG")
            .to_owned();
        assert!(
            message.contains("SEMILAYER_SOURCE_MAIN_DB_PATH"),
            "{message}"
        );
    }
}
