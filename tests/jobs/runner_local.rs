//! Sources whose configuration only the environment knows.

use runner_testkit::databases::{self, SqliteDatabase};
use runner_testkit::temp::TempDir;
use runner_testkit::{Answer, Gateway, session, source};
use serde_json::json;

fn database(rows: u32) -> SqliteDatabase {
    let mut sql = String::from("CREATE TABLE people (id INTEGER PRIMARY KEY);");
    for id in 1..=rows {
        sql.push_str(&format!("INSERT INTO people VALUES ({id});"));
    }
    SqliteDatabase::create(&sql)
}

fn count(gateway: &Gateway, name: &str) -> Answer {
    let source = source::runner_local(&format!("id-of-{name}"), name, "sqlite");
    gateway
        .dispatch(&source, "count", "people", json!({}))
        .wait()
}

#[test]
fn names_do_not_swallow_each_other() {
    let (one, two) = (database(1), database(2));
    let session = session!(|runner| runner
        .env("SEMILAYER_SOURCE_DB_PATH", one.path().to_str().unwrap())
        .env(
            "SEMILAYER_SOURCE_DB_REPLICA_PATH",
            two.path().to_str().unwrap(),
        ));
    let gateway = &session.gateway;
    assert_eq!(count(gateway, "db").result("count"), Ok(json!(1)));
    assert_eq!(count(gateway, "db-replica").result("count"), Ok(json!(2)));
    let message = count(gateway, "db-standby")
        .expect_error("SOURCE_CONFIG")
        .to_owned();
    assert!(
        message.contains("SEMILAYER_SOURCE_DB_STANDBY_PATH"),
        "{message}"
    );
}

/// A gateway that assigns a second source of the same variables takes them from nobody.
#[test]
fn of_names_that_come_to_the_same_the_exact_one_has_the_variables() {
    let database = database(2);
    let names = |names: &[&str]| {
        let local = |name: &&str| source::runner_local(&format!("id-of-{name}"), name, "sqlite");
        names.iter().map(local).collect()
    };
    for (assigned, served, refused) in [
        (["HR", "hr", "h-r"], Some("HR"), Some("hr")),
        (["hr", "Hr", "other"], None, Some("hr")),
        (["hr", "x", "y"], Some("hr"), None),
    ] {
        let gateway = Gateway::with(runner_testkit::Options {
            sources: names(&assigned),
            ..runner_testkit::Options::default()
        });
        let runner = runner_testkit::runner!(gateway)
            .env(
                "SEMILAYER_SOURCE_HR_PATH",
                database.path().to_str().unwrap(),
            )
            .start();
        gateway.wait_hello(1, std::time::Duration::from_secs(10));
        if let Some(name) = served {
            assert_eq!(count(&gateway, name).result("count"), Ok(json!(2)));
        }
        if let Some(name) = refused {
            let message = count(&gateway, name)
                .expect_error("SOURCE_CONFIG")
                .to_owned();
            assert!(message.contains("rename one of them"), "{message}");
            runner.wait_stderr("rename one of them", std::time::Duration::from_secs(10));
        }
    }
}

#[test]
fn a_value_may_come_from_a_file() {
    let database = database(3);
    let folder = TempDir::new();
    let file = folder.write("path", format!("{}\n", database.path().display()));
    let token = folder.write("token", format!("{}\n", runner_testkit::TOKEN));
    let session = session!(|runner| runner
        .env_remove("SEMILAYER_RUNNER_TOKEN")
        .env("SEMILAYER_RUNNER_TOKEN_FILE", token.to_str().unwrap())
        .env("SEMILAYER_SOURCE_SHOP_PATH_FILE", file.to_str().unwrap()));
    let gateway = &session.gateway;
    assert_eq!(count(gateway, "shop").result("count"), Ok(json!(3)));
}

#[test]
fn a_managed_source_ignores_the_environment() {
    let (one, two) = (database(1), database(2));
    let session =
        session!(|runner| runner.env("SEMILAYER_SOURCE_SHOP_PATH", one.path().to_str().unwrap()));
    let gateway = &session.gateway;
    let managed = source::managed("shop", "sqlite", json!({ "path": two.path() }));
    let answer = gateway
        .dispatch(&managed, "count", "people", json!({}))
        .wait();
    assert_eq!(answer.result("count"), Ok(json!(2)));
}

#[test]
fn a_password_of_digits_stays_text() {
    let Some(url) = databases::postgres() else {
        return;
    };
    let database =
        databases::PostgresDatabase::create(&url, "CREATE TABLE people AS SELECT 1 AS id");
    let role = format!("digits_{}", std::process::id());
    database.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD '007'; GRANT SELECT ON people TO {role}"
    ));
    let address = databases::address(&database.url);
    let session = session!(|runner| runner
        .env("SEMILAYER_SOURCE_SHOP_HOST", address.ip().to_string())
        .env("SEMILAYER_SOURCE_SHOP_PORT", address.port().to_string())
        .env("SEMILAYER_SOURCE_SHOP_DATABASE", database.name())
        .env("SEMILAYER_SOURCE_SHOP_USERNAME", &role)
        .env("SEMILAYER_SOURCE_SHOP_PASSWORD", "007"));
    let gateway = &session.gateway;
    let source = source::runner_local("s", "shop", "postgres");
    let answer = gateway
        .dispatch(&source, "query", "people", json!({}))
        .wait();
    let outcome = answer.result("query");
    database.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    assert_eq!(outcome.unwrap()["rows"], json!([{ "id": 1 }]));
}
