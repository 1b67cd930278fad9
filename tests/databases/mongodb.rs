//! MongoDB: logging in, certificates, replica sets, and connections that break.

use std::time::{Duration, Instant};

use runner_testkit::databases::{self, MongodbDatabase, MongodbSet};
use runner_testkit::{Faults, Gateway, Stage, session, source, stage};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

/// How many people a source has, or the code and message of its error.
fn people(gateway: &Gateway, url: &str) -> Result<Value, (String, String)> {
    let source = source::managed("s", "mongodb", json!({ "url": url }));
    let job = gateway.dispatch(&source, "count", "people", json!({}));
    job.wait_for(SOON).result("count")
}

#[test]
fn every_mechanism_logs_in_and_what_is_wrong_is_told_at_once() {
    let (Some(url), Some(tls)) = (databases::mongodb(), databases::mongodb_certificates()) else {
        return;
    };
    let server = databases::address(&url);
    let ca = tls.join("ca.pem").display().to_string();
    let client = tls.join("client.pem").display().to_string();
    let session = session!();
    for (login, place) in [
        ("runner:runner@", "conformance?authSource=admin".to_owned()),
        (
            "runner:runner@",
            "conformance?authSource=admin&authMechanism=SCRAM-SHA-256".to_owned(),
        ),
        // What the password is prepared to loses its special space.
        (
            "sp%C3%A9c:pa%20ss%25%C3%BC%C2%A0@",
            "conformance?authSource=admin".to_owned(),
        ),
        ("old:old@", "conformance?authSource=admin".to_owned()),
        (
            "old:old@",
            "conformance?authSource=admin&authMechanism=SCRAM-SHA-1".to_owned(),
        ),
        ("local:local@", "conformance".to_owned()),
        (
            "runner:runner@",
            format!("conformance?authSource=admin&tlsCAFile={ca}"),
        ),
        (
            "runner:runner@",
            "conformance?authSource=admin&tls=true&tlsInsecure=true".to_owned(),
        ),
        (
            "",
            format!(
                "conformance?authMechanism=MONGODB-X509&tlsCAFile={ca}&tlsCertificateKeyFile={client}"
            ),
        ),
        (
            "O%3DExample%2COU%3Dapps%2CCN%3Dreader@",
            format!(
                "conformance?authMechanism=MONGODB-X509&tlsCAFile={ca}&tlsCertificateKeyFile={client}"
            ),
        ),
    ] {
        let url = format!("mongodb://{login}{server}/{place}");
        assert_eq!(people(&session.gateway, &url), Ok(json!(42)), "{url}");
    }
    for (login, place, code, words) in [
        (
            "runner:wrong@",
            "conformance?authSource=admin",
            "SOURCE_AUTH_FAILED",
            "Authentication failed",
        ),
        (
            "nobody:x@",
            "conformance?authSource=admin",
            "SOURCE_AUTH_FAILED",
            "Authentication failed",
        ),
        (
            "runner:runner@",
            "conformance",
            "SOURCE_AUTH_FAILED",
            "Authentication failed",
        ),
        (
            "old:old@",
            "conformance?authSource=admin&authMechanism=SCRAM-SHA-256",
            "SOURCE_AUTH_FAILED",
            "",
        ),
        ("", "conformance", "QUERY_FAILED", "requires authentication"),
        (
            "runner:runner@",
            "conformance?authSource=admin&tls=true",
            "SOURCE_UNREACHABLE",
            "certificate",
        ),
        (
            "runner:runner@",
            "conformance?authSource=admin&replicaSet=rs0",
            "SOURCE_CONFIG",
            "no replica set",
        ),
        (
            "runner:runner@",
            "workload2?authSource=admin",
            "QUERY_FAILED",
            "not authorized",
        ),
    ] {
        let url = format!("mongodb://{login}{server}/{place}");
        let start = Instant::now();
        let (got, message) = people(&session.gateway, &url).expect_err(&url);
        assert_eq!(got, code, "{url}: {message}");
        assert!(message.contains(words), "{url}: {message}");
        assert!(
            start.elapsed() < Duration::from_secs(3),
            "{url}: {:?}",
            start.elapsed()
        );
    }
    // The certificate is for an address, not for this name.
    let by_name = format!(
        "mongodb://runner:runner@[::ffff:127.0.0.1]:{}/conformance?authSource=admin&tlsCAFile={ca}",
        server.port()
    );
    let (code, message) = people(&session.gateway, &by_name).expect_err("another name");
    assert_eq!(code, "SOURCE_UNREACHABLE", "{message}");
    let any_name = format!("{by_name}&tlsAllowInvalidHostnames=true");
    assert_eq!(people(&session.gateway, &any_name), Ok(json!(42)));
}

#[test]
fn a_refused_connection_and_a_server_of_another_kind_are_told_at_once() {
    let session = session!();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let speaker = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 100]);
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
    });
    let start = Instant::now();
    let url = format!("mongodb://127.0.0.1:{port}/d");
    let (code, message) = people(&session.gateway, &url).expect_err("HTTP");
    assert_eq!(code, "SOURCE_UNREACHABLE");
    assert!(
        message.contains("does not speak MongoDB's protocol"),
        "{message}"
    );
    speaker.join().unwrap();
    let (code, message) = people(&session.gateway, &url).expect_err("nobody");
    assert_eq!(code, "SOURCE_UNREACHABLE");
    assert!(message.contains("refused"), "{message}");
    let url = "mongodb+srv://no-such-service.invalid/d";
    let (code, message) = people(&session.gateway, url).expect_err("no such service");
    assert_eq!(code, "SOURCE_UNREACHABLE", "{message}");
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

/// Reads page after page until the end; the rows, and what `between` had to do before each page but the first.
fn walk(
    stage: &Stage<Value>,
    target: &str,
    limit: u64,
    mut between: impl FnMut(usize),
) -> Vec<String> {
    let mut keys = Vec::new();
    let mut options = json!({ "limit": limit, "fields": ["_id"] });
    for page in 0.. {
        if page > 0 {
            between(page);
        }
        let job = stage
            .gateway
            .dispatch(&stage.source, "read", target, options.clone());
        let result = job.wait_for(SOON).result("read").expect("a page");
        let rows = result["rows"].as_array().unwrap();
        keys.extend(
            rows.iter()
                .map(|row| row["_id"].as_str().unwrap().to_owned()),
        );
        match result.get("nextCursor") {
            Some(cursor) => options["cursor"] = cursor.clone(),
            None => break,
        }
    }
    keys
}

fn expect_all(mut keys: Vec<String>, count: usize) {
    assert_eq!(keys.len(), count);
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count, "a row came twice");
}

#[test]
fn a_walk_survives_elections_and_members_are_chosen_as_wanted() {
    let Some(set) = MongodbSet::start() else {
        return;
    };
    let stage = stage!(source::managed("s", "mongodb", json!({ "url": set.url })));
    let mut elections = 0;
    let keys = walk(&stage, "big", 100, |page| {
        if page == 3 || page == 11 {
            set.step_down();
            elections += 1;
        }
    });
    assert_eq!(elections, 2);
    expect_all(keys, 2000);

    // One member is enough to find the other.
    let (primary, others) = set.roles();
    let of = |host: &str, options: &str| {
        people(
            &stage.gateway,
            &format!("mongodb://{host}/conformance?{options}"),
        )
    };
    let secondary = &others[0];
    for (host, options) in [
        (&primary, ""),
        (secondary, ""),
        (secondary, "replicaSet=rs0"),
        (secondary, "directConnection=true"),
        (&primary, "readPreference=secondary"),
        (&primary, "readPreference=nearest"),
        (
            &primary,
            "readPreference=secondary&readPreferenceTags=place:nowhere&readPreferenceTags=",
        ),
        (
            &primary,
            "readPreference=secondaryPreferred&readPreferenceTags=place:nowhere",
        ),
    ] {
        assert_eq!(of(host, options), Ok(json!(42)), "{host} {options}");
    }
    let (code, message) = of(&primary, "replicaSet=other").expect_err("another set");
    assert_eq!(code, "SOURCE_CONFIG", "{message}");
    let start = Instant::now();
    let nowhere = "readPreference=secondary&readPreferenceTags=place:nowhere";
    let (code, message) = of(&primary, nowhere).expect_err("nobody there");
    assert_eq!(code, "SOURCE_UNREACHABLE", "{message}");
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_walk_survives_connections_that_break() {
    let Some(url) = databases::mongodb() else {
        return;
    };
    let mut stage = stage!(source::managed("s", "mongodb", json!({ "url": url })));
    let proxy = stage.relay();
    let keys = walk(&stage, "big", 100, |page| {
        if page % 3 == 0 {
            proxy.reset();
        }
    });
    expect_all(keys, 2000);
    // In the middle of rows that were sent there is no second attempt.
    proxy.set(Faults::default(), Faults::cut_after(300_000));
    let answer = stage.start("batchRead", "big").wait_for(SOON);
    assert!(answer.result("batchRead").is_err());
    proxy.heal();
    let answer = stage.start("count", "people").wait_for(SOON);
    assert_eq!(answer.result("count"), Ok(json!(42)));
}

#[test]
fn test_and_introspection_tell_what_there_is() {
    let Some(database) = MongodbDatabase::usual() else {
        return;
    };
    database.insert(
        "mixed",
        &[
            json!({ "_id": "a", "n": 1, "t": "x" }),
            json!({ "_id": 2, "t": null, "d": { "$date": { "$numberLong": "0" } } }),
        ],
    );
    let stage = stage!(database);
    let answer = stage.start("test", "one").wait_for(SOON);
    let meta = answer.expect_done();
    assert!(
        meta["serverVersion"]
            .as_str()
            .unwrap()
            .starts_with("MongoDB "),
        "{meta}"
    );
    assert_eq!(
        (&meta["tls"], &meta["readOnly"]),
        (&json!(false), &json!(true))
    );
    let described = stage.start("introspectTarget", "mixed").wait_for(SOON);
    let row = described.result("introspectTarget").unwrap();
    let column = |name: &str, kind: &str, nullable: bool, key: bool| json!({ "name": name, "type": kind, "nullable": nullable, "primaryKey": key });
    assert_eq!(row["rowCount"], 2);
    assert_eq!(
        row["columns"],
        json!([
            column("_id", "string | int", false, true),
            column("n", "int", true, false),
            column("t", "string", true, false),
            column("d", "date", true, false),
        ])
    );
    let targets = stage
        .start("listTargets", "")
        .wait_for(SOON)
        .result("listTargets")
        .unwrap();
    let names: Vec<_> = targets
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert!(
        names.contains(&&*runner_testkit::databases::Database::target(
            &stage.database,
            "sleeper"
        ))
    );
    assert!(names.is_sorted() && !names.iter().any(|name| name.starts_with("system.")));
}
