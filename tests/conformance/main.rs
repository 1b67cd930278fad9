//! The recorded answers of the official bridges, replayed: one test a file and database.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod connect;
mod departures;
mod judge;
mod replay;

use runner_testkit::databases;
use serde_json::json;

use crate::replay::Run;

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::*;
    use runner_testkit::project;

    fn replay(answers: &str) {
        let script = project("tests/conformance/fixtures/sqlite.sql");
        let database = databases::SqliteDatabase::load(&script);
        let run = Run {
            name: answers.trim_end_matches(".json"),
            answers,
            bridge: "sqlite",
            config: &|_| json!({ "path": database.path() }),
        };
        run.check();
    }

    #[test]
    fn rows() {
        replay("sqlite-rows.json");
    }

    #[test]
    fn aggregates() {
        replay("sqlite-aggregate.json");
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::*;

    /// The profile that needs another time zone asks for it in the URL, as a customer would.
    fn direct(url: &str, profile: &str) -> String {
        match profile {
            "tokyo" => format!("{url}?options=-c%20TimeZone%3DAsia%2FTokyo"),
            _ => url.to_owned(),
        }
    }

    /// A pooler refuses that; it has a database entry with the time zone instead.
    fn pooled(url: &str, profile: &str) -> String {
        match profile {
            "tokyo" => format!("{url}_tokyo"),
            _ => url.to_owned(),
        }
    }

    fn replay(name: &str, answers: &str, bridge: &str) {
        let Some(url) = databases::postgres() else {
            return;
        };
        let config = |profile: &str| json!({ "url": direct(&url, profile) });
        let run = Run {
            name,
            answers,
            bridge,
            config: &config,
        };
        run.check();
    }

    fn replay_pooled(name: &str, answers: &str) {
        let Some(url) = databases::pgbouncer() else {
            return;
        };
        let config = |profile: &str| json!({ "url": pooled(&url, profile) });
        let run = Run {
            name,
            answers,
            bridge: "postgres",
            config: &config,
        };
        run.check();
    }

    #[test]
    fn rows() {
        replay("postgres-rows", "postgres-rows.json", "postgres");
    }

    #[test]
    fn aggregates() {
        replay("postgres-aggregate", "postgres-aggregate.json", "postgres");
    }

    #[test]
    fn rows_through_a_pooler() {
        replay_pooled("pgbouncer-rows", "postgres-rows.json");
    }

    #[test]
    fn aggregates_through_a_pooler() {
        replay_pooled("pgbouncer-aggregate", "postgres-aggregate.json");
    }

    /// The Postgres fixtures served as a CockroachDB: what that bridge does differently.
    #[test]
    fn cockroachdb_rows() {
        replay("cockroachdb-rows", "cockroachdb-rows.json", "cockroachdb");
    }

    #[test]
    fn cockroachdb_aggregates() {
        replay(
            "cockroachdb-aggregate",
            "cockroachdb-aggregate.json",
            "cockroachdb",
        );
    }
}

#[cfg(feature = "mysql")]
mod mysql {
    use super::*;

    fn replay(url: Option<String>, name: &str, answers: &str, bridge: &str) {
        let Some(url) = url else { return };
        let scheme = if bridge == "mariadb" {
            "mariadb"
        } else {
            "mysql"
        };
        let url = url.replacen("mysql://", &format!("{scheme}://"), 1);
        let config = |profile: &str| match profile {
            "nbe" => json!({ "url": databases::with_user(&url, "nbe") }),
            _ => json!({ "url": url }),
        };
        let run = Run {
            name,
            answers,
            bridge,
            config: &config,
        };
        run.check();
    }

    #[test]
    fn rows_of_mariadb() {
        replay(
            databases::mariadb(),
            "mariadb-rows",
            "mariadb-rows.json",
            "mariadb",
        );
    }

    #[test]
    fn aggregates_of_mariadb() {
        replay(
            databases::mariadb(),
            "mariadb-aggregate",
            "mariadb-aggregate.json",
            "mariadb",
        );
    }

    #[test]
    fn rows_of_mysql_on_mariadb() {
        replay(
            databases::mariadb(),
            "mysql-rows",
            "mysql-rows.json",
            "mysql",
        );
    }

    #[test]
    fn aggregates_of_mysql_on_mariadb() {
        replay(
            databases::mariadb(),
            "mysql-aggregate",
            "mysql-aggregate.json",
            "mysql",
        );
    }

    #[test]
    fn rows_of_mysql9() {
        replay(
            databases::mysql9(),
            "mysql9-rows",
            "mysql9-rows.json",
            "mysql",
        );
    }

    #[test]
    fn aggregates_of_mysql9() {
        replay(
            databases::mysql9(),
            "mysql9-aggregate",
            "mysql9-aggregate.json",
            "mysql",
        );
    }
}

#[cfg(feature = "mongodb")]
mod mongodb {
    use super::*;

    fn replay(name: &str, answers: &str, url: Option<String>) {
        let Some(url) = url else { return };
        let run = Run {
            name,
            answers,
            bridge: "mongodb",
            config: &|_| json!({ "url": url }),
        };
        run.check();
    }

    /// Encrypted, and the login is the client's certificate.
    fn by_certificate() -> Option<String> {
        let folder = databases::mongodb_certificates()?;
        let server = databases::address(&databases::mongodb()?);
        Some(format!(
            "mongodb://{server}/conformance?authMechanism=MONGODB-X509&tlsCAFile={}&tlsCertificateKeyFile={}",
            folder.join("ca.pem").display(),
            folder.join("client.pem").display()
        ))
    }

    #[test]
    fn rows() {
        replay("mongodb-rows", "mongodb-rows.json", databases::mongodb());
    }

    #[test]
    fn aggregates() {
        replay(
            "mongodb-aggregate",
            "mongodb-aggregate.json",
            databases::mongodb(),
        );
    }

    #[test]
    fn rows_over_tls() {
        replay("mongodb-tls-rows", "mongodb-rows.json", by_certificate());
    }

    #[test]
    fn aggregates_over_tls() {
        replay(
            "mongodb-tls-aggregate",
            "mongodb-aggregate.json",
            by_certificate(),
        );
    }

    #[test]
    fn on_a_secondary() {
        let Some(set) = databases::MongodbSet::start() else {
            return;
        };
        let url = || Some(format!("{}&readPreference=secondary", set.url));
        replay("mongodb-secondary-rows", "mongodb-rows.json", url());
        replay(
            "mongodb-secondary-aggregate",
            "mongodb-aggregate.json",
            url(),
        );
    }
}

#[cfg(feature = "clickhouse")]
mod clickhouse {
    use super::*;

    fn replay(name: &str) {
        let Some(url) = databases::clickhouse() else {
            return;
        };
        let answers = format!("{name}.json");
        let run = Run {
            name,
            answers: &answers,
            bridge: "clickhouse",
            config: &|_| json!({ "url": url }),
        };
        run.check();
    }

    #[test]
    fn rows() {
        replay("clickhouse-rows");
    }

    #[test]
    fn aggregates() {
        replay("clickhouse-aggregate");
    }
}

#[cfg(any(feature = "redis", feature = "upstash"))]
mod keyvalue {
    use super::*;
    use runner_testkit::fakes;
    use serde_json::Value;

    fn replay(answers: &str, bridge: &str, config: &(dyn Fn(&str) -> Value + Sync)) {
        let run = Run {
            name: answers.trim_end_matches(".json"),
            answers,
            bridge,
            config,
        };
        run.check();
    }

    fn redis(answers: &str) {
        let Some(url) = databases::redis() else {
            return;
        };
        let address = databases::address(&url.replacen("redis:", "http:", 1));
        let config = |profile: &str| match profile {
            "db1" | "db3" => json!({ "url": format!("{url}/{}", &profile[2..]) }),
            "db5" => json!({ "host": "127.0.0.1", "port": address.port(), "db": 5 }),
            "db99" => json!({ "url": format!("{url}/99") }),
            "dbtext" => json!({ "url": format!("{url}/abc") }),
            "reader" | "fenced" | "nocmd" => {
                json!({ "url": format!("redis://{profile}:{profile}-pass@{address}") })
            }
            "hostform" => json!({ "host": "localhost", "port": address.port() }),
            _ => json!({ "url": url }),
        };
        replay(answers, "redis", &config);
    }

    fn upstash(answers: &str) {
        let Some(url) = databases::redis() else {
            return;
        };
        // Small answers only, so that batches have to be halved.
        let url = fakes::upstash(&url, 200 << 10);
        let config = |profile: &str| {
            let token = match profile {
                "readonly" => fakes::UPSTASH_READ_ONLY_TOKEN,
                "badtoken" => "no-token-0123456789",
                _ => fakes::UPSTASH_TOKEN,
            };
            json!({ "url": url, "token": token })
        };
        replay(answers, "upstash", &config);
    }

    #[cfg(feature = "redis")]
    #[test]
    fn rows_of_redis() {
        redis("redis-rows.json");
    }

    #[cfg(feature = "redis")]
    #[test]
    fn aggregates_of_redis() {
        redis("redis-aggregate.json");
    }

    #[cfg(feature = "upstash")]
    #[test]
    fn rows_of_upstash() {
        upstash("upstash-rows.json");
    }

    #[cfg(feature = "upstash")]
    #[test]
    fn aggregates_of_upstash() {
        upstash("upstash-aggregate.json");
    }
}

#[cfg(feature = "turso")]
mod turso {
    use std::fs;
    use std::io::Write;
    use std::sync::Arc;

    use runner_testkit::TestCa;
    use runner_testkit::fakes::{self, FaultyHttp};
    use runner_testkit::temp::TempDir;

    use super::*;
    use crate::connect::Connects;

    fn replay(name: &str) {
        let Some(url) = databases::turso() else {
            return;
        };
        let answers = format!("{name}.json");
        let run = Run {
            name,
            answers: &answers,
            bridge: "turso",
            config: &|_| json!({ "url": url }),
        };
        run.check();
    }

    #[test]
    fn rows() {
        replay("turso-rows");
    }

    #[test]
    fn aggregates() {
        replay("turso-aggregate");
    }

    #[test]
    fn connections() {
        let (Some(url), Some(tokens)) = (databases::turso(), databases::turso_tokens()) else {
            return;
        };
        let open = databases::address(&url);
        let faulty = FaultyHttp::start(open);
        let closed = fs::read_to_string(tokens.join("address")).unwrap();
        let ca = TestCa::new("Test CA");
        let target = closed.parse().unwrap();
        let encrypted = fakes::encrypted(target, ca.server(&["localhost"]));
        let roots = TempDir::new();
        let roots = roots.write("roots.pem", ca.pem());
        let port = encrypted.address.port();
        let other = fakes::Server::start(Arc::new(|mut client| {
            client.write_all(b"SSH-2.0-Other\r\n")
        }));
        let mut places = vec![
            ("plain", open.to_string()),
            ("auth", closed),
            ("tls", format!("localhost:{port}")),
            ("tls-by-address", format!("127.0.0.1:{port}")),
            ("not-http", other.address.to_string()),
            ("faulty", faulty.address().to_string()),
        ];
        for name in ["rw", "ro", "plain-claims", "expired", "forged", "garbage"] {
            places.push((name, fs::read_to_string(tokens.join(name)).unwrap()));
        }
        let connects = Connects {
            answers: "turso-connect.json",
            bridge: "turso",
            places: &places,
            order: &|faults| faulty.order(faults),
        };
        connects.check(|runner| runner.env("NODE_EXTRA_CA_CERTS", roots.to_str().unwrap()));
    }
}

#[cfg(feature = "d1")]
mod d1 {
    use runner_testkit::databases::D1Database;
    use runner_testkit::fakes::FaultyHttp;

    use super::*;
    use crate::connect::Connects;

    fn replay(name: &str) {
        let Some(url) = databases::d1() else {
            return;
        };
        let answers = format!("{name}.json");
        let run = Run {
            name,
            answers: &answers,
            bridge: "d1",
            config: &|_| D1Database::config(&databases::address(&url).to_string()),
        };
        run.check();
    }

    #[test]
    fn rows() {
        replay("d1-rows");
    }

    #[test]
    fn aggregates() {
        replay("d1-aggregate");
    }

    #[test]
    fn connections() {
        let Some(url) = databases::d1() else {
            return;
        };
        let faulty = FaultyHttp::start(databases::address(&url));
        let connects = Connects {
            answers: "d1-connect.json",
            bridge: "d1",
            places: &[("server", faulty.address().to_string())],
            order: &|faults| faulty.order(faults),
        };
        connects.check(|runner| runner);
    }
}
