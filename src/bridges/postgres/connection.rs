//! One open connection, and statements on it.

use std::sync::Arc;

use fallible_iterator::FallibleIterator;
use postgres::{CancelToken, Client, Row, RowIter, Statement};
use serde_json::Value;

use super::error;
use super::hook::{LinkTls, can_be_driven};
use super::link::Link;
use super::options::{Options, Scope, set_texts};
use super::param::{TextParam, unspecified};
use super::statements::{Sending, Statements};
use crate::error::{ErrorCode, JobError, Retry};
use crate::job::JobControl;
use crate::limits;

/// An open connection.
pub struct Connection {
    client: Client,
    link: Arc<Link>,
    tls: LinkTls,
    cancel: CancelToken,
    /// True when the session is read-only by itself.
    read_only: bool,
    /// Otherwise every job runs in a read-only transaction, in which this is set first.
    settings: Option<(String, Vec<Value>)>,
    statements: Statements,
    /// It must not be used again.
    spent: bool,
    /// It carried a statement whose memory the driver keeps.
    large: bool,
    /// Something of a job is under way, or was when it ended: nobody knows how much the server still has to say.
    busy: bool,
}

impl Connection {
    /// Takes over an open connection.
    pub fn new(client: Client, tls: LinkTls, read_only: bool) -> Self {
        let cancel = client.cancel_token();
        let statements = Statements::new(tls.link.process_id(), !read_only);
        Self {
            client,
            link: Arc::clone(&tls.link),
            tls,
            cancel,
            read_only,
            settings: None,
            statements,
            spent: false,
            large: false,
            busy: false,
        }
    }

    /// True when the session is read-only by itself.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Jobs run in read-only transactions from now on, with the settings of these options.
    pub fn use_transactions(&mut self, options: &Options) {
        self.settings = options.statement().map(|(sql, parameters)| {
            let parameters = parameters.into_iter().map(Value::from);
            (sql, parameters.collect())
        });
    }

    /// Runs the statements of one job: they can be stopped meanwhile, and behind a pooler they share one
    /// read-only transaction, because two statements may otherwise meet two servers.
    pub fn job<T>(
        &mut self,
        job: &Arc<JobControl>,
        work: impl FnOnce(&mut Self) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let guard = job.stop_with(self.stopper())?;
        self.busy = true;
        self.link.serve(Some(job));
        let result = match self.read_only {
            true => work(self),
            false => self.transaction(work),
        };
        self.link.serve(None);
        if guard.finish() {
            // Whoever stopped the statement has ended the job; the connection is cut.
            job.check()?;
        }
        let result = result.map_err(|error| match self.link.last_words() {
            Some(words) if error.code == ErrorCode::SourceUnreachable => words,
            _ => error,
        });
        let result = self.link.problem().map_or(result, |problem| {
            self.spent = true;
            Err(problem)
        });
        if self.spent && result.is_err() {
            // We have enough of it; the server would notice at its next row only.
            self.stopper()();
        }
        let lost = |error: &JobError| error.retry == Retry::NewConnection;
        self.busy = self.spent || result.as_ref().is_err_and(lost);
        result
    }

    /// From now on statements see the same rows.
    pub fn begin_snapshot(&mut self) -> Result<(), JobError> {
        match (self.read_only, &self.settings) {
            (true, _) => self.command("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
            (false, None) => self.command("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
            // That of the job has one.
            (false, Some(_)) => Ok(()),
        }
    }

    /// Ends it, unless the job's own transaction does.
    pub fn end_snapshot(&mut self) -> Result<(), JobError> {
        match self.read_only {
            false => Ok(()),
            true => self.command("ROLLBACK"),
        }
    }

    fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        // An isolation level cannot be chosen after a query, and settings are made by one.
        match &self.settings {
            None => self.command(&ours("BEGIN READ ONLY"))?,
            Some(_) => self.command("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?,
        }
        let result = self.set_up().and_then(|()| work(self));
        // A failed statement ends in the same rollback; a lost connection needs none.
        match (&result, self.command("ROLLBACK")) {
            (Ok(_), Err(error)) => Err(error),
            _ => result,
        }
    }

    /// Sets in a transaction what startup options would have set. That it reads only, and how it writes, comes last,
    /// whatever was set before.
    fn set_up(&mut self) -> Result<(), JobError> {
        let Some((sql, parameters)) = self.settings.take() else {
            return Ok(());
        };
        let set = self.rows(&sql, &parameters, |_| Ok(()));
        self.settings = Some((sql, parameters));
        set?;
        self.command(&ours("SET TRANSACTION READ ONLY"))
    }

    /// Runs a statement and hands over its rows one by one, as the server sends them.
    pub fn rows(
        &mut self,
        sql: &str,
        params: &[Value],
        each: impl FnMut(&Row) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        log::trace!("{sql}");
        let texts = self.texts(sql, params);
        let params = texts.into_iter().map(|text| (text, unspecified()));
        let rows = self.client.query_typed_raw(sql, params);
        let rows = rows.map_err(|e| error::executing(&e))?;
        hand_over(rows, &self.link, &mut self.spent, each)
    }

    /// As `rows`, for a statement that looks up one row by its whole key: where it is safe the server keeps it.
    /// Not for use inside of a transaction, because a name that became stale would end it.
    pub fn one_row(
        &mut self,
        sql: &str,
        params: &[Value],
        each: impl FnMut(&Row) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let Some(statement) = self.named(sql)? else {
            return self.rows(sql, params, each);
        };
        log::trace!("kept: {sql}");
        let texts = self.texts(sql, params);
        let error = match self.client.query_raw(&statement, texts) {
            Ok(rows) => return hand_over(rows, &self.link, &mut self.spent, each),
            Err(error) => error,
        };
        if self.statements.is_stale(sql, &error) {
            return self.rows(sql, params, each);
        }
        Err(error::executing(&error))
    }

    /// What the parameters of a statement are sent as.
    fn texts(&mut self, sql: &str, params: &[Value]) -> Vec<TextParam> {
        let texts: Vec<_> = params.iter().map(TextParam::new).collect();
        let sent = sql.len() + texts.iter().map(TextParam::bytes).sum::<usize>();
        self.large |= sent > limits::LARGE_STATEMENT;
        texts
    }

    fn named(&mut self, sql: &str) -> Result<Option<Statement>, JobError> {
        loop {
            match self.statements.sending(sql) {
                Sending::Text => return Ok(None),
                Sending::Name(statement) => return Ok(Some(statement)),
                Sending::Compare => {
                    let mut process = 0;
                    self.rows("SELECT pg_catalog.pg_backend_pid()", &[], |row| {
                        process = row.try_get(0).map_err(|e| error::executing(&e))?;
                        Ok(())
                    })?;
                    self.statements.served_by(process);
                }
                Sending::Prepare => {
                    let statement = self.client.prepare(sql);
                    let statement = statement.map_err(|e| error::executing(&e))?;
                    self.statements.keep(sql, statement);
                }
            }
        }
    }

    /// Runs a statement that answers with one number.
    pub fn number(&mut self, sql: &str, params: &[Value]) -> Result<u64, JobError> {
        let mut number = 0_i64;
        self.rows(sql, params, |row| {
            number = row.try_get(0).map_err(|e| error::executing(&e))?;
            Ok(())
        })?;
        Ok(u64::try_from(number).unwrap_or(0))
    }

    /// True when the connection is encrypted.
    pub fn encrypted(&self) -> bool {
        self.link.encrypted()
    }

    /// False when the connection must be closed.
    pub fn reusable(&mut self) -> bool {
        let grown = self.large || self.link.is_heavy() || self.link.knows_types();
        !self.spent && !grown && !self.client.is_closed()
    }

    /// About how many bytes of memory it keeps while it is idle.
    pub fn kept(&self) -> usize {
        self.link.buffered() + self.statements.weight()
    }

    fn command(&mut self, sql: &str) -> Result<(), JobError> {
        self.client
            .batch_execute(sql)
            .map_err(|e| error::executing(&e))
    }

    /// Cuts the connection, then asks the server to stop the statement. In this order, because a request
    /// that finds the session between two statements does nothing, and the next one would start after it.
    /// The answer is of no more use, and the server may act on the request late.
    fn stopper(&self) -> impl FnOnce() + Send + 'static {
        let cancel = self.cancel.clone();
        let link = Arc::clone(&self.link);
        let tls = LinkTls {
            link: Arc::new(Link::default()),
            encryption: self.tls.encryption.clone(),
            budget: limits::STOP_BUDGET,
        };
        move || {
            link.cut();
            let problem = match can_be_driven() {
                Ok(()) => cancel
                    .cancel_query(tls)
                    .err()
                    .map(|error| error::executing(&error).message),
                Err(error) => Some(error.to_string()),
            };
            if let Some(problem) = problem {
                log::warn!("a statement could not be cancelled: {problem}");
            }
        }
    }
}

/// A statement of a transaction, and in the same message what every transaction of ours has set.
fn ours(statement: &str) -> String {
    format!("{statement}; {}", set_texts(Scope::Transaction))
}

impl Drop for Connection {
    /// The driver says good-bye and waits for everything that the server still has to say, which may be for ever.
    fn drop(&mut self) {
        if self.busy {
            self.link.cut();
        }
    }
}

/// What is left of a result that somebody has enough of is not read: the connection is cut, because closing it
/// would wait for the last row.
fn hand_over(
    mut rows: RowIter<'_>,
    link: &Link,
    spent: &mut bool,
    mut each: impl FnMut(&Row) -> Result<(), JobError>,
) -> Result<(), JobError> {
    while let Some(row) = rows.next().map_err(|e| error::executing(&e))? {
        link.taken();
        each(&row).inspect_err(|_| {
            *spent = true;
            link.cut();
        })?;
    }
    Ok(())
}
