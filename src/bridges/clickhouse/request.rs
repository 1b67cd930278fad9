//! Requests of the HTTP interface: a statement, its parameters, and the settings it runs under.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::config::Settings;
use super::place::{write_escaped, write_quoted};
use crate::limits;
use crate::net::http::Method;
use crate::sql::Statement;

/// What a server lets its user set. It is found out once a source: the first statement asks for everything.
#[derive(Debug, Default)]
pub(super) struct Leave(AtomicU8);

/// The answer to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Allowed {
    /// Read-only, bounded in time, in small blocks, ended with its connection.
    Everything,
    /// What every server knows.
    Basics,
    /// Nothing: the user is read-only without our asking, or an administrator has set bounds.
    Nothing,
}

impl Leave {
    /// What is asked for now.
    pub(super) fn allowed(&self) -> Allowed {
        match self.0.load(Ordering::Relaxed) {
            0 => Allowed::Everything,
            1 => Allowed::Basics,
            _ => Allowed::Nothing,
        }
    }

    /// From now on this.
    pub(super) fn settle_for(&self, allowed: Allowed) {
        self.0.store(allowed as u8, Ordering::Relaxed);
    }
}

/// A request, before it has an address.
pub(super) struct Composed {
    /// GET where the server makes a request read-only for it.
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    /// The type of a body that is more than the statement.
    pub(super) content_type: Option<String>,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// Puts a request together. `id` is how the server will know the statement.
pub(super) fn compose(
    settings: &Settings,
    statement: &Statement,
    id: &str,
    allowed: Allowed,
    time: Duration,
) -> Composed {
    let start = String::from("/?");
    let length = start.len();
    let mut query = Serializer::for_suffix(start, length);
    if !settings.database.is_empty() {
        query.append_pair("database", &settings.database);
    }
    query.append_pair("default_format", "JSONEachRow");
    query.append_pair("query_id", id);
    if allowed != Allowed::Nothing {
        // A second more than the job has: its own end says why.
        let seconds = time.as_secs().saturating_add(1).to_string();
        query.append_pair("readonly", "2");
        query.append_pair("max_execution_time", &seconds);
    }
    if allowed == Allowed::Everything {
        query.append_pair("max_block_size", BLOCK);
        query.append_pair("cancel_http_readonly_queries_on_client_close", "1");
    }
    let parameters: Vec<_> = statement
        .params
        .iter()
        .enumerate()
        .filter_map(|(i, value)| Some((format!("param_p{}", i + 1), parameter_text(value)?)))
        .collect();
    let length: usize = parameters.iter().map(|(_, text)| text.len()).sum();
    if length > limits::HTTP_SHORT {
        let boundary = format!("-{id}");
        let mut body = String::new();
        let statement = ("query".to_owned(), statement.sql.clone());
        for (name, text) in std::iter::once(&statement).chain(&parameters) {
            body.push_str("--");
            body.push_str(&boundary);
            body.push_str("\r\nContent-Disposition: form-data; name=\"");
            body.push_str(name);
            body.push_str("\"\r\n\r\n");
            body.push_str(text);
            body.push_str("\r\n");
        }
        body.push_str(&format!("--{boundary}--\r\n"));
        return Composed {
            method: Method::Post,
            path: query.finish(),
            content_type: Some(format!("multipart/form-data; boundary={boundary}")),
            body: body.into_bytes(),
        };
    }
    for (name, text) in &parameters {
        query.append_pair(name, text);
    }
    // Without settings of ours this is what keeps a statement from writing.
    if allowed == Allowed::Nothing && length + statement.sql.len() <= limits::HTTP_SHORT {
        query.append_pair("query", &statement.sql);
        return Composed {
            method: Method::Get,
            path: query.finish(),
            content_type: None,
            body: Vec::new(),
        };
    }
    Composed {
        method: Method::Post,
        path: query.finish(),
        content_type: None,
        body: statement.sql.clone().into_bytes(),
    }
}

/// Rows of a block: small enough that the first of them come early and that neither side holds many.
const BLOCK: &str = "8192";

/// A parameter as it travels. Numbers stand in the statement itself.
fn parameter_text(value: &Value) -> Option<String> {
    let mut out = String::new();
    match value {
        Value::String(text) => write_escaped(&mut out, text),
        Value::Array(members) => {
            let mut separator = '[';
            for member in members {
                out.push(std::mem::replace(&mut separator, ','));
                write_quoted(&mut out, member.as_str().unwrap_or_default());
            }
            out.push_str(if separator == '[' { "[]" } else { "]" });
        }
        _ => return None,
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn composed(statement: &Statement, allowed: Allowed) -> Composed {
        let config = json!({"host": "h", "database": "d b"});
        let settings = Settings::from_config(config.as_object().unwrap()).unwrap();
        compose(
            &settings,
            statement,
            "id",
            allowed,
            Duration::from_millis(2500),
        )
    }

    fn statement(params: Vec<Value>) -> Statement {
        Statement {
            sql: "SELECT 'é' & 1".to_owned(),
            params,
        }
    }

    #[test]
    fn settings_are_asked_for_as_far_as_they_are_allowed() {
        let start = "/?database=d+b&default_format=JSONEachRow&query_id=id";
        let all = composed(&statement(Vec::new()), Allowed::Everything);
        assert_eq!(
            all.path,
            format!(
                "{start}&readonly=2&max_execution_time=3&max_block_size=8192\
                 &cancel_http_readonly_queries_on_client_close=1"
            )
        );
        assert_eq!(all.body, "SELECT 'é' & 1".as_bytes());
        let basics = composed(&statement(Vec::new()), Allowed::Basics);
        assert_eq!(
            basics.path,
            format!("{start}&readonly=2&max_execution_time=3")
        );
        let none = composed(&statement(Vec::new()), Allowed::Nothing);
        assert_eq!(none.method, Method::Get);
        assert_eq!(
            none.path,
            format!("{start}&query=SELECT+%27%C3%A9%27+%26+1")
        );
    }

    #[test]
    fn parameters_travel_apart_from_the_statement() {
        let params = vec![json!("a\tb'\\"), json!(5), json!(["x'", "\n"])];
        let short = composed(&statement(params), Allowed::Basics);
        assert!(
            short.path.ends_with(
                "&param_p1=a%5Ctb%5C%27%5C%5C&param_p3=%5B%27x%5C%27%27%2C%27%5Cn%27%5D"
            ),
            "{}",
            short.path
        );
        let long = vec![json!("x".repeat(limits::HTTP_SHORT + 1)), json!("y")];
        let long = composed(&statement(long), Allowed::Nothing);
        assert_eq!(long.method, Method::Post);
        assert!(!long.path.contains("param_"));
        let body = String::from_utf8(long.body).unwrap();
        assert!(body.starts_with(
            "---id\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT 'é' & 1\r\n---id\r\n"
        ));
        assert!(body.ends_with("name=\"param_p2\"\r\n\r\ny\r\n---id--\r\n"));
    }

    #[test]
    fn what_was_found_out_is_kept() {
        let leave = Leave::default();
        assert_eq!(leave.allowed(), Allowed::Everything);
        for allowed in [Allowed::Basics, Allowed::Nothing] {
            leave.settle_for(allowed);
            assert_eq!(leave.allowed(), allowed);
        }
    }
}
