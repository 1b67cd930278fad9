//! The text of requests and answers, as Hrana 3 has it in JSON. Knows nothing of sockets.

use std::borrow::Cow;

use crate::bridges::lite::{self, Value};
use crate::bridges::service::{Called, message, quoted, refused};
use crate::error::JobError;
use crate::json::{Object, Raw, RawKind, object, write_f64, write_object};
use crate::limits;
use crate::net::base64;

/// How errors call the server.
pub(super) const CALLED: Called = ("a server of Hrana 3", "that of a Turso database");

/// The body of a request to `/v3/cursor`: statements one after the other, on the open stream with this baton or on a new
/// one, which begins with a transaction.
pub(super) fn cursor(baton: Option<&str>, statements: &[&str]) -> String {
    let begin = baton.is_none().then_some(r#"{"sql":"BEGIN"}"#);
    let steps = begin.into_iter().chain(statements.iter().copied());
    object(|request| {
        with_baton(request, baton).object("batch", |batch| {
            batch.list("steps", steps.enumerate(), |out, (place, statement)| {
                write_object(out, |step| {
                    step.member("stmt", |out| out.push_str(statement));
                    if let Some(before) = place.checked_sub(1) {
                        step.object("condition", |condition| {
                            condition.string("type", "ok").number("step", before as u64);
                        });
                    }
                });
            });
        });
    })
}

/// The body of a request to `/v3/pipeline`: statements one after the other, if any, after which the stream is closed.
pub(super) fn last(baton: Option<&str>, statements: &[&str]) -> String {
    let statements = statements.iter().copied().map(Some).chain([None]);
    object(|request| {
        with_baton(request, baton).list("requests", statements, |out, statement| {
            write_object(out, |request| {
                match statement {
                    Some(statement) => request
                        .string("type", "execute")
                        .member("stmt", |out| out.push_str(statement)),
                    None => request.string("type", "close"),
                };
            });
        });
    })
}

fn with_baton<'r, 'o>(request: &'r mut Object<'o>, baton: Option<&str>) -> &'r mut Object<'o> {
    match baton {
        Some(baton) => request.string("baton", baton),
        None => request,
    }
}

/// Appends a value of a statement.
pub(super) fn write_value(out: &mut String, value: &Value<'_>) {
    write_object(out, |typed| {
        match value {
            Value::Null => typed.string("type", "null"),
            // As a text, for there are readers to which every number is a double.
            Value::Integer(whole) => typed
                .string("type", "integer")
                .string("value", &whole.to_string()),
            Value::Real(float) => typed
                .string("type", "float")
                .member("value", |out| write_f64(out, *float)),
            Value::Text(bytes) => typed
                .string("type", "text")
                .string("value", &String::from_utf8_lossy(bytes)),
            Value::Blob(bytes) => typed
                .string("type", "blob")
                .string("base64", &base64::encode(bytes)),
        };
    });
}

/// A line of an answer to a cursor.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'a> {
    /// The stream may be gone on with by this baton.
    Stream(Option<String>),
    /// A step begins, whose rows have columns of these names.
    Begin(Vec<String>),
    /// The values of a row.
    Row(Raw<'a>),
    /// A step has ended well.
    End,
    /// A step, or all of it, has failed with these words.
    Failed(String),
    /// Anything else.
    Other,
}

/// Reads a line; `None` for what is none.
pub(super) fn line(text: &str) -> Option<Line<'_>> {
    let line = Raw::parse(text)?;
    let [kind, row] = members(line, ["type", "row"]);
    Some(match kind.and_then(Raw::text).as_deref() {
        Some("row") => Line::Row(row?),
        Some("step_begin") => Line::Begin(names(line.member("cols")?)?),
        Some("step_end") => Line::End,
        Some("step_error" | "error") => Line::Failed(problem(line)?),
        Some(_) => Line::Other,
        None => {
            // The protocol lets a server name another place for its stream, which sqld never does. The token goes to no
            // host but the configured one, and so such a stream is not gone on with.
            let [baton, place] = members(line, ["baton", "base_url"]);
            let stays = place.is_none_or(|place| place.kind() == RawKind::Null);
            let baton = baton?.text().filter(|_| stays);
            let baton = baton.filter(|baton| baton.len() <= limits::BATON_BYTES);
            Line::Stream(baton.map(Cow::into_owned))
        }
    })
}

/// The members of these names.
fn members<'a, const N: usize>(object: Raw<'a>, names: [&str; N]) -> [Option<Raw<'a>>; N] {
    let mut found = [None; N];
    for (name, value) in object.members() {
        let place = names.iter().position(|known| *known == name);
        if let Some(place) = place.and_then(|place| found.get_mut(place)) {
            *place = Some(value);
        }
    }
    found
}

/// The results of a pipeline's requests.
pub(super) fn results(text: &str) -> impl Iterator<Item = Raw<'_>> {
    let results = Raw::parse(text).and_then(|answer| answer.member("results"));
    results.into_iter().flat_map(Raw::elements)
}

/// The names of the columns and the rows that a statement of a pipeline came to, or why it failed; `None` for what is no
/// such result.
pub(super) fn table(result: Raw<'_>) -> Option<Result<(Vec<String>, Raw<'_>), JobError>> {
    if let Some(problem) = problem(result) {
        return Some(Err(JobError::query_failed(problem)));
    }
    let [columns, rows] = members(
        result.member("response")?.member("result")?,
        ["cols", "rows"],
    );
    Some(Ok((names(columns?)?, rows?)))
}

/// The error of an answer that has this status, or is not what was asked for.
pub(super) fn refusal(status: u16, text: &str) -> JobError {
    match Raw::parse(text).and_then(problem) {
        // A statement that does not parse, or a text that is not UTF-8.
        Some(problem) if status == 500 => JobError::query_failed(problem),
        problem => refused(status, &problem.unwrap_or_else(|| quoted(text)), CALLED),
    }
}

/// What is wrong, when that is what an answer says, or a part of one.
fn problem(answer: Raw<'_>) -> Option<String> {
    let error = answer.member("error").unwrap_or(answer);
    message(error).or_else(|| message(error.member("message")?))
}

fn names(columns: Raw<'_>) -> Option<Vec<String>> {
    lite::names(
        columns
            .elements()
            .map(|column| column.member("name")?.text()),
    )
}

/// A value of a row; `None` for what is none.
pub(super) fn value(value: Raw<'_>) -> Option<Value<'_>> {
    let [kind, value, bytes] = members(value, ["type", "value", "base64"]);
    Some(match (kind?.text()?.as_ref(), value) {
        ("null", _) => Value::Null,
        ("integer", value) => Value::Integer(value?.text()?.parse().ok()?),
        // JSON has no infinity, and the sign of one does not come.
        ("float", Some(Raw::NULL)) => Value::Real(f64::INFINITY),
        ("float", value) => Value::Real(value?.number()?),
        ("text", value) => Value::of_text(value?.text()?),
        ("blob", _) => Value::Blob(base64::decode_bare(&bytes?.text()?)?.into()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridges::lite::composed;
    use serde_json::{Value as Json, json};

    fn parsed(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn requests_are_those_of_the_protocol() {
        let values = [
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Real(-0.5),
            Value::text("a\"b"),
            Value::Blob(Cow::Borrowed(&[0, 255])),
        ];
        let stmt = json!({ "sql": "SELECT ?", "args": [
            { "type": "null" },
            { "type": "integer", "value": "-9223372036854775808" },
            { "type": "float", "value": -0.5 },
            { "type": "text", "value": "a\"b" },
            { "type": "blob", "base64": "AP8=" },
        ] });
        let written = composed("SELECT ?", &values, "args", |_| false, write_value);
        let statement = [written.as_str()];
        let gone_on = json!({ "baton": "b", "batch": { "steps": [{ "stmt": stmt }] } });
        assert_eq!(parsed(&cursor(Some("b"), &statement)), gone_on);
        let condition = json!({ "type": "ok", "step": 0 });
        let steps =
            json!([{ "stmt": { "sql": "BEGIN" } }, { "condition": condition, "stmt": stmt }]);
        let begun = json!({ "batch": { "steps": steps } });
        assert_eq!(parsed(&cursor(None, &statement)), begun);
        let requests = json!([{ "type": "execute", "stmt": stmt }, { "type": "close" }]);
        let counted = json!({ "baton": "b", "requests": requests });
        assert_eq!(parsed(&last(Some("b"), &statement)), counted);
        let closed = json!({ "requests": [{ "type": "close" }] });
        assert_eq!(parsed(&last(None, &[])), closed);
    }

    #[test]
    fn lines_of_every_kind_are_read() {
        for (text, want) in [
            (
                r#"{"baton":"b","base_url":null}"#,
                Line::Stream(Some("b".into())),
            ),
            (r#"{"baton":null}"#, Line::Stream(None)),
            (
                r#"{"baton":"b","base_url":"https://elsewhere"}"#,
                Line::Stream(None),
            ),
            (
                r#"{"type":"step_begin","step":0,"cols":[{"name":"a","decltype":null}]}"#,
                Line::Begin(vec!["a".into()]),
            ),
            (
                r#"{"type":"row","row":[{"type":"null"}]}"#,
                Line::Row(Raw::known(r#"[{"type":"null"}]"#)),
            ),
            (r#"{"type":"step_end","affected_row_count":0}"#, Line::End),
            (
                r#"{"type":"step_error","step":1,"error":{"message":"no","code":"X"}}"#,
                Line::Failed("no".into()),
            ),
            (
                r#"{"type":"error","error":{"message":"no","code":"X"}}"#,
                Line::Failed("no".into()),
            ),
            (
                r#"{"type":"replication_index","replication_index":7}"#,
                Line::Other,
            ),
        ] {
            assert_eq!(line(text), Some(want), "{text}");
        }
    }

    #[test]
    fn values_of_every_kind_are_read() {
        for (text, want) in [
            (
                r#"{"type":"integer","value":"9223372036854775807"}"#,
                Value::Integer(i64::MAX),
            ),
            (r#"{"type":"float","value":1}"#, Value::Real(1.0)),
            (
                r#"{"type":"float","value":null}"#,
                Value::Real(f64::INFINITY),
            ),
            (r#"{"type":"text","value":"é\u0000"}"#, Value::text("é\0")),
            (
                r#"{"type":"blob","base64":"AP8"}"#,
                Value::Blob(Cow::Borrowed(&[0, 255])),
            ),
            (r#"{"type":"null"}"#, Value::Null),
        ] {
            assert_eq!(value(Raw::known(text)), Some(want), "{text}");
        }
    }

    #[test]
    fn nonsense_is_none() {
        for text in [
            "",
            "[1]",
            "<html>",
            r#"{"type":"row"}"#,
            r#"{"type":"step_begin","cols":[{}]}"#,
            r#"{"type":"step_error"}"#,
        ] {
            assert_eq!(line(text), None, "{text}");
        }
        for text in [
            r#"{"type":"integer","value":5}"#,
            r#"{"type":"integer","value":"9223372036854775808"}"#,
            r#"{"type":"float","value":"1"}"#,
            r#"{"type":"blob","base64":"A"}"#,
            r#"{"type":"other"}"#,
            "1",
        ] {
            assert_eq!(value(Raw::known(text)), None, "{text}");
        }
        for text in [
            "",
            "[]",
            r#"{"results":[]}"#,
            r#"{"results":[{"type":"ok"}]}"#,
        ] {
            assert!(results(text).next().and_then(table).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_said_without_bound_is_not_kept() {
        let baton = |length: usize| format!(r#"{{"baton":"{}"}}"#, "b".repeat(length));
        assert!(matches!(line(&baton(60)), Some(Line::Stream(Some(_)))));
        assert_eq!(
            line(&baton(limits::BATON_BYTES + 1)),
            Some(Line::Stream(None))
        );
        let begin = |columns: usize, name: &str| {
            let column = json!({ "name": name });
            json!({ "type": "step_begin", "cols": vec![column; columns] }).to_string()
        };
        assert!(line(&begin(limits::RESULT_COLUMNS, "a")).is_some());
        assert_eq!(line(&begin(limits::RESULT_COLUMNS + 1, "a")), None);
        assert_eq!(
            line(&begin(2, &"a".repeat(limits::COLUMN_NAMES_BYTES))),
            None
        );
        let failed = json!({ "type": "error", "error": { "message": "no".repeat(1 << 20) } });
        let failed = failed.to_string();
        let Some(Line::Failed(words)) = line(&failed) else {
            panic!("no error");
        };
        assert_eq!(words.len(), limits::ERROR_MESSAGE_BYTES);
    }

    #[test]
    fn a_problem_is_told_in_three_forms() {
        for text in [
            r#"{"error":"no"}"#,
            r#"{"error":{"message":"no","code":"X"}}"#,
            r#"{"message":"no","code":"STREAM_EXPIRED"}"#,
        ] {
            assert_eq!(problem(Raw::parse(text).unwrap()).as_deref(), Some("no"));
        }
        let failed =
            r#"{"baton":null,"results":[{"type":"error","error":{"message":"no","code":"X"}}]}"#;
        let failed = results(failed).next().and_then(table);
        assert_eq!(failed.unwrap().unwrap_err().message, "no");
    }
}
