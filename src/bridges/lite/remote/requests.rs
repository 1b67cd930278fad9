//! The statements of one job behind a service. What was said about a table is remembered, and looked at again along with
//! the statement that it is used for.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use super::record::{Record, Rows};
use super::{Asking, Remote};
use crate::bridges::lite::value::bind;
use crate::bridges::lite::{Database, EachCells, Value};
use crate::bridges::remembered::Remembered;
use crate::bridges::service::Service;
use crate::error::{ErrorCode, JobError, Retry};
use crate::job::{JobControl, KeptBy, Privileges, ServerFacts};
use crate::limits;
use crate::sql::{Dialect, Statement};

/// What was said about tables, by the statement that asked for it, and when.
pub(super) type Catalog = Remembered<(Instant, Arc<Rows>)>;

/// A database behind a service, during one job.
pub(super) struct Requests<'s> {
    remote: &'s dyn Remote,
    catalog: &'s Catalog,
    asking: Asking<'s>,
    /// What was used of the catalog since the last statement.
    used: Vec<(String, (Instant, Arc<Rows>))>,
    /// The statement that most likely follows the next.
    announced: Option<String>,
    /// What it came to.
    ahead: Option<(String, Rows)>,
}

impl<'s> Requests<'s> {
    pub(super) fn new(
        remote: &'s dyn Remote,
        catalog: &'s Catalog,
        service: &'s mut Service,
        job: &'s JobControl,
    ) -> Self {
        Self {
            remote,
            catalog,
            asking: Asking {
                service,
                job,
                stream: None,
            },
            used: Vec::new(),
            announced: None,
            ahead: None,
        }
    }

    /// Looks again at what was used of the catalog, where no statement has done so, and closes what is open: where the
    /// connection is lost, that has come to its end anyway.
    pub(super) fn end<T>(&mut self, result: Result<T, JobError>) -> Result<T, JobError> {
        let result = result.and_then(|done| {
            self.run(None, true, &mut |_| Ok(ControlFlow::Break(())))?;
            Ok(done)
        });
        let error = result.as_ref().err();
        if error.is_none_or(|error| error.retry != Retry::NewConnection) {
            self.remote.close(&mut self.asking);
        }
        result
    }

    fn compose(&self, sql: &str, params: &[Value<'_>]) -> String {
        log::trace!("{sql}");
        self.remote.compose(sql, params)
    }

    /// Runs a statement, behind what is to be looked at again and before what was announced.
    fn run(
        &mut self,
        statement: Option<&str>,
        brief: bool,
        each: &mut EachCells<'_>,
    ) -> Result<(), JobError> {
        let (remote, used) = (self.remote, std::mem::take(&mut self.used));
        let announced = self.announced.take();
        let announced = announced.filter(|text| statement.is_some_and(|own| own != text));
        let stale = used.iter();
        let stale: Vec<_> = stale
            .filter(|(_, (since, _))| since.elapsed() >= limits::CATALOG_FRESH)
            .collect();
        let own = stale.len();
        let statements = stale.iter().map(|(text, _)| text.as_str());
        let statements: Vec<_> = statements
            .chain(statement)
            .chain(announced.as_deref())
            .collect();
        if statements.is_empty() {
            return Ok(());
        }
        let mut seen = vec![Rows::default(); own];
        let mut ahead = Rows::default();
        let holds = |seen: &[Rows]| stale.iter().map(|(_, (_, rows))| &**rows).eq(seen);
        // Set by the first row.
        let mut wanted = None;
        let asked = remote.ask(
            &mut self.asking,
            &statements,
            brief,
            &mut |place, names, row| {
                if let Some(seen) = seen.get_mut(place) {
                    return seen.push(remote, names, row);
                }
                if place > own {
                    return ahead.push(remote, names, row);
                }
                if *wanted.get_or_insert_with(|| holds(&seen)) {
                    wanted = Some(each(&Record::new(remote, names, row)?)?.is_continue());
                }
                Ok(())
            },
        );
        let asked = asked.and_then(|()| match holds(&seen) {
            true => Ok(()),
            false => Err(JobError::query_failed(
                "the table was changed while it was read",
            )),
        });
        if let Err(error) = asked {
            used.iter().for_each(|(text, _)| self.catalog.forget(text));
            // Perhaps because of what has changed.
            return Err(match own > 0 && error.code == ErrorCode::QueryFailed {
                true => error.with(Retry::Anew),
                false => error,
            });
        }
        for (text, (_, rows)) in stale {
            self.catalog.put(text, (Instant::now(), Arc::clone(rows)));
        }
        self.ahead = announced.map(|text| (text, ahead));
        Ok(())
    }
}

impl Database for Requests<'_> {
    fn dialect(&self) -> &'static dyn Dialect {
        self.remote.dialect()
    }

    fn own_prefixes(&self) -> &'static [&'static str] {
        self.remote.own_prefixes()
    }

    fn tells_numbers(&self) -> bool {
        false
    }

    fn rounds(&self) -> bool {
        self.remote.rounds()
    }

    fn query(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut EachCells<'_>,
    ) -> Result<(), JobError> {
        let statement = self.compose(sql, params);
        self.run(Some(&statement), false, each)
    }

    fn lookup(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut EachCells<'_>,
    ) -> Result<(), JobError> {
        let statement = self.compose(sql, params);
        match self.ahead.take() {
            Some((text, rows)) if text == statement => rows.hand_over(self.remote, each),
            _ => self.run(Some(&statement), true, each),
        }
    }

    /// What was said a while ago is good until the next statement, which finds out whether it still holds.
    fn ask_catalog(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut EachCells<'_>,
    ) -> Result<(), JobError> {
        let statement = self.compose(sql, params);
        let (remote, catalog) = (self.remote, self.catalog);
        let (since, rows) = catalog.get_or(&statement, || {
            let mut rows = Rows::default();
            let statements = [statement.as_str()];
            remote.ask(&mut self.asking, &statements, true, &mut |_, names, row| {
                rows.push(remote, names, row)
            })?;
            Ok::<_, JobError>((Instant::now(), Arc::new(rows)))
        })?;
        rows.hand_over(remote, each)?;
        if self.used.iter().all(|(text, _)| *text != statement) {
            self.used.push((statement, (since, rows)));
        }
        Ok(())
    }

    fn announce(&mut self, statement: &dyn Fn(&dyn Dialect) -> Result<Statement, JobError>) {
        if !self.remote.counts_along() {
            return;
        }
        // What cannot be said or bound is told when it is asked for.
        let Ok(statement) = statement(self.dialect()) else {
            return;
        };
        let params = statement.params.iter().map(bind);
        let params: Option<Vec<_>> = params.map(Result::ok).collect();
        self.announced = params.map(|params| self.remote.compose(&statement.sql, &params));
    }

    fn server(&mut self) -> Result<ServerFacts, JobError> {
        let mut version = String::new();
        self.lookup(self.remote.version(), &[], &mut |row| {
            version = row.text(0)?.unwrap_or_default();
            Ok(ControlFlow::Break(()))
        })?;
        Ok(ServerFacts {
            version,
            tls: self.asking.service.encrypted(),
            read_only: self.remote.beyond_reading().is_none(),
            kept_by: KeptBy::Role,
        })
    }

    fn privileges(&mut self) -> Result<Privileges, JobError> {
        let beyond = self.remote.beyond_reading();
        Ok(Privileges {
            role: "the token".to_owned(),
            beyond_reading: beyond.map(str::to_owned).into_iter().collect(),
        })
    }
}
