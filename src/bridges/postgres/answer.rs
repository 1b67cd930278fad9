//! The answers to a job's questions, on one session.

use crate::bridges::description::{DescribedColumn, Description, send_target};
use std::sync::Arc;

use crate::bridges::postgres::catalog::{Catalog, Relation};
use crate::bridges::postgres::error;
use crate::bridges::postgres::row::{KeyColumns, RowWriter, SelectList};
use crate::bridges::postgres::session::Session;
use crate::bridges::postgres::{Flavour, Target};
use crate::bridges::totals::Totals;
use crate::error::JobError;
use crate::job::RowSink;
use crate::job::{ServerFacts, Summary};
use crate::options::{CountOptions, Predicate, QueryOptions, ReadOptions};
use crate::sql::{Bound, Cursor, Dialect, KeyPart, Page, Selection, Statement, count};

/// What answering takes.
pub struct Answer<'a> {
    /// The relative.
    pub flavour: Flavour,
    /// What is known of the source's tables.
    pub catalog: &'a Catalog,
    /// What walks have counted.
    pub totals: &'a Totals,
    /// The connection.
    pub session: &'a mut Session,
    /// Where rows go.
    pub sink: &'a mut RowSink,
}

impl Answer<'_> {
    /// A page of a walk over the whole table, by its whole key.
    pub fn read(
        &mut self,
        target: &Target<'_>,
        options: &ReadOptions,
    ) -> Result<Summary, JobError> {
        let relation = self
            .catalog
            .relation(self.session, target)?
            .unwrap_or_default();
        if relation.key.is_empty() {
            return Err(JobError::no_primary_key(target.display()));
        }
        let list = relation.select_list(options.fields.as_deref());
        let mut select = list.sql.clone();
        let key_columns = KeyColumns::select(&relation, &list.shown, &mut select);
        let key: Vec<KeyPart> = relation
            .key
            .iter()
            .map(|name| KeyPart {
                expression: Dialect::Postgres.column(name),
                cast: ("", ""),
            })
            .collect();
        let after = options
            .cursor
            .as_ref()
            .map(|text| Cursor::decode(text, key.len()).values());
        let since = since(&relation, options);
        let from = target.quoted.as_str();
        let statement = Page {
            dialect: Dialect::Postgres,
            select: &select,
            from,
            key: &key,
            after: after.as_deref().unwrap_or_default(),
            since: since.as_slice(),
            fetch: options.limit.saturating_add(1).min(i64::MAX as u64),
        }
        .statement();

        let mut rows = 0;
        let mut last = None;
        let mut more = false;
        if options.limit > 0 {
            let sink = &mut *self.sink;
            let mut writer = None;
            let sent = self.session.rows(&statement.sql, &statement.params, |row| {
                if rows == options.limit {
                    more = true;
                    return Ok(());
                }
                let writer = writer_of(&mut writer, &list, row)?;
                sink.row(|out| writer.write(out, row))?;
                rows += 1;
                if rows == options.limit {
                    last = Some(key_columns.cursor(row)?);
                }
                Ok(())
            });
            self.forget_if_changed(target, sent)?;
        }
        let whole = after.is_none() && since.is_none() && !more && options.limit > 0;
        let totals = self.totals;
        let total = totals.of_page(from, options, whole.then_some(rows), || {
            self.count_where(from, &Predicate::always())
        })?;
        let next_cursor = last.filter(|_| more).map(|cursor| cursor.encode());
        Ok(Summary {
            total: Some(total),
            next_cursor,
            ..Summary::default()
        })
    }

    /// Rows by filter, with the number of all that match.
    pub fn query(
        &mut self,
        target: &Target<'_>,
        options: &QueryOptions,
    ) -> Result<Summary, JobError> {
        let Sent { rows, pinned } = self.selection(target, options)?;
        let total = match options.known_total(rows) {
            Some(total) => total,
            // More than this one cannot be.
            None if pinned && rows == 1 => 1,
            None => self.count_where(&target.quoted, &options.filter)?,
        };
        Ok(Summary {
            total: Some(total),
            ..Summary::default()
        })
    }

    /// Rows by filter.
    pub fn batch_read(
        &mut self,
        target: &Target<'_>,
        options: &QueryOptions,
    ) -> Result<Summary, JobError> {
        self.selection(target, options)?;
        Ok(Summary::default())
    }

    /// A number of rows.
    pub fn count(
        &mut self,
        target: &Target<'_>,
        options: &CountOptions,
    ) -> Result<Summary, JobError> {
        let total = self.count_where(&target.quoted, &options.filter)?;
        self.sink.count(total);
        Ok(Summary::default())
    }

    /// The tables of schema `public` (of every schema that is not the server's own on the relatives).
    pub fn list_targets(&mut self) -> Result<Summary, JobError> {
        let sql = "SELECT table_name::text FROM information_schema.tables \
                   WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1";
        let sink = &mut *self.sink;
        self.session.rows(sql, &[], |row| {
            let name: &str = row.try_get(0).map_err(|e| error::executing(&e))?;
            send_target(sink, name)
        })?;
        Ok(Summary::default())
    }

    /// Columns, key and row count of a target.
    pub fn introspect(&mut self, target: &Target<'_>) -> Result<Summary, JobError> {
        let total = self.count_where(&target.quoted, &Predicate::always())?;
        let relation = self
            .catalog
            .relation(self.session, target)?
            .unwrap_or_default();
        let mut description = Description::default();
        let sql = "SELECT column_name::text, data_type::text, is_nullable::text \
                   FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 \
                   ORDER BY ordinal_position";
        let params = [relation.schema.as_str().into(), target.table.into()];
        self.session.rows(sql, &params, |row| {
            let get = |i: usize| row.try_get::<_, &str>(i).map_err(|e| error::executing(&e));
            let name = get(0)?;
            description.column(&DescribedColumn {
                name,
                data_type: get(1)?,
                nullable: get(2)? == "YES",
                primary_key: relation.key.iter().any(|key| key == name),
            });
            Ok(())
        })?;
        description.send(self.sink, target.table, total)?;
        Ok(Summary::default())
    }

    /// Does the source answer, and how.
    pub fn test(&mut self) -> Result<Summary, JobError> {
        let sql = "SELECT current_setting('server_version'), current_setting('transaction_read_only'), version()";
        let mut facts = None;
        let encrypted = self.session.encrypted();
        let flavour = self.flavour;
        self.session.rows(sql, &[], |row| {
            let get = |i: usize| row.try_get::<_, &str>(i).map_err(|e| error::executing(&e));
            let version = match flavour {
                Flavour::Cockroach => get(2)?.to_owned(),
                Flavour::Postgres | Flavour::Neon => format!("PostgreSQL {}", get(0)?),
            };
            facts = Some(ServerFacts {
                version,
                tls: encrypted,
                read_only: get(1)? == "on",
            });
            Ok(())
        })?;
        Ok(Summary {
            server: facts,
            ..Summary::default()
        })
    }

    /// Sends the rows of a selection.
    fn selection(&mut self, target: &Target<'_>, options: &QueryOptions) -> Result<Sent, JobError> {
        // Where there is no such table the database says so itself.
        let relation = self.catalog.relation(self.session, target)?;
        let list = match &relation {
            Some(relation) => relation.select_list(options.select.as_deref()),
            None => SelectList::unknown(),
        };
        let Statement { sql, params } =
            Selection::of(Dialect::Postgres, &list.sql, &target.quoted, options).statement();
        let sink = &mut *self.sink;
        let before = sink.rows();
        let mut writer = None;
        let each = |row: &postgres::Row| {
            let writer = writer_of(&mut writer, &list, row)?;
            sink.row(|out| writer.write(out, row))
        };
        let pinned = relation
            .as_ref()
            .is_some_and(|relation| relation.unique && options.filter.pins(&relation.key));
        let sent = if pinned {
            self.session.one_row(&sql, &params, each)
        } else {
            self.session.rows(&sql, &params, each)
        };
        let rows = sink.rows() - before;
        self.forget_if_changed(target, sent)?;
        Ok(Sent { rows, pinned })
    }

    fn count_where(&mut self, from: &str, filter: &Predicate) -> Result<u64, JobError> {
        let Statement { sql, params } = count(Dialect::Postgres, from, filter);
        self.session.number(&sql, &params)
    }

    /// A failed statement may be one of a table that was changed since its columns were looked up.
    fn forget_if_changed(
        &self,
        target: &Target<'_>,
        sent: Result<(), JobError>,
    ) -> Result<(), JobError> {
        sent.inspect_err(|_| self.catalog.forget(target))
    }
}

/// What a selection came to.
struct Sent {
    rows: u64,
    /// No more than one row can match.
    pinned: bool,
}

/// The writer of a statement's rows, found by its first row.
fn writer_of<'a>(
    writer: &'a mut Option<Arc<RowWriter>>,
    list: &SelectList,
    row: &postgres::Row,
) -> Result<&'a RowWriter, JobError> {
    match writer {
        Some(writer) => Ok(writer),
        none => Ok(none.insert(list.writer(row)?)),
    }
}

/// `changedSince`, unless the target has no such column: then it is dropped, as officially. The server reads
/// the text as the column's own type.
fn since(relation: &Relation, options: &ReadOptions) -> Option<Bound> {
    let value = options.changed_since.clone()?.into();
    let column = relation.column(&options.tracking_column)?;
    let before = format!("{} > ", Dialect::Postgres.column(&column.name));
    Some(Bound {
        before,
        value,
        after: String::new(),
    })
}
