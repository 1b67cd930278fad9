//! `mongodb+srv://`: the servers, the set's name and the database of the users come from DNS.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use runner_testkit::databases::{self, MongodbSet};
use runner_testkit::name_server::{DnsRecord, NameServer};
use runner_testkit::temp::TempDir;
use runner_testkit::{Session, TestCa, session, source, tls};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
const HERE: DnsRecord = DnsRecord::Address(Ipv4Addr::LOCALHOST);

fn service(name: &str, port: u16) -> DnsRecord {
    DnsRecord::Service(name.to_owned(), port)
}

fn text(text: &str) -> DnsRecord {
    DnsRecord::Text(text.to_owned())
}

fn people(session: &Session, url: &str) -> Result<Value, (String, String)> {
    let source = source::managed(url, "mongodb", json!({ "url": url }));
    let job = session
        .gateway
        .dispatch(&source, "count", "people", json!({}));
    job.wait_for(SOON).result("count")
}

#[test]
fn a_server_that_dns_names_is_reached_by_tls() {
    let Some(url) = databases::mongodb() else {
        return;
    };
    let ca = TestCa::new("cluster root");
    let folder = TempDir::new();
    let roots = folder.write("ca.pem", ca.pem()).display().to_string();
    let door = tls::front(databases::address(&url), ca.server(&["node1.cluster.test"]));
    let port = door.port();
    let options = format!("tlsCAFile={roots}");
    for truncated in [false, true] {
        let Some(names) = NameServer::start(
            &[
                (
                    "_mongodb._tcp.db.cluster.test",
                    service("node1.cluster.test", port),
                ),
                ("db.cluster.test", text("authSource=admin")),
                (
                    "_mongodb._tcp.bare.cluster.test",
                    service("node1.cluster.test", port),
                ),
                ("bare.cluster.test", HERE),
                (
                    "_mongodb._tcp.wrong.cluster.test",
                    service("node2.cluster.test", port),
                ),
                ("wrong.cluster.test", text("authSource=admin")),
                (
                    "_mongodb._tcp.evil.cluster.test",
                    service("node1.elsewhere.test", port),
                ),
                (
                    "_mongodb._tcp.odd.cluster.test",
                    service("node1.cluster.test", port),
                ),
                ("odd.cluster.test", text("tls=false")),
                (
                    "_mongodb._tcp.gone.cluster.test",
                    service("node3.cluster.test", port),
                ),
                ("gone.cluster.test", text("authSource=admin")),
                (
                    "_other._tcp.db.cluster.test",
                    service("node1.cluster.test", port),
                ),
                ("node1.cluster.test", HERE),
                ("node2.cluster.test", HERE),
            ],
            truncated,
        ) else {
            return;
        };
        let session = session!(|runner| names.asked_by(runner));
        let of = |host: &str, options: &str| {
            let url =
                format!("mongodb+srv://runner:runner@{host}.cluster.test/conformance?{options}");
            people(&session, &url)
        };
        assert_eq!(of("db", &options), Ok(json!(42)), "truncated: {truncated}");
        assert_eq!(names.asked_by_tcp() > 0, truncated);
        if truncated {
            // The rest is no different.
            continue;
        }
        // What the URL says goes before what DNS says.
        let (code, _) = of("db", &format!("{options}&authSource=conformance")).unwrap_err();
        assert_eq!(code, "SOURCE_AUTH_FAILED");
        assert_eq!(
            of("bare", &format!("{options}&authSource=admin")),
            Ok(json!(42))
        );
        assert_eq!(
            of("db", &format!("{options}&srvServiceName=other")),
            Ok(json!(42))
        );
        for (host, options, code, words) in [
            ("db", "", "SOURCE_UNREACHABLE", "cluster root"),
            (
                "wrong",
                &*options,
                "SOURCE_UNREACHABLE",
                "not for node2.cluster.test",
            ),
            ("evil", &options, "SOURCE_CONFIG", "parent domain"),
            ("odd", &options, "SOURCE_CONFIG", "TXT"),
            ("gone", &options, "SOURCE_UNREACHABLE", "node3.cluster.test"),
            (
                "nobody",
                &options,
                "SOURCE_UNREACHABLE",
                "_mongodb._tcp.nobody.cluster.test",
            ),
        ] {
            let start = Instant::now();
            let (found, said) = of(host, options).unwrap_err();
            assert_eq!(found, code, "{host}: {said}");
            assert!(said.contains(words), "{host}: {said}");
            assert!(start.elapsed() < SOON / 2, "{host}: {:?}", start.elapsed());
        }
    }
}

#[test]
fn a_set_that_dns_names_is_found_whole() {
    let Some(set) = MongodbSet::start() else {
        return;
    };
    let (primary, others) = set.roles();
    let port = |member: &str| member.rsplit_once(':').unwrap().1.parse().unwrap();
    let Some(names) = NameServer::start(
        &[
            (
                "_mongodb._tcp.rs.cluster.test",
                service("node1.cluster.test", port(&primary)),
            ),
            (
                "_mongodb._tcp.rs.cluster.test",
                service("node2.cluster.test", port(&others[0])),
            ),
            ("rs.cluster.test", text("replicaSet=rs0")),
            (
                "_mongodb._tcp.other.cluster.test",
                service("node1.cluster.test", port(&primary)),
            ),
            ("other.cluster.test", text("replicaSet=another")),
            ("node1.cluster.test", HERE),
            ("node2.cluster.test", HERE),
        ],
        false,
    ) else {
        return;
    };
    let session = session!(|runner| names.asked_by(runner));
    let of = |host: &str, options: &str| {
        people(
            &session,
            &format!("mongodb+srv://{host}.cluster.test/conformance?tls=false{options}"),
        )
    };
    for options in ["", "&readPreference=secondary", "&srvMaxHosts=1"] {
        assert_eq!(of("rs", options), Ok(json!(42)), "{options}");
    }
    let (code, said) = of("other", "").unwrap_err();
    assert_eq!(code, "SOURCE_CONFIG", "{said}");
}
