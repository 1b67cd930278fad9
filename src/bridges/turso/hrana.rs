//! The text of requests and answers, as Hrana 3 has it in JSON. Knows nothing of sockets.

use std::borrow::Cow;

use crate::bridges::lite::Value;
use crate::json::{Object, Raw, RawKind, object, write_f64, write_object};
use crate::net::base64;

/// A statement and the values of its parameters.
pub(super) type Statement<'a> = (&'a str, &'a [&'a Value<'a>]);

/// The body of a request to `/v3/cursor`: a statement on the open stream with this baton, or on a new one, which begins
/// with a transaction.
pub(super) fn cursor(baton: Option<&str>, statement: Statement<'_>) -> String {
    let before = match baton {
        Some(_) => r#"[{"stmt":"#,
        None => r#"[{"stmt":{"sql":"BEGIN"}},{"condition":{"type":"ok","step":0},"stmt":"#,
    };
    object(|request| {
        with_baton(request, baton).object("batch", |batch| {
            batch.member("steps", |out| {
                out.push_str(before);
                write_statement(out, statement);
                out.push_str("}]");
            });
        });
    })
}

/// The body of a request to `/v3/pipeline`: a statement, or none, after which the stream is closed.
pub(super) fn last(baton: Option<&str>, statement: Option<Statement<'_>>) -> String {
    object(|request| {
        with_baton(request, baton).member("requests", |out| {
            out.push('[');
            if let Some(statement) = statement {
                out.push_str(r#"{"type":"execute","stmt":"#);
                write_statement(out, statement);
                out.push_str("},");
            }
            out.push_str(r#"{"type":"close"}]"#);
        });
    })
}

fn with_baton<'r, 'o>(request: &'r mut Object<'o>, baton: Option<&str>) -> &'r mut Object<'o> {
    match baton {
        Some(baton) => request.string("baton", baton),
        None => request,
    }
}

fn write_statement(out: &mut String, (sql, params): Statement<'_>) {
    write_object(out, |statement| {
        statement
            .string("sql", sql)
            .list("args", params, write_value);
    });
}

/// True for values that Hrana has no form for.
pub(super) fn unfit(value: &Value<'_>) -> bool {
    match value {
        Value::Real(float) => !float.is_finite(),
        Value::Text(bytes) => std::str::from_utf8(bytes).is_err(),
        Value::Null | Value::Integer(_) | Value::Blob(_) => false,
    }
}

fn write_value(out: &mut String, value: &&Value<'_>) {
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
    /// A row.
    Row(Vec<Value<'a>>),
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
        Some("row") => Line::Row(values(row?)?),
        Some("step_begin") => Line::Begin(names(line.member("cols")?)?),
        Some("step_end") => Line::End,
        Some("step_error" | "error") => Line::Failed(problem(line)?),
        Some(_) => Line::Other,
        None => {
            // The protocol lets a server name another place for its stream, which sqld never does. The token goes to no
            // host but the configured one, and so such a stream is not gone on with.
            let [baton, place] = members(line, ["baton", "base_url"]);
            let stays = place.is_none_or(|place| place.kind() == RawKind::Null);
            Line::Stream(baton?.text().filter(|_| stays).map(Cow::into_owned))
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

/// The names of the columns and the rows that a pipeline's statement came to, or why it failed; `None` for what is no
/// such answer.
pub(super) fn result(text: &str) -> Option<Result<(Vec<String>, Raw<'_>), String>> {
    let first = Raw::parse(text)?.member("results")?.elements().next()?;
    if let Some(problem) = problem(first) {
        return Some(Err(problem));
    }
    let [columns, rows] = members(
        first.member("response")?.member("result")?,
        ["cols", "rows"],
    );
    Some(Ok((names(columns?)?, rows?)))
}

/// What is wrong, when that is what an answer says, or a part of one.
pub(super) fn problem(answer: Raw<'_>) -> Option<String> {
    let error = answer.member("error").unwrap_or(answer);
    let message = error.text().or_else(|| error.member("message")?.text())?;
    Some(message.into_owned())
}

fn names(columns: Raw<'_>) -> Option<Vec<String>> {
    let name = |column: Raw<'_>| Some(column.member("name")?.text()?.into_owned());
    columns.elements().map(name).collect()
}

/// The values of a row; `None` where one is none.
pub(super) fn values(row: Raw<'_>) -> Option<Vec<Value<'_>>> {
    row.elements().map(value).collect()
}

fn value(value: Raw<'_>) -> Option<Value<'_>> {
    let [kind, value, bytes] = members(value, ["type", "value", "base64"]);
    Some(match (kind?.text()?.as_ref(), value) {
        ("null", _) => Value::Null,
        ("integer", value) => Value::Integer(value?.text()?.parse().ok()?),
        // JSON has no infinity, and the sign of one does not come.
        ("float", Some(Raw::NULL)) => Value::Real(f64::INFINITY),
        ("float", value) => Value::Real(value?.number()?),
        ("text", value) => Value::Text(match value?.text()? {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }),
        ("blob", _) => Value::Blob(base64::decode_bare(&bytes?.text()?)?.into()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let params: Vec<_> = values.iter().collect();
        let stmt = json!({ "sql": "SELECT ?", "args": [
            { "type": "null" },
            { "type": "integer", "value": "-9223372036854775808" },
            { "type": "float", "value": -0.5 },
            { "type": "text", "value": "a\"b" },
            { "type": "blob", "base64": "AP8=" },
        ] });
        let statement = ("SELECT ?", params.as_slice());
        let gone_on = json!({ "baton": "b", "batch": { "steps": [{ "stmt": stmt }] } });
        assert_eq!(parsed(&cursor(Some("b"), statement)), gone_on);
        let condition = json!({ "type": "ok", "step": 0 });
        let steps =
            json!([{ "stmt": { "sql": "BEGIN" } }, { "condition": condition, "stmt": stmt }]);
        let begun = json!({ "batch": { "steps": steps } });
        assert_eq!(parsed(&cursor(None, statement)), begun);
        let requests = json!([{ "type": "execute", "stmt": stmt }, { "type": "close" }]);
        let counted = json!({ "baton": "b", "requests": requests });
        assert_eq!(parsed(&last(Some("b"), Some(statement))), counted);
        let closed = json!({ "requests": [{ "type": "close" }] });
        assert_eq!(parsed(&last(None, None)), closed);
    }

    #[test]
    fn what_has_no_form_is_known() {
        for value in [
            Value::Real(f64::INFINITY),
            Value::Text(Cow::Borrowed(&[0xff])),
        ] {
            assert!(unfit(&value), "{value:?}");
        }
        for value in [
            Value::Real(1.0),
            Value::text("é"),
            Value::Blob(Cow::Borrowed(&[0xff])),
        ] {
            assert!(!unfit(&value), "{value:?}");
        }
    }

    #[test]
    fn lines_of_every_kind_are_read() {
        let row = r#"{"type":"row","row":[{"type":"integer","value":"9223372036854775807"},{"type":"float","value":1},
            {"type":"float","value":null},{"type":"text","value":"é\u0000"},{"type":"blob","base64":"AP8"},
            {"type":"null"}]}"#;
        let values = vec![
            Value::Integer(i64::MAX),
            Value::Real(1.0),
            Value::Real(f64::INFINITY),
            Value::text("é\0"),
            Value::Blob(Cow::Borrowed(&[0, 255])),
            Value::Null,
        ];
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
            (row, Line::Row(values)),
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
    fn nonsense_is_none() {
        for text in [
            "",
            "[1]",
            "<html>",
            r#"{"type":"row"}"#,
            r#"{"type":"row","row":[{"type":"integer","value":5}]}"#,
            r#"{"type":"row","row":[{"type":"integer","value":"9223372036854775808"}]}"#,
            r#"{"type":"row","row":[{"type":"float","value":"1"}]}"#,
            r#"{"type":"row","row":[{"type":"blob","base64":"A"}]}"#,
            r#"{"type":"row","row":[{"type":"other"}]}"#,
            r#"{"type":"row","row":[1]}"#,
            r#"{"type":"step_begin","cols":[{}]}"#,
            r#"{"type":"step_error"}"#,
        ] {
            assert_eq!(line(text), None, "{text}");
        }
        for text in [
            "",
            "[]",
            r#"{"results":[]}"#,
            r#"{"results":[{"type":"ok"}]}"#,
        ] {
            assert!(result(text).is_none(), "{text}");
        }
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
        assert_eq!(result(failed).unwrap().unwrap_err(), "no");
    }
}
