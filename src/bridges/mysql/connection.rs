//! One open connection, and statements on it: prepared, with their values apart, their rows as they come.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use mysql::prelude::Queryable;
use mysql::{Column, Conn, Params, Row, Value};
use nix::sys::socket::{Shutdown, shutdown};

use super::config::Settings;
use super::error;
use super::guard::Guard;
use super::kill::kill;
use crate::error::{JobError, Retry};
use crate::job::JobControl;
use crate::limits;

/// A connection whose session is set up.
pub(super) struct Connection {
    /// The driver's connection.
    pub(super) conn: Conn,
    /// Its number on the server.
    pub(super) id: u32,
    /// True when the connection is encrypted.
    pub(super) encrypted: bool,
    /// True when the server took the read-only setting. Otherwise each job runs in a read-only transaction.
    pub(super) read_only: bool,
    /// Bytes in which the statements that it keeps prepared are described, and of the longest command it was sent.
    pub(super) described: usize,
    /// See there.
    pub(super) sent: usize,
    /// True when the connection must not be used again.
    pub(super) spent: bool,
    /// Statements of the job that are not worth the memory they take here and on the server.
    pub(super) long: Vec<mysql::Statement>,
    /// Looks at what comes in.
    pub(super) guard: Guard,
}

impl Connection {
    /// What it takes to cut this connection off; valid as long as the session lives.
    pub(super) fn wire(&self) -> Wire {
        Wire(self.conn.as_raw_fd())
    }
}

/// The socket under a connection. The driver reads a dropped result to its end and knows no way to give up
/// waiting; once the socket is shut down both end at once, with an error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wire(RawFd);

impl Wire {
    /// Shuts the socket down in both directions. Only while its session lives: numbers of closed sockets are
    /// given out again.
    pub(super) fn cut(self) {
        // It fails only when the other side has closed the connection already.
        let _ = shutdown(self.0, Shutdown::Both);
    }
}

impl Connection {
    /// Runs the statements of one job. They can be stopped meanwhile; where the server refused a read-only
    /// session they share one read-only transaction.
    pub(super) fn job<T>(
        &mut self,
        job: &Arc<JobControl>,
        settings: &Arc<Settings>,
        work: impl FnOnce(&mut Self) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let (id, wire, settings) = (self.id, self.wire(), Arc::clone(settings));
        let guard = job.stop_with(move || {
            // The socket first: a statement that the worker was about to send would otherwise start after
            // the other one was killed. The answer is of no more use anyway, and reading it to the end
            // would take as long as it is.
            wire.cut();
            if let Err(error) = kill(&settings, id) {
                log::warn!("a statement could not be stopped: {}", error.message);
            }
        })?;
        self.guard.serve(Some(job));
        let result = if self.read_only {
            work(self)
        } else {
            self.transaction("START TRANSACTION READ ONLY", work)
        };
        for statement in std::mem::take(&mut self.long) {
            // The server says nothing to it; a link that is broken is so without it.
            self.spent |= self.conn.close(statement).is_err();
        }
        self.guard.serve(None);
        if guard.finish() {
            self.spent = true;
            job.check()?;
        }
        let result = self.guard.problem().map_or(result, |problem| Err(problem));
        if result
            .as_ref()
            .is_err_and(|error| error.retry == Retry::NewConnection)
            || self.guard.problem().is_some()
        {
            self.spent = true;
            self.wire().cut();
        }
        result
    }

    /// About how many bytes of memory it keeps while it is idle: the buffers of the driver as far as they were used, and
    /// descriptions, which take four times what they are sent in.
    pub(super) fn kept(&self) -> usize {
        let read = self.guard.total().min(limits::MYSQL_BUFFER);
        read + self.sent + 4 * self.described
    }

    /// Prepares a statement of so many parameters, or finds it prepared already. The driver keeps it for later jobs,
    /// unless it is long.
    pub(super) fn prepare(
        &mut self,
        sql: &str,
        parameters: usize,
    ) -> Result<mysql::Statement, JobError> {
        log::trace!("{sql}");
        self.guard.prepare(parameters);
        self.sent = self.sent.max(sql.len());
        let statement = self.conn.prep(sql).map_err(|e| error::executing(&e))?;
        self.described += self.guard.received();
        // Along with those that it has no room for any more.
        self.spent |= self.described > limits::LARGE_ROW;
        if sql.len() > limits::KEPT_STATEMENT {
            self.long.push(statement.clone());
        }
        Ok(statement)
    }

    /// Runs a prepared statement and hands over its rows one by one, as the server sends them, with what
    /// `begin` made of the columns of the answer.
    pub(super) fn execute<T>(
        &mut self,
        statement: &mysql::Statement,
        params: Vec<Value>,
        begin: impl FnOnce(&[Column]) -> Result<T, JobError>,
        mut each: impl FnMut(&T, &Row) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let sent = params.iter().map(length).sum();
        self.sent = self.sent.max(sent);
        let params = if params.is_empty() {
            Params::Empty
        } else {
            Params::Positional(params)
        };
        let wire = self.wire();
        let guard = self.guard.clone();
        guard.command();
        let mut heavy = false;
        let mut rows = self
            .conn
            .exec_iter(statement, params)
            .map_err(|e| error::sending(&e, sent))?;
        let pass_on = || -> Result<(), JobError> {
            let context = begin(rows.columns().as_ref())?;
            for row in rows.by_ref() {
                let row = row.map_err(|e| error::executing(&e))?;
                guard.row();
                heavy |= size(&row) > limits::LARGE_ROW;
                each(&context, &row)?;
            }
            Ok(())
        };
        let result = pass_on();
        if result.is_err() {
            // Dropping the rows would read all that is left of them.
            wire.cut();
            drop(rows);
            self.spent = true;
        } else {
            drop(rows);
        }
        self.spent |= heavy;
        result
    }

    /// Runs a statement of our own whose few rows are all wanted.
    pub(super) fn table(
        &mut self,
        sql: &str,
        params: Vec<Value>,
        mut each: impl FnMut(&Row) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let statement = self.prepare(sql, params.len())?;
        self.execute(&statement, params, |_| Ok(()), |(), row| each(row))
    }

    /// Runs a statement that answers with one number.
    pub(super) fn number(&mut self, sql: &str, params: Vec<Value>) -> Result<u64, JobError> {
        let mut number = 0;
        self.table(sql, params, |row| {
            number = integer(row, 0);
            Ok(())
        })?;
        Ok(number)
    }

    /// From now on statements see the same rows.
    pub(super) fn begin_snapshot(&mut self) -> Result<(), JobError> {
        if !self.read_only {
            // It is in a transaction already, whose first statement decides what all of them see.
            return Ok(());
        }
        self.command("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
        self.command("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    }

    /// Ends it, unless the job's own transaction does.
    pub(super) fn end_snapshot(&mut self) -> Result<(), JobError> {
        match self.read_only {
            true => self.command("ROLLBACK"),
            false => Ok(()),
        }
    }

    fn transaction<T>(
        &mut self,
        begin: &str,
        work: impl FnOnce(&mut Self) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        self.command(begin)?;
        let result = work(self);
        // A failed statement ends in the same rollback; a lost connection needs none.
        match (&result, self.command("ROLLBACK")) {
            (Ok(_), Err(error)) => Err(error),
            _ => result,
        }
    }

    /// Lets statements show a column of which every row of a group has the same value. MariaDB knows no
    /// other way to say so than this mode, MySQL would take one.
    pub(super) fn allow_columns_of_groups(&mut self) {
        let sql = "SET SESSION sql_mode = TRIM(BOTH ',' FROM REPLACE(REPLACE(\
                   CONCAT(',', @@SESSION.sql_mode, ','), ',ONLY_FULL_GROUP_BY,', ','), ',ANSI,', ','))";
        if let Err(error) = self.command(sql) {
            log::debug!("the mode of grouping stays: {}", error.message);
        }
    }

    fn command(&mut self, sql: &str) -> Result<(), JobError> {
        self.guard.command();
        self.conn.query_drop(sql).map_err(|e| error::executing(&e))
    }
}

/// A column of a row as text; empty for NULL and what is no text.
pub(super) fn text(row: &Row, column: usize) -> String {
    match row.as_ref(column) {
        Some(Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

/// A column of a row as a number; zero for NULL and what is no number.
pub(super) fn integer(row: &Row, column: usize) -> u64 {
    match row.as_ref(column) {
        Some(Value::UInt(number)) => *number,
        Some(Value::Int(number)) => u64::try_from(*number).unwrap_or(0),
        _ => 0,
    }
}

/// Bytes of the texts and byte strings of a row.
fn size(row: &Row) -> usize {
    let values = (0..row.len()).filter_map(|i| row.as_ref(i));
    values.map(length).sum()
}

fn length(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        _ => 8,
    }
}
