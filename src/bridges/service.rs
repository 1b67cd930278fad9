//! A service that takes questions as JSON, by POST: one connection of HTTP after the other, with a token.

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;
use std::time::Instant;

use url::Url;

use crate::bridges::config::unusable;
use crate::bridges::places::Place;
use crate::bridges::pool::Connector;
use crate::error::{ErrorCode, JobError, Retry};
use crate::job::{JobControl, StopGuard};
use crate::json::Raw;
use crate::limits;
use crate::net::Peer;
use crate::net::http::{Answer, Client, HttpError, Method, Request, bearer, peer_of};
use crate::text::{clipped, printable};

/// Most characters of an answer that are quoted when it is not what was expected.
const QUOTED: usize = 200;

/// Makes what the jobs of a source ask with. Nothing is connected until something is asked.
pub(super) struct Services {
    pub(super) peer: Peer,
    /// The path below which the service is, without a slash at its end.
    pub(super) root: String,
    /// Those of every request.
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Services {
    /// Those below a URL of HTTP, which stands under this key.
    ///
    /// # Errors
    /// `SOURCE_CONFIG`, without a value.
    pub fn below(key: &str, url: &str) -> Result<Self, JobError> {
        let url = Url::parse(url)
            .map_err(|error| unusable(format!("\"{key}\" is not a URL: {error}")))?;
        let peer = peer_of(&url).map_err(|problem| unusable(format!("\"{key}\": {problem}")))?;
        Ok(Self {
            peer,
            root: url.path().trim_end_matches('/').to_owned(),
            headers: vec![("Content-Type", "application/json".to_owned())],
        })
    }

    /// Adds a token, which stands under this key.
    ///
    /// # Errors
    /// `SOURCE_CONFIG`, without a value.
    pub fn with_token(self, key: &str, token: &str) -> Result<Self, JobError> {
        match token.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(self.with_header("Authorization", bearer(token))),
            false => Err(unusable(format!(
                "\"{key}\" holds characters that no token has"
            ))),
        }
    }

    /// Adds a header.
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Connector for Services {
    type Connection = Service;

    fn connect(&self, _: &Arc<JobControl>, _: &Place) -> Result<Service, JobError> {
        Ok(Service {
            client: Client::new(self.peer.clone(), limits::SOURCE_CONNECT),
            root: self.root.clone(),
            headers: self.headers.clone(),
            until: Instant::now(),
        })
    }

    /// False when it was cut.
    fn reusable(&self, service: &mut Service) -> bool {
        !service.client.cutter().is_cut()
    }
}

/// What one job after the other asks with.
pub(super) struct Service {
    client: Client,
    root: String,
    headers: Vec<(&'static str, String)>,
    until: Instant,
}

impl Service {
    /// From now on this job asks, and until the guard is dropped its end cuts the connection. What a question came to then
    /// says so by its code, and the pool looks why.
    pub fn begin<'j>(&mut self, job: &'j JobControl) -> Result<StopGuard<'j>, JobError> {
        let cutter = self.client.cutter();
        let guard = job.stop_with(move || cutter.cut())?;
        self.until = job.deadline();
        Ok(guard)
    }

    /// True when the connection is, or will be, encrypted.
    pub fn encrypted(&self) -> bool {
        self.client.encrypted()
    }

    /// Asks for something that may be asked for twice, at a path below the service's.
    pub fn post(&mut self, path: &str, body: &str) -> Result<Answer<'_>, HttpError> {
        let headers = self.headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let request = Request {
            method: Method::Post,
            path: &format!("{}{path}", self.root),
            headers: &headers,
            body: body.as_bytes(),
            repeatable: true,
        };
        self.client.send(&request, self.until)
    }

    /// As [`Service::post`]. `read` gets an answer of status 200; of any other `refusal` makes the error, from the
    /// status and what comes of the text. A service that is busy is asked once more, after the pause that it wants if the
    /// job has the time.
    pub fn ask<T>(
        &mut self,
        job: &JobControl,
        (path, body): (&str, &str),
        refusal: impl Fn(u16, &str) -> JobError,
        read: impl FnOnce(Answer<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let mut patient = true;
        loop {
            let mut answer = self.post(path, body).map_err(unanswered)?;
            let status = answer.status();
            if status == 200 {
                return read(answer);
            }
            let pause = answer.retry_after().unwrap_or(limits::BUSY_PAUSE);
            let text = answer.beginning(limits::EXCEPTION_BYTES);
            drop(answer);
            let error = refusal(status, &String::from_utf8_lossy(&text));
            let busy = matches!(status, 429 | 500..) && error.code == ErrorCode::SourceUnreachable;
            if !(patient && busy && pause < job.remaining()?) {
                return Err(error);
            }
            patient = false;
            log::debug!("HTTP {status}: asked again after {pause:?}");
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

/// A line as text, of which no more comes than may be received of a row. What is not UTF-8 is replaced as every decoder of
/// JavaScript and this language replaces it, by up to three times as much.
pub(super) fn text_of<'l>(line: &'l [u8], job: &JobControl) -> Result<Cow<'l, str>, JobError> {
    if let Ok(text) = std::str::from_utf8(line) {
        return Ok(Cow::Borrowed(text));
    }
    let replaced = line.utf8_chunks().map(|chunk| match chunk.invalid() {
        [] => chunk.valid().len(),
        _ => chunk.valid().len() + char::REPLACEMENT_CHARACTER.len_utf8(),
    });
    match replaced.sum::<usize>() <= job.large_rows().most_received() {
        true => Ok(String::from_utf8_lossy(line)),
        false => Err(job.large_rows().too_large()),
    }
}

/// The rest of an answer, as [`Answer::whole`] reads it. Long ones take turns: what is made of them may be as long again.
pub(super) fn whole<S: Read>(
    answer: &mut Answer<'_, S>,
    job: &JobControl,
    most: usize,
) -> Result<Result<Vec<u8>, HttpError>, JobError> {
    let mut body = Vec::new();
    let begun = answer.append(&mut body, limits::LARGE_ROW.min(most));
    let read = match begun {
        Ok(false) if most > limits::LARGE_ROW => {
            job.receive_large()?;
            answer.append(&mut body, most)
        }
        begun => begun,
    };
    Ok(read.and_then(|whole| match whole {
        true => Ok(body),
        false => Err(HttpError::TooLarge { limit: most }),
    }))
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

/// How errors call a service: what it is, and what its address is called.
pub(super) type Called = (&'static str, &'static str);

/// The error of an answer with this status instead of what was asked for.
pub(super) fn refused(status: u16, problem: &str, (service, address): Called) -> JobError {
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

/// The error of an answer that is not what was asked for. What of it came is shown to nobody: it may be anything.
pub(super) fn not_understood(called: Called) -> JobError {
    refused(200, "its answer is not understood", called)
}

/// The words in which a service says what is wrong, if they are a text, as far as anybody is told them.
pub(super) fn message(words: Raw<'_>) -> Option<String> {
    let words = words.text()?;
    Some(clipped(&words, limits::ERROR_MESSAGE_BYTES).to_owned())
}

/// The beginning of an answer that says nothing in the service's own words.
pub(super) fn quoted(text: &str) -> String {
    printable(text.chars().take(QUOTED))
}
