//! MySQL's own way to log in, `caching_sha2_password`: the server asks for the password itself at the first
//! login after it was set, and only for a proof of it while it remembers it; each with and without TLS.

use runner_testkit::databases::{self, MysqlDatabase};
use runner_testkit::{session, source};
use serde_json::json;

#[test]
fn with_and_without_tls() {
    let Some(server) = databases::mysql9() else {
        return;
    };
    let database = MysqlDatabase::create(&server, "CREATE TABLE {}t (id INT)");
    let password = mysql::Opts::from_url(&server).unwrap();
    let password = password.get_pass().unwrap().replace('\'', "''");
    let session = session!();
    let gateway = &session.gateway;
    for (parameter, tls) in [
        ("sslmode=disable", false),
        ("sslmode=no-verify", true),
        ("", true),
    ] {
        // The same password again; but the server forgets what it remembered of it.
        database.run(&format!("ALTER USER USER() IDENTIFIED BY '{password}'"));
        for login in ["first", "cached"] {
            // A source of its own has a connection of its own.
            let id = format!("{parameter}-{login}");
            let url = format!("{}?{parameter}", database.url);
            let source = source::managed(&id, "mysql", json!({ "url": url }));
            let answer = gateway.dispatch(&source, "test", "", json!({})).wait();
            let facts = answer.expect_done();
            assert_eq!(facts["tls"], tls, "{id}");
            assert_eq!(facts["readOnly"], true, "{id}");
            let version = facts["serverVersion"].as_str().unwrap();
            assert!(version.starts_with("MySQL "), "{version}");
        }
    }
}

#[test]
fn a_certificate_nobody_signed_is_refused_when_tls_is_asked_for() {
    let Some(server) = databases::mysql9() else {
        return;
    };
    let session = session!();
    let gateway = &session.gateway;
    for (bridge, url) in [
        ("mysql", format!("{server}?sslmode=require")),
        ("mariadb", format!("{server}?ssl=true")),
        ("planetscale", server.clone()),
    ] {
        let source = source::managed(bridge, bridge, json!({ "url": url }));
        let answer = gateway.dispatch(&source, "test", "", json!({})).wait();
        let message = answer.expect_error("SOURCE_UNREACHABLE");
        assert!(message.contains("UnknownIssuer"), "{bridge}: {message}");
    }
}
