//! What comes back: one JSON document, of which rows are handed over as they come in.

use std::io::{BufRead, ErrorKind};

use crate::bridges::lite::{self, EachRow, Value};
use crate::bridges::service::{Called, message, not_understood, unanswered};
use crate::error::JobError;
use crate::job::JobControl;
use crate::json::{Raw, RawKind, Stream};
use crate::limits;
use crate::net::http::HttpError;

/// How errors call the service.
pub(super) const CALLED: Called = ("the REST interface of D1", "");

/// Hands over the rows of an answer to so many statements. It is whole with its end and with the word that all went
/// well.
pub(super) fn read_rows(
    source: &mut dyn BufRead,
    job: &JobControl,
    statements: usize,
    each: &mut EachRow<'_>,
) -> Result<(), JobError> {
    let mut stream = Stream {
        source,
        failed: |source| match source.kind() {
            ErrorKind::InvalidData => not_understood(CALLED),
            _ => unanswered(HttpError::Body { source }),
        },
        may_grow: &|length| match length {
            0..limits::LARGE_ROW => Ok(()),
            _ if length > job.large_rows().most_received() => Err(job.large_rows().too_large()),
            _ => job.receive_large(),
        },
    };
    let (mut good, mut failed, mut results) = (false, false, 0);
    let mut problem = None;
    stream.each_member(&mut |stream, name| {
        match name {
            "result" if stream.peek()? == Some(b'[') => stream.each_element(&mut |stream| {
                failed |= !read_result(stream, results, each)?;
                results += 1;
                Ok(())
            })?,
            "success" => good = stream.value()? == "true",
            "errors" => problem = first_error(&stream.value()?),
            _ => drop(stream.value()?),
        }
        Ok(())
    })?;
    if !good || failed {
        let problem = problem.unwrap_or_else(|| "D1 query failed".to_owned());
        return Err(JobError::query_failed(problem));
    }
    match stream.peek()?.is_none() && results == statements {
        true => Ok(()),
        false => Err(not_understood(CALLED)),
    }
}

/// Hands over the rows of one statement; false when it failed.
fn read_result(
    stream: &mut Stream<'_>,
    place: usize,
    each: &mut EachRow<'_>,
) -> Result<bool, JobError> {
    let mut good = true;
    let mut names = Vec::new();
    stream.each_member(&mut |stream, name| {
        match name {
            "results" => stream.each_member(&mut |stream, name| {
                match name {
                    "columns" => {
                        let columns = stream.value()?;
                        let columns = Raw::known(&columns).elements();
                        names = lite::names(columns.map(|name| Some(name.js_string())))
                            .ok_or_else(|| not_understood(CALLED))?;
                    }
                    "rows" => stream.each_element(&mut |stream| {
                        let row = stream.value()?;
                        each(place, &names, Raw::known(&row))
                    })?,
                    _ => drop(stream.value()?),
                }
                Ok(())
            })?,
            "success" => good = stream.value()? != "false",
            _ => drop(stream.value()?),
        }
        Ok(())
    })?;
    Ok(good)
}

/// What is wrong, as an answer that is nothing but a refusal says it.
pub(super) fn refusal(text: &str) -> Option<String> {
    first_error(Raw::parse(text)?.member("errors")?.as_str())
}

fn first_error(errors: &str) -> Option<String> {
    let error = Raw::known(errors).elements().next()?;
    let problem = message(error.member("message")?)?;
    Some(match error.member("code").and_then(Raw::number) {
        Some(code) => format!("{problem} (error {code})"),
        None => problem,
    })
}

/// A value of a row; `None` for what is none.
pub(super) fn value(value: Raw<'_>) -> Option<Value<'_>> {
    Some(match value.kind() {
        RawKind::Null => Value::Null,
        RawKind::Bool(truth) => Value::Integer(truth.into()),
        RawKind::Number => match value.as_str().parse() {
            Ok(whole) => Value::Integer(whole),
            Err(_) => Value::Real(value.js_number()),
        },
        RawKind::Text => Value::of_text(value.text()?),
        RawKind::List => {
            let bytes = value.elements().map(|byte| byte.as_str().parse().ok());
            Value::Blob(bytes.collect::<Option<Vec<_>>>()?.into())
        }
        RawKind::Object => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;
    use std::time::{Duration, Instant};

    fn rows(text: &str, statements: usize) -> Result<Vec<String>, JobError> {
        let job = JobControl::new("j", Instant::now() + Duration::from_secs(60));
        let mut found = Vec::new();
        read_rows(
            &mut text.as_bytes(),
            &job,
            statements,
            &mut |place, names, row| {
                found.push(format!("{place} {} {}", names.join(","), row.as_str()));
                Ok(())
            },
        )?;
        Ok(found)
    }

    const ONE: &str = r#"{"meta":{"x":[1]},"results":{"columns":["a","a"],"rows":[[1,"]"],[null,[0,255]]]},"success":true}"#;

    fn answer(result: &str) -> String {
        format!(r#"{{"result":{result},"success":true,"errors":[],"messages":[]}}"#)
    }

    #[test]
    fn rows_are_those_of_their_statements() {
        let text = answer(&format!("[{ONE},{ONE}]"));
        assert_eq!(
            rows(&text, 2).unwrap(),
            [
                r#"0 a,a [1,"]"]"#,
                "0 a,a [null,[0,255]]",
                r#"1 a,a [1,"]"]"#,
                "1 a,a [null,[0,255]]"
            ]
        );
        assert!(rows(&answer("[]"), 0).unwrap().is_empty());
    }

    #[test]
    fn an_answer_is_whole_or_it_is_an_error() {
        let text = answer(&format!("[{ONE}]"));
        for end in 0..text.len() {
            assert!(rows(&text[..end], 1).is_err(), "{}", &text[..end]);
        }
        for (text, problem) in [
            (answer(&format!("[{ONE}]")) + "x", "not understood"),
            (answer("[]"), "not understood"),
            (answer("null"), "not understood"),
            ("<html>".to_owned(), "not understood"),
            (answer(&format!("[{}]", ONE.replace("true", "false"))), "D1 query failed"),
            (
                r#"{"result":[],"success":false,"errors":[{"code":7500,"message":"no such table: x"}]}"#.to_owned(),
                "no such table: x (error 7500)",
            ),
        ] {
            let error = rows(&text, 1).unwrap_err();
            assert!(error.message.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn refusals_say_why() {
        let text = r#"{"errors":[{"message":"Authentication error","code":10000},{"message":"b"}],"success":false}"#;
        assert_eq!(refusal(text).unwrap(), "Authentication error (error 10000)");
        for text in [
            "",
            "<html>",
            "{}",
            r#"{"errors":[]}"#,
            r#"{"errors":[{"message":5}]}"#,
        ] {
            assert_eq!(refusal(text), None, "{text}");
        }
    }

    #[test]
    fn values_have_the_class_that_they_come_with() {
        for (text, want) in [
            ("1", Value::Integer(1)),
            ("1.5", Value::Real(1.5)),
            ("9223372036854776000", Value::Real(9223372036854775807.0)),
            (r#""x\u0000""#, Value::text("x\0")),
            ("null", Value::Null),
            ("[0,255]", Value::Blob(Cow::Borrowed(&[0, 255]))),
            ("true", Value::Integer(1)),
        ] {
            assert_eq!(value(Raw::known(text)), Some(want), "{text}");
        }
        for text in ["[256]", "{}"] {
            assert_eq!(value(Raw::known(text)), None, "{text}");
        }
    }
}
