//! A transaction-mode pooler between runner and Postgres: fewer server connections than clients, none of
//! which belongs to anybody for longer than a transaction.

use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::temp::TempDir;
use runner_testkit::{databases, network, session, source};
use serde_json::json;

#[test]
fn no_job_is_lost() {
    let Some(url) = databases::pgbouncer() else {
        return;
    };
    let source = source::managed("s", "postgres", json!({ "url": url, "pool": { "max": 8 } }));
    let session = session!();
    let gateway = &session.gateway;
    let jobs: Vec<_> = (0..200)
        .map(|number| {
            let id = number % 40 + 1;
            let options = json!({ "where": { "id": id }, "select": ["id"] });
            (id, gateway.dispatch(&source, "query", "people", options))
        })
        .collect();
    for (id, job) in jobs {
        assert_eq!(job.wait().rows(), [json!({ "id": id })]);
    }
}

#[test]
fn a_session_is_read_only_all_the_same() {
    let Some(url) = databases::pgbouncer() else {
        return;
    };
    let source = source::managed("s", "postgres", json!({ "url": url }));
    let session = session!();
    let gateway = &session.gateway;
    let answer = gateway.dispatch(&source, "test", "", json!({})).wait();
    let facts = answer.expect_done();
    assert_eq!(facts["readOnly"], true);
    assert_eq!(facts["readOnlyBy"], "transaction");
}

/// A PgBouncer that gives a server to a statement has no transactions, and so no read-only sessions.
#[test]
fn a_pooler_that_cannot_serve_us_says_why() {
    let Some(server) = databases::postgres() else {
        return;
    };
    let (folder, port) = (TempDir::new(), network::closed_port());
    let address = databases::address(&server);
    let users = folder.write("users", "\"runner\" \"runner\"\n");
    let ini = folder.write(
        "ini",
        format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = plain\nauth_file = {}\npool_mode = statement\n",
            address.ip(),
            address.port(),
            users.display()
        ),
    );
    let mut pooler = Command::new("pgbouncer");
    let Ok(mut pooler) = pooler.args(["-q", "-u", "nobody"]).arg(&ini).spawn() else {
        return;
    };
    let until = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_err() && Instant::now() < until {
        thread::sleep(Duration::from_millis(50));
    }
    let session = session!();
    let url = databases::with_address(&server, ([127, 0, 0, 1], port).into());
    let source = source::managed("s", "postgres", json!({ "url": url }));
    let answer = session.ask(&source, "test", "", json!({}));
    let _ = pooler.kill();
    let _ = pooler.wait();
    let said = answer.expect_error("QUERY_FAILED");
    assert!(
        said.contains("transaction blocks not allowed in statement pooling mode"),
        "{said}"
    );
}
