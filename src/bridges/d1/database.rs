//! The statements of one job.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use super::D1;
use super::answer::{D1Row, EachRow, nonsense, read_rows, refusal};
use super::statement::compose;
use crate::bridges::lite::{Database, EachCells, NarrowDialect, Value, bind};
use crate::bridges::service::{Service, quoted, refused, unanswered};
use crate::error::{ErrorCode, JobError, Retry};
use crate::job::{JobControl, KeptBy, Privileges, ServerFacts};
use crate::limits;
use crate::sql::{Dialect, Statement};

/// The database during one job.
pub(super) struct D1Database<'s> {
    source: &'s D1,
    service: &'s mut Service,
    job: &'s JobControl,
    /// What was used of the catalog as it was a while ago, by statement: to be looked at again along with the next.
    used: Vec<(String, Arc<Rows>)>,
    /// The statement that most likely follows the next.
    announced: Option<String>,
    /// What it came to.
    ahead: Option<(String, Rows)>,
}

/// The few rows of a statement.
#[derive(Default, Clone, PartialEq, Eq)]
pub(super) struct Rows {
    names: Vec<String>,
    texts: Vec<String>,
    bytes: usize,
}

impl Rows {
    fn push(&mut self, row: &D1Row<'_>) -> Result<(), JobError> {
        if self.texts.is_empty() {
            self.names = row.names.to_vec();
        }
        self.bytes += row.text.len();
        if self.bytes > limits::D1_CATALOG_BYTES {
            return Err(nonsense());
        }
        self.texts.push(row.text.to_owned());
        Ok(())
    }

    fn hand_over(&self, each: &mut EachCells<'_>) -> Result<(), JobError> {
        for text in &self.texts {
            if each(&D1Row::new(&self.names, text)?)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl<'s> D1Database<'s> {
    pub(super) fn new(source: &'s D1, service: &'s mut Service, job: &'s JobControl) -> Self {
        Self {
            source,
            service,
            job,
            used: Vec::new(),
            announced: None,
            ahead: None,
        }
    }

    /// Looks again at what was used of the catalog, where no statement has done so.
    pub(super) fn check(&mut self) -> Result<(), JobError> {
        match self.used.is_empty() {
            true => Ok(()),
            false => self.run(None, &mut |_| Ok(ControlFlow::Break(()))),
        }
    }

    /// Runs a statement, behind what is to be looked at again and before what was announced.
    fn run(&mut self, statement: Option<&str>, each: &mut EachCells<'_>) -> Result<(), JobError> {
        let used = std::mem::take(&mut self.used);
        let announced = self.announced.take();
        let announced = announced.filter(|text| statement.is_some_and(|own| own != text));
        let mut statements: Vec<_> = used.iter().map(|(text, _)| text.as_str()).collect();
        let own = statements.len();
        statements.extend(statement.into_iter().chain(announced.as_deref()));
        let mut seen = vec![Rows::default(); own];
        let mut ahead = Rows::default();
        let holds = |seen: &[Rows]| used.iter().map(|(_, rows)| &**rows).eq(seen);
        // Set by the first row.
        let mut wanted = None;
        let asked = self.ask(&statements, &mut |place, row| {
            if let Some(seen) = seen.get_mut(place) {
                return seen.push(row);
            }
            if place > own {
                return ahead.push(row);
            }
            if *wanted.get_or_insert_with(|| holds(&seen)) {
                wanted = Some(each(row)?.is_continue());
            }
            Ok(())
        });
        let changed = asked.is_ok() && !holds(&seen);
        for ((text, _), rows) in used.iter().zip(seen) {
            match asked {
                Ok(()) => self
                    .source
                    .catalog
                    .put(text, (Instant::now(), Arc::new(rows))),
                Err(_) => self.source.catalog.forget(text),
            }
        }
        match asked {
            // Perhaps because of what has changed.
            Err(error) if own > 0 && error.code == ErrorCode::QueryFailed => {
                return Err(error.with(Retry::Anew));
            }
            Err(error) => return Err(error),
            Ok(()) if changed => {
                let text = "the table was changed while it was read";
                return Err(JobError::new(ErrorCode::QueryFailed, text).with(Retry::Anew));
            }
            Ok(()) => {}
        }
        self.ahead = announced.map(|text| (text, ahead));
        Ok(())
    }

    /// Sends statements in one request and hands over the rows of all. That there are batches is known from the
    /// documentation of the service; that one is a transaction, from the engine that it runs on.
    fn ask(&mut self, statements: &[&str], each: &mut EachRow<'_>) -> Result<(), JobError> {
        statements.iter().for_each(|text| log::trace!("{text}"));
        let body = match statements {
            [only] => (*only).to_owned(),
            all => format!("{{\"batch\":[{}]}}", all.join(",")),
        };
        let (source, job) = (self.source, self.job);
        // By the documentation of Cloudflare's API: there are limits of its own, and of the database.
        let busy = |status| status == 429 || status >= 500;
        let request = (source.path.as_str(), body.as_str());
        self.service.ask(job, request, busy, |mut answer| {
            let status = answer.status();
            if status == 200 {
                return read_rows(&mut answer, job, statements.len(), each);
            }
            let body = answer.whole(limits::EXCEPTION_BYTES).map_err(unanswered)?;
            let text = String::from_utf8_lossy(&body);
            let problem = refusal(&text).unwrap_or_else(|| quoted(&text));
            // Some quote the path.
            let problem = problem.replace(&source.account, "/accounts/…");
            // The documentation lists no codes, so that the class of the status decides. Public reports show 400 and
            // 500 with 7500, 403 with 7403, and HTML with 504.
            Err(match status {
                400 | 401 | 403 | 429 | 500.. => refused(status, &problem, ("D1", "")),
                _ => JobError::new(ErrorCode::SourceConfig, format!("HTTP {status}: {problem}")),
            })
        })
    }
}

impl Database for D1Database<'_> {
    fn dialect(&self) -> &'static dyn Dialect {
        &NarrowDialect
    }

    fn own_prefixes(&self) -> &'static [&'static str] {
        &["sqlite_", "_cf_"]
    }

    fn tells_numbers(&self) -> bool {
        false
    }

    fn rounds(&self) -> bool {
        true
    }

    fn query(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut EachCells<'_>,
    ) -> Result<(), JobError> {
        let statement = compose(sql, params);
        match self.ahead.take() {
            Some((text, rows)) if text == statement => rows.hand_over(each),
            _ => self.run(Some(&statement), each),
        }
    }

    /// What was said a while ago is good until the next statement, which finds out whether it still holds.
    fn ask_catalog(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut EachCells<'_>,
    ) -> Result<(), JobError> {
        let statement = compose(sql, params);
        let catalog = &self.source.catalog;
        let rows = match catalog.get(&statement) {
            Some((since, rows)) => {
                let is_new = self.used.iter().all(|(text, _)| *text != statement);
                if is_new && since.elapsed() >= limits::CATALOG_FRESH {
                    self.used.push((statement, Arc::clone(&rows)));
                }
                rows
            }
            None => {
                let mut rows = Rows::default();
                self.ask(&[&statement], &mut |_, row| rows.push(row))?;
                let rows = Arc::new(rows);
                catalog.put(&statement, (Instant::now(), Arc::clone(&rows)));
                rows
            }
        };
        rows.hand_over(each)
    }

    fn announce(&mut self, statement: &dyn Fn(&dyn Dialect) -> Result<Statement, JobError>) {
        // What cannot be said or bound is told when it is asked for.
        let Ok(statement) = statement(self.dialect()) else {
            return;
        };
        let params = statement.params.iter().map(bind);
        let params: Option<Vec<_>> = params.map(Result::ok).collect();
        self.announced = params.map(|params| compose(&statement.sql, &params));
    }

    fn server(&mut self) -> Result<ServerFacts, JobError> {
        let sql = "SELECT count(*) FROM sqlite_schema";
        self.query(sql, &[], &mut |_| Ok(ControlFlow::Break(())))?;
        Ok(ServerFacts {
            // It does not tell SQLite's.
            version: "D1".to_owned(),
            tls: self.service.encrypted(),
            read_only: false,
            kept_by: KeptBy::Role,
        })
    }

    fn privileges(&mut self) -> Result<Privileges, JobError> {
        let may = "write, unless its only permission is \"D1 Read\", which cannot be asked";
        Ok(Privileges {
            role: "the token".to_owned(),
            beyond_reading: vec![may.to_owned()],
        })
    }
}
