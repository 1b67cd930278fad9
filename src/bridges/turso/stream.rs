//! The statements of one job. Rows come line by line, from a cursor in a transaction on a stream of the server; what is
//! counted after them is counted on the same stream, so that both are of one moment. Everything else is a request of
//! its own. The server keeps no session read-only, so nothing but SELECT is ever sent.

use std::ops::ControlFlow;

use super::config::Settings;
use super::hrana::{self, Line};
use crate::bridges::lite::{Database, EachCells, Known, Record, SqliteDialect, Value, spelled_out};
use crate::bridges::service::{Service, next_line, quoted, refused, unanswered};
use crate::error::{ErrorCode, JobError, Retry};
use crate::job::{JobControl, KeptBy, Privileges, ServerFacts};
use crate::json::Raw;
use crate::limits;
use crate::net::http::{Answer, HttpError};
use crate::sql::Dialect;

/// The language of a server that is built on SQLite 3.45.
static DIALECT: SqliteDialect = SqliteDialect { weeks: false };

/// What one job asks on.
pub(super) struct Stream<'s> {
    pub(super) service: &'s mut Service,
    pub(super) settings: &'s Settings,
    pub(super) known: &'s Known,
    pub(super) job: &'s JobControl,
    /// By what the stream is gone on with; `None` when none is open.
    pub(super) baton: Option<String>,
}

impl Stream<'_> {
    fn ask<T>(
        &mut self,
        end: &str,
        body: &str,
        read: impl FnOnce(Answer<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let path = format!("{}v3/{end}", self.settings.path);
        let busy = |status| matches!(status, 429 | 502..=504);
        self.service.ask(self.job, (&path, body), busy, read)
    }

    /// Closes what is open: the server would keep its transaction for ten seconds. Where the connection is lost,
    /// that is all there is to be done.
    pub(super) fn close(&mut self, error: Option<&JobError>) {
        let lost = error.is_some_and(|error| error.retry == Retry::NewConnection);
        let Some(baton) = self.baton.take().filter(|_| !lost) else {
            return;
        };
        let closed = self.ask(
            "pipeline",
            &hrana::last(Some(&baton), None),
            |mut answer| whole(&mut answer, limits::EXCEPTION_BYTES),
        );
        if let Err(error) = closed {
            log::debug!("a stream was not closed: {error}");
        }
    }
}

impl Database for Stream<'_> {
    fn dialect(&self) -> &'static dyn Dialect {
        &DIALECT
    }

    fn known(&self) -> Option<&Known> {
        Some(self.known)
    }

    fn tells_numbers(&self) -> bool {
        false
    }

    fn query(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut EachCells<'_>,
    ) -> Result<(), JobError> {
        log::trace!("{sql}");
        let (sql, params) = spelled_out(sql, params, hrana::unfit);
        let mut baton = self.baton.take();
        let steps = if baton.is_some() { 1 } else { 2 };
        let body = hrana::cursor(baton.as_deref(), (&sql, &params));
        let job = self.job;
        let read = self.ask("cursor", &body, |answer| {
            read_lines(answer, job, steps, &mut baton, each)
        });
        self.baton = baton;
        read
    }

    fn lookup(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut EachCells<'_>,
    ) -> Result<(), JobError> {
        log::trace!("{sql}");
        let (sql, params) = spelled_out(sql, params, hrana::unfit);
        let mut baton = self.baton.take();
        loop {
            let body = hrana::last(baton.as_deref(), Some((&sql, &params)));
            let (status, text) = self.ask("pipeline", &body, |mut answer| {
                let text = whole(&mut answer, limits::HRANA_ANSWER)?;
                Ok((answer.status(), text))
            })?;
            let (names, rows) = match hrana::result(&text).filter(|_| status == 200) {
                Some(Ok(found)) => found,
                // The stream was left alone for too long, because the gateway took its time for the rows: better a
                // number of another moment than none.
                _ if baton.take().is_some() => continue,
                Some(Err(problem)) => return Err(failed(problem)),
                None => return Err(refusal(status, &text)),
            };
            for row in rows.elements() {
                let values = hrana::values(row).ok_or_else(|| refusal(status, &text))?;
                let names = &names;
                if each(&Record { names, values })?.is_break() {
                    break;
                }
            }
            return Ok(());
        }
    }

    fn server(&mut self) -> Result<ServerFacts, JobError> {
        let mut version = String::new();
        self.lookup("SELECT sqlite_version()", &[], &mut |row| {
            version = row.text(0)?.unwrap_or_default();
            Ok(ControlFlow::Break(()))
        })?;
        Ok(ServerFacts {
            version: format!("libSQL, SQLite {version}"),
            tls: self.service.encrypted(),
            read_only: self.settings.read_only,
            kept_by: KeptBy::Role,
        })
    }

    fn privileges(&mut self) -> Result<Privileges, JobError> {
        let mut privileges = Privileges {
            role: "the token".to_owned(),
            ..Privileges::default()
        };
        if !self.settings.read_only {
            let may = "write: Turso keeps no session read-only, so give it a token that only reads \
                       (turso db tokens create NAME --read-only)";
            privileges.beyond_reading.push(may.to_owned());
        }
        Ok(privileges)
    }
}

/// Reads the answer to a cursor of so many steps to its end, and hands over the rows of the last one.
fn read_lines(
    mut answer: Answer<'_>,
    job: &JobControl,
    steps: usize,
    baton: &mut Option<String>,
    each: &mut EachCells<'_>,
) -> Result<(), JobError> {
    let status = answer.status();
    if status != 200 {
        let text = whole(&mut answer, limits::EXCEPTION_BYTES)?;
        return Err(refusal(status, &text));
    }
    let (mut line, mut names, mut ended, mut problem) = (Vec::new(), Vec::new(), 0, None);
    while next_line(&mut answer, job, &mut line)?.map_err(broken_off)? {
        let text = String::from_utf8_lossy(&line);
        match hrana::line(&text).ok_or_else(|| refusal(status, &text))? {
            Line::Stream(open) => *baton = open,
            Line::Begin(columns) => names = columns,
            Line::Row(values) => {
                let names = &names;
                if each(&Record { names, values })?.is_break() {
                    return Ok(());
                }
            }
            Line::End => ended += 1,
            Line::Failed(failed) => problem = problem.or(Some(failed)),
            Line::Other => {}
        }
    }
    match problem {
        Some(problem) => Err(failed(problem)),
        None if ended < steps => Err(JobError::new(
            ErrorCode::SourceUnreachable,
            "the server's answer ended before its rows did",
        )),
        None => Ok(()),
    }
}

fn whole(answer: &mut Answer<'_>, most: usize) -> Result<String, JobError> {
    let body = answer.whole(most).map_err(unanswered)?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// The error of a statement that failed.
fn failed(problem: String) -> JobError {
    JobError::new(ErrorCode::QueryFailed, problem)
}

/// The error of an answer that has this status, or is not what was asked for.
fn refusal(status: u16, text: &str) -> JobError {
    let problem = Raw::parse(text).and_then(hrana::problem);
    match problem {
        // A statement that does not parse, or a text that is not UTF-8.
        Some(problem) if status == 500 => failed(problem),
        problem => {
            let problem = problem.unwrap_or_else(|| quoted(text));
            let service = ("a server of Hrana 3", "that of a Turso database");
            refused(status, &problem, service)
        }
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
