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

/// The code of a stream that was left alone for too long.
const EXPIRED: &str = "STREAM_EXPIRED";

/// What one job asks on.
pub(super) struct Stream<'s> {
    service: &'s mut Service,
    settings: &'s Settings,
    known: &'s Known,
    job: &'s JobControl,
    /// By what the stream is gone on with; `None` when none is open.
    baton: Option<String>,
}

impl<'s> Stream<'s> {
    pub(super) fn new(
        service: &'s mut Service,
        settings: &'s Settings,
        known: &'s Known,
        job: &'s JobControl,
    ) -> Self {
        Self {
            service,
            settings,
            known,
            job,
            baton: None,
        }
    }

    /// Closes what is open: the server would keep its transaction for ten seconds. Where the connection is lost,
    /// that is all there is to be done.
    pub(super) fn close(&mut self, error: Option<&JobError>) {
        let Some(baton) = self.baton.take() else {
            return;
        };
        if self.job.is_aborted() || error.is_some_and(|error| error.retry == Retry::NewConnection) {
            return;
        }
        let path = self.path("pipeline");
        let closed = self.service.post(&path, &hrana::last(Some(&baton), None));
        let closed = closed.and_then(|mut answer| answer.whole(limits::EXCEPTION_BYTES));
        if let Err(error) = closed {
            log::debug!("a stream was not closed: {error}");
        }
    }

    fn path(&self, end: &str) -> String {
        format!("{}v3/{end}", self.settings.path)
    }

    /// The whole answer to a statement after which the stream is closed, and its status.
    fn last(
        &mut self,
        baton: Option<&str>,
        statement: hrana::Statement<'_>,
    ) -> Result<(u16, String), JobError> {
        let (path, body) = (self.path("pipeline"), hrana::last(baton, Some(statement)));
        let request = (path.as_str(), body.as_str());
        self.service.ask(self.job, request, is_busy, |mut answer| {
            Ok((answer.status(), whole(&mut answer, limits::HRANA_ANSWER)?))
        })
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
        let baton = self.baton.take();
        let steps = if baton.is_some() { 1 } else { 2 };
        let body = hrana::cursor(baton.as_deref(), (&sql, &params));
        let path = self.path("cursor");
        let (job, baton) = (self.job, &mut self.baton);
        self.service.ask(job, (&path, &body), is_busy, |answer| {
            read_lines(answer, job, steps, baton, each)
        })
    }

    fn lookup(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut EachCells<'_>,
    ) -> Result<(), JobError> {
        log::trace!("{sql}");
        let (sql, params) = spelled_out(sql, params, hrana::unfit);
        let statement = (sql.as_ref(), params.as_slice());
        let baton = self.baton.take();
        let (mut status, mut text) = self.last(baton.as_deref(), statement)?;
        if baton.is_some() && status == 400 && text.contains(EXPIRED) {
            // The gateway took its time for the rows: better a number of another moment than none.
            (status, text) = self.last(None, statement)?;
        }
        let result = hrana::result(&text).filter(|_| status == 200);
        let result = result.ok_or_else(|| refusal(status, &text))?;
        let (names, rows) = result.map_err(failed)?;
        for row in rows.elements() {
            let values = hrana::values(row).ok_or_else(|| refusal(status, &text))?;
            let names = &names;
            if each(&Record { names, values })?.is_break() {
                break;
            }
        }
        Ok(())
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

/// True when a status says that the server, or what stands before it, is too busy just now.
fn is_busy(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
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
