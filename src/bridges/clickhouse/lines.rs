//! The body of an answer: one JSON object a line, or the words of an exception where the lines break off. Status 200
//! has gone out by then, so that the end of the body is the only sign that it is whole.

use std::borrow::Cow;
use std::io::Read;

use serde::de::IgnoredAny;

use super::error::{Exception, Failure};
use crate::bridges::service::{next_line, text_of};
use crate::error::JobError;
use crate::job::JobControl;
use crate::limits;
use crate::net::http::{Answer, HttpError};

/// Hands over the lines of an answer one by one, each a JSON object.
pub(super) fn read_lines<S: Read>(
    answer: &mut Answer<'_, S>,
    job: &JobControl,
    each: &mut dyn FnMut(&str) -> Result<(), JobError>,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    while next_line(answer, job, &mut line)?? {
        if !line.starts_with(b"{") {
            return broken_off(answer, line);
        }
        let text = text_of(&line, job)?;
        if !is_json(&text) {
            drop(text);
            return broken_off(answer, line);
        }
        each(&text)?;
    }
    Ok(())
}

/// A line as the text of a JSON object, for whoever has no job. What is not UTF-8 in the strings of such a line comes from
/// columns that hold other bytes.
pub(super) fn object(line: &[u8]) -> Option<Cow<'_, str>> {
    let text = String::from_utf8_lossy(line);
    (text.starts_with('{') && is_json(&text)).then_some(text)
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Whatever a table holds is inside of strings of whole lines: an exception beyond them is the server's.
fn broken_off<S: Read>(answer: &mut Answer<'_, S>, mut text: Vec<u8>) -> Result<(), Failure> {
    // Behind the beginning of a long row it is the end that counts.
    text.drain(..text.len().saturating_sub(limits::EXCEPTION_BYTES / 2));
    text.shrink_to_fit();
    let mut line = Vec::new();
    let ended = loop {
        match answer.line(&mut line, limits::EXCEPTION_BYTES) {
            Ok(true) if text.len() < limits::EXCEPTION_BYTES => {
                text.push(b'\n');
                text.extend_from_slice(&line);
            }
            Ok(true) => {}
            Ok(false) => break None,
            // Behind its exception the server may hang up in the middle of the body.
            Err(error) => break Some(error),
        }
    };
    let text = String::from_utf8_lossy(&text);
    if let Some(exception) = Exception::find(&text) {
        return Err(Failure::Exception(exception));
    }
    match ended {
        Some(error @ HttpError::Body { .. }) => Err(error.into()),
        Some(_) | None if text.trim().is_empty() => Ok(()),
        Some(_) | None => Err(Failure::nonsense("a line is no JSON object")),
    }
}
