//! MySQL's own way to log in, `caching_sha2_password`: the server asks for the password itself at the first
//! login after it was set, and only for a proof of it while it remembers it; each with and without TLS.

use mysql::prelude::Queryable;
use runner_testkit::databases::{self, Database, MysqlDatabase, PrivateServer};
use runner_testkit::fakes::FakeMySql;
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

#[test]
fn an_account_of_mariadbs_ed25519_logs_in() {
    let Some(server) = PrivateServer::mariadb() else {
        return;
    };
    server.administrate(
        "INSTALL SONAME 'auth_ed25519'; CREATE USER curve IDENTIFIED VIA ed25519 USING PASSWORD('s3cret');
         GRANT SELECT ON *.* TO curve",
    );
    let session = session!();
    for (password, good) in [("s3cret", true), ("wrong", false)] {
        let url = databases::with_credentials(&server.url, "curve", password);
        let source = source::managed("s", "mariadb", json!({ "url": url }));
        let answer = session.ask(&source, "test", "", json!({}));
        match good {
            true => assert_eq!(answer.expect_done()["readOnly"], true),
            false => drop(answer.expect_error("SOURCE_AUTH_FAILED")),
        }
    }
}

#[test]
fn a_way_to_log_in_that_is_not_spoken_is_named() {
    let Some(server) = databases::mysql9() else {
        return;
    };
    let name = format!("old{}", std::process::id());
    let mut administrator = mysql::Conn::new(mysql::Opts::from_url(&server).unwrap()).unwrap();
    let create = format!("CREATE USER {name} IDENTIFIED WITH sha256_password BY 's3cret'");
    if let Err(error) = administrator.query_drop(create) {
        // The plugin is on its way out, and rights to make users are the server's.
        println!("skipped: {error}");
        return;
    }
    let session = session!();
    let url = databases::with_credentials(&server, &name, "s3cret");
    let source = source::managed("s", "mysql", json!({ "url": url }));
    let answer = session.ask(&source, "test", "", json!({}));
    administrator
        .query_drop(format!("DROP USER {name}"))
        .unwrap();
    let said = answer.expect_error("SOURCE_AUTH_FAILED");
    assert!(said.contains("logs in by sha256_password"), "{said}");
    assert!(said.contains("caching_sha2_password"), "{said}");
}

/// Those of which there is no real server here.
#[test]
fn what_a_plugin_is_for_is_said() {
    let session = session!();
    for (plugin, said) in [
        ("parsec", "parsec, which"),
        ("dialog", "dialog (PAM), which"),
        ("auth_gssapi_client", "auth_gssapi_client (Kerberos), which"),
        (
            "mysql_clear_password",
            "mysql_clear_password (PAM or LDAP), which",
        ),
        ("mysql_old_password", "mysql_old_password, which"),
        (
            "authentication_webauthn_client",
            "authentication_webauthn_client, which",
        ),
    ] {
        let server = FakeMySql::asking_for(plugin);
        let source = source::managed(plugin, "mariadb", json!({ "url": server.url() }));
        let answer = session.ask(&source, "test", "", json!({}));
        let message = answer.expect_error("SOURCE_AUTH_FAILED");
        let words = format!("the account logs in by {said}");
        assert!(message.contains(&words), "{plugin}: {message}");
    }
}

#[test]
fn accounts_of_the_servers_own_machine_are_said_to_be_such() {
    let Some(server) = PrivateServer::mariadb() else {
        return;
    };
    server.administrate(
        "CREATE USER locals IDENTIFIED VIA unix_socket; GRANT SELECT ON *.* TO locals;
         INSTALL SONAME 'auth_pam'; CREATE USER asked IDENTIFIED VIA pam",
    );
    let session = session!();
    for (user, words) in [("locals", "unix_socket"), ("asked", "by dialog (PAM)")] {
        let url = databases::with_user(&server.url, user);
        let source = source::managed(user, "mariadb", json!({ "url": url }));
        let answer = session.ask(&source, "test", "", json!({}));
        let message = answer.expect_error("SOURCE_AUTH_FAILED");
        assert!(
            message.contains(words) && message.contains("let it log in by"),
            "{user}: {message}"
        );
    }
}

#[test]
fn elements_of_vectors_have_the_digits_of_their_own_size() {
    let Some(server) = databases::mysql9() else {
        return;
    };
    let database = MysqlDatabase::create(
        &server,
        "CREATE TABLE {}v (id INT PRIMARY KEY, v VECTOR(4), f FLOAT);
         INSERT INTO {}v VALUES (1, TO_VECTOR('[0.1, 1e-7, 16777216, -3.4e38]'), 0.1)",
    );
    let session = session!();
    let answer = session.ask(
        &database.source(),
        "query",
        &database.target("v"),
        json!({}),
    );
    let row = json!({ "id": 1, "v": [0.1, 1e-7, 16777216, -3.4e38], "f": 0.1 });
    assert_eq!(answer.rows(), [row]);
}

#[test]
fn a_server_that_ends_every_session_says_why() {
    let Some(server) = PrivateServer::mariadb() else {
        return;
    };
    server.administrate(
        "CREATE USER plain IDENTIFIED BY 'plain'; GRANT SELECT ON *.* TO plain; SET GLOBAL init_connect = 'SELECT oops'",
    );
    let session = session!();
    let url = databases::with_user(&server.url, "plain");
    let source = source::managed("s", "mariadb", json!({ "url": url }));
    let answer = session.ask(&source, "test", "", json!({}));
    let said = answer.expect_error("SOURCE_UNREACHABLE");
    assert!(said.contains("init_connect"), "{said}");
}
