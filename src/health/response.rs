//! What each path answers. A path is exact: a query string makes it another one, as officially.

use std::time::Instant;

use crate::engine::Engine;
use crate::metrics::{Exposition, Readiness};

const JSON: &str = "application/json";

/// One HTTP answer; the connection is closed after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    status: &'static str,
    kind: &'static str,
    body: String,
    /// `HEAD`: the headers only.
    headers_only: bool,
}

impl Response {
    /// 200 with a body of this content type.
    pub fn ok(kind: &'static str, body: impl Into<String>) -> Self {
        Self::new("200 OK", kind, body)
    }

    fn new(status: &'static str, kind: &'static str, body: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            body: body.into(),
            headers_only: false,
        }
    }

    /// As sent.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {}\r\n", self.status);
        if !self.kind.is_empty() {
            text.push_str(&format!("content-type: {}\r\n", self.kind));
        }
        text.push_str(&format!(
            "content-length: {}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n",
            self.body.len()
        ));
        if !self.headers_only {
            text.push_str(&self.body);
        }
        text.into_bytes()
    }
}

/// Answers a request. `/health` is the official one: fine whatever the method and whatever the state of the
/// link. `/ready` is 200 only while a session is acknowledged and alive, `/metrics` is Prometheus text.
pub fn respond(engine: &Engine, head: &[u8]) -> Response {
    let mut words = head.split(|b| *b == b' ');
    let method = words.next().unwrap_or_default();
    let response = match words.next() {
        Some(b"/health") => Response::ok(JSON, "{\"ok\":true}"),
        Some(b"/ready") => ready(engine.metrics().gateway.readiness(Instant::now())),
        Some(b"/metrics") => {
            let mut out = Exposition::default();
            engine.render_metrics(&mut out);
            Response::ok("text/plain; version=0.0.4; charset=utf-8", out.finish())
        }
        _ => Response::new("404 Not Found", "", ""),
    };
    Response {
        headers_only: method == b"HEAD",
        ..response
    }
}

fn ready(readiness: Readiness) -> Response {
    match readiness {
        Readiness::Ready => Response::ok(JSON, "{\"ok\":true}"),
        not => Response::new(
            "503 Service Unavailable",
            JSON,
            format!("{{\"ok\":false,\"reason\":\"{}\"}}", not.as_str()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{EngineSettings, Oversight};
    use crate::sources::SourceEnvironment;
    use std::time::Duration;

    #[test]
    fn paths_are_exact_and_readiness_follows_the_link() {
        let settings = EngineSettings {
            workers: 1,
            ..EngineSettings::default()
        };
        let engine = Engine::start(
            settings,
            SourceEnvironment::default(),
            Oversight::default(),
            Box::new(crate::bridges::open),
        )
        .unwrap();
        let text =
            |head: &str| String::from_utf8(respond(&engine, head.as_bytes()).into_bytes()).unwrap();
        for good in ["GET /health HTTP/1.1\r\n", "POST /health HTTP/1.0\r\n"] {
            let answer = text(good);
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"));
            assert!(answer.ends_with("\r\n\r\n{\"ok\":true}"));
        }
        assert!(text("HEAD /health HTTP/1.1\r\n").ends_with(
            "content-length: 11\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        ));
        for bad in [
            "GET /health?x HTTP/1.1\r\n",
            "GET /health/ HTTP/1.1\r\n",
            "GET / HTTP/1.1\r\n",
            "",
            "\r\n\r\n",
        ] {
            assert!(text(bad).starts_with("HTTP/1.1 404"), "{bad}");
        }
        let ready = "GET /ready HTTP/1.1\r\n";
        assert!(text(ready).starts_with("HTTP/1.1 503"));
        let up = engine
            .metrics()
            .session_up(Duration::from_secs(60), Instant::now());
        assert!(text(ready).starts_with("HTTP/1.1 200"));
        assert!(text("GET /metrics HTTP/1.1\r\n").contains("\nsemilayer_runner_ready 1\n"));
        drop(up);
        assert!(
            text(ready).ends_with("{\"ok\":false,\"reason\":\"not connected to the gateway\"}")
        );
    }
}
