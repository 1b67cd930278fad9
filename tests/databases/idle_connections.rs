//! A connection that was closed while nobody used it, by the server or by what stands in front of it, costs no job:
//! what found it dead is done on another one.

use std::thread;
use std::time::Duration;

use runner_testkit::databases::{self, Database, MysqlDatabase, PostgresDatabase, PrivateServer};
use runner_testkit::fault_proxy::FaultProxy;
use runner_testkit::{Session, session, source};
use serde_json::{Value, json};

/// One job makes the connection, `close` ends it, the next one is answered all the same.
fn survives(session: &Session, source: &Value, target: &str, close: impl FnOnce()) {
    for close in [None, Some(close)] {
        if let Some(close) = close {
            close();
        }
        let answer = session.ask(source, "query", target, json!({}));
        assert_eq!(answer.rows(), [json!({ "id": 1 })], "{:?}", answer.terminal);
    }
}

const ONE: &str = "CREATE TABLE one (id integer PRIMARY KEY); INSERT INTO one VALUES (1);";

#[test]
fn postgres_closes_idle_sessions() {
    let Some(database) = PostgresDatabase::with(ONE) else {
        return;
    };
    let name = database.name();
    database.run(&format!(
        "ALTER DATABASE {name} SET idle_session_timeout = '300ms'"
    ));
    let session = session!();
    let pause = || thread::sleep(Duration::from_millis(900));
    survives(&session, &database.source(), "one", pause);
}

/// An error of PostgreSQL's protocol.
fn postgres_error(fields: &str) -> Vec<u8> {
    let body = format!("{fields}\0\0").replace('|', "\0");
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [b"E", &length[..], body.as_bytes()].concat()
}

/// An error of MySQL's protocol, first of its packets.
fn mysql_error(code: u16, message: &str) -> Vec<u8> {
    let body = [
        &[0xff][..],
        &code.to_le_bytes(),
        b"#HY000",
        message.as_bytes(),
    ]
    .concat();
    [&[u8::try_from(body.len()).unwrap(), 0, 0, 0], &body[..]].concat()
}

#[test]
fn poolers_and_servers_of_postgres_say_so_in_many_words() {
    let Some(database) = PostgresDatabase::with(ONE) else {
        return;
    };
    let session = session!();
    for (n, said) in [
        // PgBouncer's own, which knows of no severity for programs.
        "SFATAL|C08P01|Mclient_idle_timeout",
        "SERROR|C08P01|Mclient_idle_timeout",
        "SFATAL|VFATAL|C57P04|Mdatabase was dropped",
        "SFATAL|VFATAL|C57P05|Mterminating connection due to idle-session timeout",
        "SFATAL|VFATAL|C25P03|Midle in transaction",
        "SFATAL|VFATAL|C25P04|Mtransaction timeout",
        "SFATAL|VFATAL|C57P01|Madministrator",
        "SFATAL|VFATAL|C57P02|Mcrash",
        "SFATAL|VFATAL|C57P03|Mstarting up",
        "SFATAL|VFATAL|CXX000|Mof a state nobody knows",
        // In the manner of other poolers: pgcat, Odyssey, Supavisor, RDS Proxy.
        "SFATAL|C58000|Mcould not get connection from the pool - AllServersDown",
        "SFATAL|VFATAL|C08006|Modyssey: c0ffee: failed to get remote server connection",
        "SFATAL|VFATAL|CXX000|MTerminating session due to idle timeout",
        "SERROR|VERROR|C08006|Mclient idle, connection closed",
        "SFATAL|VFATAL|C57P01|Mterminating connection due to client inactivity",
    ]
    .into_iter()
    .enumerate()
    {
        let relay = FaultProxy::start(databases::address(&database.url));
        let url = databases::with_address(&database.url, relay.address);
        let source = source::managed(&format!("p{n}"), "postgres", json!({ "url": url }));
        survives(&session, &source, "one", || {
            relay.inject(&postgres_error(said));
            relay.cut();
        });
    }
}

#[test]
fn mysql_and_its_proxies_say_so_in_many_words() {
    let Some(server) = databases::mysql9() else {
        return;
    };
    let database = MysqlDatabase::create(&server, MysqlDatabase::USUAL);
    let session = session!();
    for code in [4031, 1927, 2006, 2013, 1053] {
        let relay = FaultProxy::start(databases::address(&server));
        let url = databases::with_address(&database.url, relay.address);
        // Nobody speaks in between when it is encrypted.
        let url = format!("{url}?sslmode=disable");
        let source = source::managed(&format!("m{code}"), "mysql", json!({ "url": url }));
        survives(&session, &source, &database.target("one"), || {
            relay.inject(&mysql_error(code, "The client was disconnected"));
            relay.cut();
        });
    }
}

#[test]
fn mariadb_closes_idle_sessions() {
    let Some(server) = PrivateServer::mariadb() else {
        return;
    };
    let database = MysqlDatabase::create(&server.url, MysqlDatabase::USUAL);
    server.administrate("SET GLOBAL wait_timeout = 1");
    let session = session!();
    let pause = || thread::sleep(Duration::from_millis(2500));
    survives(&session, &database.source(), &database.target("one"), pause);
}
