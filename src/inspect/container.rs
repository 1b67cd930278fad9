//! Whether this process runs in a container, where the machine's own address is the container's.

use std::path::Path;

use serde_json::{Map, Value};
use url::{Host, Url};

/// What docker and podman leave in each of theirs.
const MARKS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// Kubernetes sets a variable. `variable` looks into the environment.
pub fn is_container(variable: impl Fn(&str) -> Option<String>) -> bool {
    variable("KUBERNETES_SERVICE_HOST").is_some()
        || MARKS.iter().any(|mark| Path::new(mark).exists())
}

/// Whether a source's configuration names this machine itself.
pub fn names_this_machine(config: &Map<String, Value>) -> bool {
    let text = |key| config.get(key).and_then(Value::as_str);
    let url = text("url").or_else(|| text("connectionString"));
    match url.and_then(|url| Url::parse(url).ok()) {
        Some(url) => url.host().is_some_and(|host| match host {
            Host::Domain(name) => is_local(name),
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        }),
        None => text("host").is_some_and(is_local),
    }
}

fn is_local(host: &str) -> bool {
    let ip: Result<std::net::IpAddr, _> = host.parse();
    host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_machine_itself_is_known_in_every_form() {
        for (config, itself) in [
            (json!({"url": "postgres://u:p@127.0.0.1:5432/d"}), true),
            (json!({"url": "mysql://LOCALHOST/d"}), true),
            (json!({"connectionString": "postgres://[::1]/d"}), true),
            (json!({"host": "127.0.0.2"}), true),
            (json!({"host": "db.internal"}), false),
            (
                json!({"url": "postgres://db/d", "host": "127.0.0.1"}),
                false,
            ),
            (json!({"path": "/localhost"}), false),
        ] {
            let Value::Object(config) = config else {
                panic!("an object");
            };
            assert_eq!(names_this_machine(&config), itself, "{config:?}");
        }
    }

    #[test]
    fn kubernetes_is_known_by_its_variable() {
        assert!(is_container(|_| Some("10.0.0.1".to_owned())));
    }
}
