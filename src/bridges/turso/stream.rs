//! The statements of one job. Rows come line by line, from a cursor in a transaction on a stream of the server; what is
//! looked up after them is looked up on the same stream, so that both are of one moment. Everything else is a request of
//! its own. The server keeps no session read-only, so nothing but SELECT is ever sent.

use super::hrana::{self, Line};
use crate::bridges::lite::{Asking, EachRow};
use crate::bridges::service::{next_line, text_of, unanswered, whole};
use crate::error::JobError;
use crate::limits;
use crate::net::http::HttpError;

/// Hands over the rows of the last request on a stream, or of one without a stream.
pub(super) fn look_up(
    asking: &mut Asking<'_>,
    statements: &[&str],
    each: &mut EachRow<'_>,
) -> Result<(), JobError> {
    let mut stream = asking.stream.take();
    loop {
        let body = hrana::last(stream.as_deref(), statements);
        let request = ("/v3/pipeline", body.as_str());
        let mut begun = false;
        let asked = asking
            .service
            .ask(asking.job, request, hrana::refusal, |mut answer| {
                let text = whole(&mut answer, asking.job, limits::HRANA_ANSWER)?;
                let text = text.map_err(unanswered)?;
                let text = text_of(&text, asking.job)?;
                let mut results = hrana::results(&text);
                for place in 0..statements.len() {
                    let result = results.next().and_then(hrana::table);
                    let (names, rows) = result.ok_or_else(|| hrana::refusal(200, &text))??;
                    for row in rows.elements() {
                        begun = true;
                        each(place, &names, row)?;
                    }
                }
                Ok(())
            });
        // The stream was left alone for too long, because the gateway took its time for the rows: better a number of
        // another moment than none.
        let lost = asked.is_err() && stream.take().is_some() && !begun;
        if !lost || statements.is_empty() {
            return asked;
        }
    }
}

/// Hands over rows as they come, and leaves the stream open.
pub(super) fn read(
    asking: &mut Asking<'_>,
    statements: &[&str],
    each: &mut EachRow<'_>,
) -> Result<(), JobError> {
    let (stream, job) = (&mut asking.stream, asking.job);
    let own = usize::from(stream.is_none());
    let body = hrana::cursor(stream.take().as_deref(), statements);
    let request = ("/v3/cursor", body.as_str());
    asking
        .service
        .ask(job, request, hrana::refusal, |mut answer| {
            let (mut line, mut names, mut ended, mut problem) = (Vec::new(), Vec::new(), 0, None);
            while next_line(&mut answer, job, &mut line)?.map_err(broken_off)? {
                let text = text_of(&line, job)?;
                match hrana::line(&text).ok_or_else(|| hrana::refusal(200, &text))? {
                    Line::Stream(open) => *stream = open,
                    Line::Begin(columns) => names = columns,
                    Line::Row(row) => each(usize::saturating_sub(ended, own), &names, row)?,
                    Line::End => ended += 1,
                    Line::Failed(failed) => problem = problem.or(Some(failed)),
                    Line::Other => {}
                }
            }
            match problem {
                Some(problem) => Err(JobError::query_failed(problem)),
                None if ended < own + statements.len() => Err(JobError::unreachable(
                    "the server's answer ended before its rows did",
                )),
                None => Ok(()),
            }
        })
}

/// Closes what is open: the server would keep its transaction for ten seconds.
pub(super) fn close(asking: &mut Asking<'_>) {
    if asking.stream.is_some()
        && let Err(error) = look_up(asking, &[], &mut |_, _, _| Ok(()))
    {
        log::debug!("a stream was not closed: {error}");
    }
}

/// The server says nothing more than that where it meets such a text.
fn broken_off(error: HttpError) -> JobError {
    let mut error = unanswered(error);
    error
        .message
        .push_str(" (a server of Turso breaks off where a text is not UTF-8)");
    error
}
