//! The README's roles: each can be made as it says, reads, and may do nothing beyond.

use std::time::Duration;

use runner_testkit::databases::{self, MongodbDatabase, PrivateServer, RedisClient, RedisKeys};
use runner_testkit::{RunnerBuilder, watchdog};
use serde_json::{Value, json};

use crate::page::{Page, quoted};

const SOON: Duration = Duration::from_secs(20);

/// The statements after the comment that names this engine.
fn statements(engine: &str) -> String {
    let blocks = Page::read("README.md").blocks("sql");
    let parts = blocks.iter().flat_map(|block| block.split("-- "));
    let mut parts = parts.filter(|part| {
        part.lines()
            .next()
            .is_some_and(|line| line.contains(engine))
    });
    let part = parts
        .next()
        .unwrap_or_else(|| panic!("no statements for {engine}"));
    let (_, sql) = part.split_once('\n').unwrap();
    sql.to_owned()
}

/// What `test-source` says to these arguments about a source at this URL, asked as the role of the README.
fn test_source(url: &str, arguments: &[&str]) -> String {
    let url = databases::with_credentials(url, "reader", "change-me-1");
    let words: Vec<_> = ["test-source"].iter().chain(arguments).copied().collect();
    let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "")
        .env("SEMILAYER_SOURCE_SHOP_URL", url)
        .args(&words)
        .start();
    let code = runner.wait_exit(SOON).code();
    assert_eq!(code, Some(0), "{}{}", runner.stdout(), runner.stderr());
    runner.stdout()
}

fn only_reads(url: &str) {
    let report = test_source(url, &["--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report[0]["mayBeyondReading"], json!([]), "{report}");
    let rows = test_source(url, &["shop", "--query", "first_table"]);
    assert_eq!(rows.lines().count(), 1, "{rows}");
    test_source(url, &["shop", "--query", "later_table"]);
}

/// With a table that is there, and one that comes later.
#[test]
fn a_postgres_role_only_reads() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Some(server) = PrivateServer::postgres() else {
        return;
    };
    server.administrate(
        "CREATE TABLE first_table (id INT PRIMARY KEY); INSERT INTO first_table VALUES (1)",
    );
    server.administrate(&statements("PostgreSQL"));
    server.administrate("CREATE TABLE later_table (id INT PRIMARY KEY)");
    only_reads(&server.url);
}

#[test]
fn a_mysql_role_only_reads() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Some(server) = PrivateServer::mariadb() else {
        return;
    };
    server.administrate("CREATE DATABASE shop; CREATE TABLE shop.first_table (id INT PRIMARY KEY)");
    server.administrate("INSERT INTO shop.first_table VALUES (1)");
    server.administrate(&statements("MySQL"));
    server.administrate("CREATE TABLE shop.later_table (id INT PRIMARY KEY)");
    only_reads(&databases::with_database(&server.url, "shop"));
}

#[cfg(feature = "redis")]
#[test]
fn a_redis_user_only_reads() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Some(server) = databases::redis() else {
        return;
    };
    let prose = Page::read("README.md").prose();
    let command = quoted(&prose).find(|text| text.starts_with("ACL SETUSER"));
    let command: Vec<_> = command.unwrap().split(' ').collect();
    let mut administrator = RedisClient::connect(&server);
    administrator.ask(&command);
    let keys = RedisKeys::on(&server);
    let row = ("1".to_owned(), r#"{"name":"Ann"}"#.to_owned());
    keys.fill("people", std::iter::once(row));
    let report = test_source(&keys.url, &["--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report[0]["mayBeyondReading"], json!([]), "{report}");
    let rows = test_source(&keys.url, &["shop", "--query", &keys.target("people")]);
    assert_eq!(rows.lines().count(), 1, "{rows}");
    administrator.ask(&["ACL", "DELUSER", "reader"]);
}

/// The statement as a command of the server: what is between the parentheses of `createUser`.
#[cfg(feature = "mongodb")]
fn user_of_mongodb() -> Value {
    let prose = Page::read("README.md").prose();
    let start = "db.getSiblingDB(\"shop\").createUser(";
    let statement = quoted(&prose).find_map(|text| text.strip_prefix(start));
    let object = statement.and_then(|text| text.strip_suffix(')')).unwrap();
    // Its keys, which JSON wants in quotes.
    let quoted = ["user", "pwd", "roles", "role", "db"]
        .iter()
        .fold(object.to_owned(), |text, key| {
            text.replace(&format!("{key}: "), &format!("\"{key}\": "))
        });
    serde_json::from_str(&quoted).unwrap_or_else(|error| panic!("{error}: {quoted}"))
}

#[cfg(feature = "mongodb")]
#[test]
fn a_mongodb_role_only_reads() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Some(server) = MongodbDatabase::usual() else {
        return;
    };
    let user = user_of_mongodb();
    let create = json!({ "createUser": user["user"], "pwd": user["pwd"], "roles": user["roles"] });
    // A run that failed may have left it.
    server.run_on("shop", &json!({ "dropAllUsersFromDatabase": 1 }));
    server.run_on("shop", &create);
    for name in ["first_table", "later_table"] {
        let documents = json!([{ "_id": 1 }]);
        server.run_on("shop", &json!({ "insert": name, "documents": documents }));
    }
    let address = databases::address(&server.url);
    only_reads(&format!("mongodb://u:p@{address}/shop"));
    server.run_on("shop", &json!({ "dropAllUsersFromDatabase": 1 }));
    server.run_on("shop", &json!({ "dropDatabase": 1 }));
}
