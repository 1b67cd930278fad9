//! A service that takes questions as JSON, by POST: one connection of HTTP after the other, with a token.

use std::io::Read;
use std::time::Instant;

use crate::error::{ErrorCode, JobError, Retry};
use crate::job::{JobControl, StopGuard};
use crate::limits;
use crate::net::Peer;
use crate::net::http::{Answer, Client, HttpError, Method, Request, bearer};
use crate::text::printable;

/// Most characters of an answer that are quoted when it is not what was expected.
const QUOTED: usize = 200;

/// What one job after the other asks with.
pub(super) struct Service {
    client: Client,
    headers: Vec<(&'static str, String)>,
    until: Instant,
}

impl Service {
    /// A service that nobody has asked yet. Every request has the token, if there is one.
    pub fn new(peer: Peer, token: Option<&str>) -> Self {
        let mut headers = vec![("Content-Type", "application/json".to_owned())];
        if let Some(token) = token {
            headers.push(("Authorization", bearer(token)));
        }
        Self {
            client: Client::new(peer, limits::SOURCE_CONNECT),
            headers,
            until: Instant::now(),
        }
    }

    /// Adds a header to every request.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// From now on this job asks, and until the guard is dropped its end cuts the connection. What a question came to then
    /// says so by its code, and the pool looks why.
    pub fn begin<'j>(&mut self, job: &'j JobControl) -> Result<StopGuard<'j>, JobError> {
        let cutter = self.client.cutter();
        let guard = job.stop_with(move || cutter.cut())?;
        self.until = job.deadline();
        Ok(guard)
    }

    /// False when it was cut.
    pub fn reusable(&self) -> bool {
        !self.client.cutter().is_cut()
    }

    /// True when the connection is, or will be, encrypted.
    pub fn encrypted(&self) -> bool {
        self.client.encrypted()
    }

    /// Asks for something that may be asked for twice.
    pub fn post(&mut self, path: &str, body: &str) -> Result<Answer<'_>, HttpError> {
        let headers = self.headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let request = Request {
            method: Method::Post,
            path,
            headers: &headers,
            body: body.as_bytes(),
            repeatable: true,
        };
        self.client.send(&request, self.until)
    }

    /// As [`Service::post`], and once more when the first answer's status is `busy`, after the pause that the answer
    /// wants if the job has the time. `read` gets the answer, whatever its status is.
    pub fn ask<T>(
        &mut self,
        job: &JobControl,
        (path, body): (&str, &str),
        busy: impl Fn(u16) -> bool,
        read: impl FnOnce(Answer<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let mut patient = true;
        loop {
            let answer = self.post(path, body).map_err(unanswered)?;
            let pause = answer.retry_after().unwrap_or(limits::BUSY_PAUSE);
            if !(patient && busy(answer.status()) && pause < job.remaining()?) {
                return read(answer);
            }
            patient = false;
            log::debug!("HTTP {}: asked again after {pause:?}", answer.status());
            drop(answer);
            // Disconnected by the job's end.
            let _ = job.aborted().recv_timeout(pause);
            job.check()?;
        }
    }
}

/// Puts the next line of an answer into `line`, as [`Answer::line`] does. Large ones take turns as they come in.
pub(super) fn next_line<S: Read>(
    answer: &mut Answer<'_, S>,
    job: &JobControl,
    line: &mut Vec<u8>,
) -> Result<Result<bool, HttpError>, JobError> {
    match answer.line(line, limits::LARGE_ROW) {
        Err(HttpError::TooLarge { .. }) => {}
        other => return Ok(other),
    }
    job.receive_large()?;
    match answer.rest_of_line(line, job.large_rows().most_received()) {
        Err(HttpError::TooLarge { .. }) => Err(job.large_rows().too_large()),
        other => Ok(other),
    }
}

/// A question without an answer, or without a whole one. Of a connection that broke a new one may know more.
pub(super) fn unanswered(error: HttpError) -> JobError {
    let again = error.retryable() && !matches!(error, HttpError::Dial(_));
    let lost = !matches!(error, HttpError::Request(_) | HttpError::TooLarge { .. });
    let error = JobError::from(error);
    let code = if lost && error.code == ErrorCode::QueryFailed {
        ErrorCode::SourceUnreachable
    } else {
        error.code
    };
    let error = JobError::new(code, error.message);
    match again {
        true => error.with(Retry::NewConnection),
        false => error,
    }
}

/// The error of an answer with this status instead of what was asked for. `what` it should have been: a service, and
/// what its address is called.
pub(super) fn refused(status: u16, problem: &str, (service, address): (&str, &str)) -> JobError {
    let (code, message) = match status {
        401 | 403 => (ErrorCode::SourceAuthFailed, problem.to_owned()),
        400 => (ErrorCode::QueryFailed, problem.to_owned()),
        429 | 500..=599 => (
            ErrorCode::SourceUnreachable,
            format!("HTTP {status}: {problem}"),
        ),
        200..=299 => (
            ErrorCode::SourceUnreachable,
            format!("what answers is not {service}: {problem}"),
        ),
        _ => (
            ErrorCode::SourceUnreachable,
            format!("HTTP {status} instead of an answer; is \"url\" {address}? {problem}"),
        ),
    };
    JobError::new(code, message)
}

/// The beginning of an answer that says nothing in the service's own words.
pub(super) fn quoted(text: &str) -> String {
    printable(text.chars().take(QUOTED))
}
