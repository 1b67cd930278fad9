//! Redis as it is reached and set up elsewhere: by TLS, by a socket, as a replica, in a cluster, by users who may do
//! little. The servers are real.

use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::databases::{PrivateRedis, RedisClient, RedisReply};
use runner_testkit::temp::TempDir;
use runner_testkit::{Session, TestCa, session, source};
use serde_json::{Value, json};

fn ask(
    session: &Session,
    id: &str,
    config: Value,
    kind: &str,
    target: &str,
) -> Result<Value, (String, String)> {
    let source = source::managed(id, "redis", config);
    session.ask(&source, kind, target, json!({})).result(kind)
}

/// Two keys of a target.
fn fill(client: &mut RedisClient) {
    for (key, value) in [
        ("people:1", "{\"name\":\"Ada\"}"),
        ("people:2", "{\"name\":\"Bob\"}"),
    ] {
        assert_eq!(
            client.ask(&["SET", key, value]),
            RedisReply::Status("OK".into())
        );
    }
}

#[test]
fn by_tls_the_certificate_is_checked() {
    let ca = TestCa::new("redis root");
    let (certificate, key) = ca.issue_pem(&["localhost", "127.0.0.1"]);
    let Some(server) = PrivateRedis::start(
        &[
            "--tls-port",
            "{tls}",
            "--tls-cert-file",
            "{}/server.pem",
            "--tls-key-file",
            "{}/server.key",
            "--tls-auth-clients",
            "no",
            "--requirepass",
            "p%40ss",
        ],
        &[("server.pem", &certificate), ("server.key", &key)],
    ) else {
        return;
    };
    let mut client = server.client();
    client.ask(&["AUTH", "p%40ss"]);
    fill(&mut client);
    let folder = TempDir::new();
    let roots = folder.write("ca.pem", ca.pem());
    let port = server.tls_port;
    let url = |host: &str| json!({ "url": format!("rediss://:p%2540ss@{host}:{port}") });
    let knows = session!(|runner| runner.env("NODE_EXTRA_CA_CERTS", roots.to_str().unwrap()));
    for host in ["localhost", "127.0.0.1"] {
        let source = source::managed(host, "redis", url(host));
        let answer = knows.ask(&source, "test", "", json!({}));
        assert_eq!(answer.expect_done()["tls"], true, "{host}");
        assert_eq!(
            ask(&knows, host, url(host), "count", "people"),
            Ok(json!(2))
        );
    }
    let stranger = session!();
    for (session, host, words) in [
        (&stranger, "localhost", "redis root"),
        (&knows, "[::ffff:127.0.0.1]", "certificate is not for"),
    ] {
        let (code, said) = ask(session, "refused", url(host), "test", "").unwrap_err();
        assert_eq!(code, "SOURCE_UNREACHABLE", "{said}");
        assert!(said.contains(words), "{said}");
    }
    // TLS where there is none, and none where there is.
    let plain = server.url.replacen("redis://", "rediss://:x@", 1);
    let (code, said) = ask(&knows, "plain", json!({ "url": plain }), "test", "").unwrap_err();
    assert_eq!(code, "SOURCE_UNREACHABLE", "{said}");
    assert!(said.contains("TLS"), "{said}");
    let encrypted = json!({ "url": format!("redis://:x@localhost:{port}") });
    let (code, said) = ask(&knows, "encrypted", encrypted, "test", "").unwrap_err();
    assert_eq!(code, "SOURCE_UNREACHABLE", "{said}");
    assert!(said.contains("rediss:"), "{said}");
}

#[test]
fn a_socket_is_as_good_as_a_port() {
    let Some(server) = PrivateRedis::start(&["--unixsocket", "{}/redis.sock"], &[]) else {
        return;
    };
    fill(&mut server.client());
    let path = server.path("redis.sock").display().to_string();
    let session = session!();
    for (n, config) in [
        json!({ "url": format!("redis+unix://{path}") }),
        json!({ "url": format!("unix://{path}?db=0") }),
        json!({ "url": path }),
        json!({ "host": path }),
        json!({ "host": format!("{path}\n"), "port": "" }),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(
            ask(
                &session,
                &format!("s{n}"),
                config.clone(),
                "count",
                "people"
            ),
            Ok(json!(2)),
            "{config}"
        );
    }
    let gone = json!({ "url": format!("redis+unix://{path}.gone") });
    let (code, said) = ask(&session, "gone", gone, "test", "").unwrap_err();
    assert_eq!(code, "SOURCE_UNREACHABLE", "{said}");
    // Whoever keeps managed sources away from files means sockets, too.
    let confined = session!(|runner| runner.env("SEMILAYER_ALLOW_FILES", ""));
    for config in [
        json!({ "url": format!("redis+unix://{path}") }),
        json!({ "host": path }),
    ] {
        let (code, said) = ask(&confined, "confined", config, "test", "").unwrap_err();
        assert_eq!(code, "SOURCE_CONFIG", "{said}");
    }
}

#[test]
fn a_replica_that_takes_no_writes_is_read() {
    let Some(primary) = PrivateRedis::start(&["--repl-diskless-sync-delay", "0"], &[]) else {
        return;
    };
    let mut client = primary.client();
    fill(&mut client);
    let port = primary.url.rsplit_once(':').unwrap().1.to_owned();
    let replica = PrivateRedis::start(&["--replicaof", "127.0.0.1", &port], &[]).unwrap();
    let mut follower = replica.client();
    let until = Instant::now() + Duration::from_secs(30);
    while follower.ask(&["DBSIZE"]) != RedisReply::Int(2) {
        assert!(Instant::now() < until, "the replica does not follow");
        thread::sleep(Duration::from_millis(50));
    }
    let refused = follower.ask(&["SET", "people:3", "x"]);
    assert!(
        matches!(&refused, RedisReply::Error(said) if said.starts_with("READONLY")),
        "{refused:?}"
    );
    let session = session!();
    let url = || json!({ "url": replica.url });
    for kind in ["test", "listTargets"] {
        ask(&session, "r", url(), kind, "").unwrap();
    }
    assert_eq!(ask(&session, "r", url(), "count", "people"), Ok(json!(2)));
    let rows = ask(&session, "r", url(), "query", "people").unwrap();
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(2));
    // Of a replica that has lost its primary, and serves no stale data.
    follower.ask(&["CONFIG", "SET", "replica-serve-stale-data", "no"]);
    drop(primary);
    let until = Instant::now() + Duration::from_secs(30);
    let said = loop {
        match ask(&session, "r", url(), "count", "people") {
            Err((code, said)) => {
                assert_eq!(code, "SOURCE_UNREACHABLE", "{said}");
                break said;
            }
            Ok(_) => assert!(Instant::now() < until, "it does not notice"),
        }
        thread::sleep(Duration::from_millis(50));
    };
    assert!(said.contains("MASTERDOWN"), "{said}");
}

#[test]
fn a_user_who_may_scan_needs_no_more() {
    let Some(server) = PrivateRedis::start(&[], &[]) else {
        return;
    };
    let mut client = server.client();
    fill(&mut client);
    let few = [
        "+scan", "+type", "+get", "+mget", "+ping", "+select", "+hello", "+auth",
    ];
    client.ask(&[&["ACL", "SETUSER", "few", "on", ">few", "~*"], &few[..]].concat());
    client.ask(&[
        "ACL",
        "SETUSER",
        "nokeys",
        "on",
        ">nokeys",
        "~*",
        "+@all",
        "-keys",
        "-@dangerous",
    ]);
    client.ask(&[
        "ACL", "SETUSER", "noscan", "on", ">noscan", "~*", "+@all", "-scan",
    ]);
    client.ask(&["ACL", "SETUSER", "some", "on", ">some", "~other:*", "+@all"]);
    let session = session!();
    let url =
        |user: &str| json!({ "url": server.url.replacen("//", &format!("//{user}:{user}@"), 1) });
    for user in ["few", "nokeys"] {
        for kind in ["test", "listTargets"] {
            ask(&session, user, url(user), kind, "")
                .unwrap_or_else(|error| panic!("{user} {kind}: {error:?}"));
        }
        assert_eq!(
            ask(&session, user, url(user), "count", "people"),
            Ok(json!(2)),
            "{user}"
        );
        let rows = ask(&session, user, url(user), "query", "people").unwrap();
        assert_eq!(rows["rows"].as_array().map(Vec::len), Some(2), "{user}");
    }
    let (_, said) = ask(&session, "noscan", url("noscan"), "count", "people").unwrap_err();
    assert!(said.contains("NOPERM") && said.contains("scan"), "{said}");
    let (_, said) = ask(&session, "some", url("some"), "query", "people").unwrap_err();
    assert!(said.contains("NOPERM"), "{said}");
}

#[test]
fn a_node_of_a_cluster_is_refused() {
    let Some(server) = PrivateRedis::start(&["--cluster-enabled", "yes"], &[]) else {
        return;
    };
    let session = session!();
    for kind in ["test", "count", "query", "listTargets"] {
        let (code, said) =
            ask(&session, "c", json!({ "url": server.url }), kind, "people").unwrap_err();
        assert_eq!(code, "SOURCE_CONFIG", "{kind}: {said}");
        assert!(said.contains("one node of a cluster"), "{kind}: {said}");
    }
}
