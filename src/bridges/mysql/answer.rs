//! The answers to a job's questions, on one session.

use mysql::{Row, Value};

use super::Flavour;
use super::catalog::{Catalog, table_of};
use super::layout::Layout;
use super::session::Session;
use super::since::later_than;
use super::statement::text;
use super::value::{parameter, write_row};
use crate::bridges::description::{DescribedColumn, Description, send_target};
use crate::bridges::totals::Totals;
use crate::error::{ErrorCode, JobError};
use crate::job::RowSink;
use crate::job::{ServerFacts, Summary};
use crate::options::{CountOptions, Predicate, QueryOptions, ReadOptions};
use crate::sql::{Cursor, Dialect, KeyPart, Page, Selection, Statement, count};

/// What answering takes.
pub(super) struct Answer<'a> {
    /// The relative.
    pub(super) flavour: Flavour,
    /// What is known of the source's tables.
    pub(super) catalog: &'a Catalog,
    /// What walks have counted.
    pub(super) totals: &'a Totals,
    /// The connection.
    pub(super) session: &'a mut Session,
    /// Where rows go.
    pub(super) sink: &'a mut RowSink,
}

impl Answer<'_> {
    /// A page of a walk over the whole table, by its whole key.
    pub(super) fn read(
        &mut self,
        target: &str,
        options: &ReadOptions,
    ) -> Result<Summary, JobError> {
        let key = self.catalog.key(self.session, target)?;
        if key.is_empty() {
            return Err(JobError::new(
                ErrorCode::InvalidTarget,
                format!("Could not detect primary key for table \"{target}\""),
            ));
        }
        let mut select = select_list(options.fields.as_deref());
        for column in key.iter() {
            select.push_str(", ");
            select.push_str(&column.select());
        }
        let parts: Vec<KeyPart> = key.iter().map(|column| column.part()).collect();
        let after: Vec<_> = match &options.cursor {
            None => Vec::new(),
            Some(cursor) => Cursor::decode(cursor, key.len())
                .values()
                .iter()
                .zip(key.iter())
                .map(|(value, column)| match value.as_str() {
                    Some(text) => column.bound(text),
                    None => value.clone(),
                })
                .collect(),
        };
        let mut since = Vec::new();
        if let Some(instant) = &options.changed_since
            && let Some(column) = Catalog::tracking(self.session, target, &options.tracking_column)?
        {
            since.push(later_than(&column.name, &column.data_type, instant));
        }
        let from = Dialect::MySql.quote(target);
        let statement = Page {
            dialect: Dialect::MySql,
            select: &select,
            from: &from,
            key: &parts,
            after: &after,
            since: &since,
            fetch: options.limit.saturating_add(1),
        }
        .statement();

        let mut rows = 0;
        let mut last_key = None;
        let mut more = false;
        if options.limit > 0 {
            let sent = self.rows(statement, key.len(), |sink, layout, row| {
                if rows == options.limit {
                    more = true;
                    return Ok(());
                }
                sink.row(|out| {
                    write_row(out, layout, |i| row.as_ref(i));
                    Ok(())
                })?;
                rows += 1;
                if rows == options.limit {
                    let first = row.len() - key.len();
                    let position = key.iter().enumerate().map(|(i, column)| {
                        let value = row.as_ref(first + i).unwrap_or(&Value::NULL);
                        column.text(value, row.columns_ref().get(first + i))
                    });
                    last_key = Some(position.collect::<Vec<_>>());
                }
                Ok(())
            });
            self.forget_if_failed(target, sent)?;
        }
        let whole = after.is_empty() && since.is_empty() && !more && options.limit > 0;
        let totals = self.totals;
        let total = totals.of_page(&from, options, whole.then_some(rows), || {
            self.count_where(&from, &Predicate::always())
        })?;
        Ok(Summary {
            total: Some(total),
            next_cursor: last_key
                .filter(|_| more)
                .map(|parts| Cursor::of_parts(parts).encode()),
            ..Summary::default()
        })
    }

    /// Rows by filter, with the number of all that match.
    pub(super) fn query(
        &mut self,
        target: &str,
        options: &QueryOptions,
    ) -> Result<Summary, JobError> {
        let from = Dialect::MySql.quote(target);
        let select = select_list(options.select.as_deref());
        let selection = Selection::of(Dialect::MySql, &select, &from, options);
        let rows = self.selection(selection)?;
        let total = match options.known_total(rows) {
            Some(total) => total,
            None => self.count_where(&from, &options.filter)?,
        };
        Ok(Summary {
            total: Some(total),
            ..Summary::default()
        })
    }

    /// Rows by filter.
    pub(super) fn batch_read(
        &mut self,
        target: &str,
        options: &QueryOptions,
    ) -> Result<Summary, JobError> {
        let select = select_list(options.select.as_deref());
        let from = Dialect::MySql.quote(target);
        self.selection(Selection::of(Dialect::MySql, &select, &from, options))?;
        Ok(Summary::default())
    }

    /// A number of rows.
    pub(super) fn count(
        &mut self,
        target: &str,
        options: &CountOptions,
    ) -> Result<Summary, JobError> {
        let total = self.count_where(&Dialect::MySql.quote(target), &options.filter)?;
        self.sink.count(total);
        Ok(Summary::default())
    }

    /// The tables of the default database.
    pub(super) fn list_targets(&mut self) -> Result<Summary, JobError> {
        let sql = "SELECT TABLE_NAME FROM information_schema.TABLES \
                   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME";
        let sink = &mut *self.sink;
        self.session
            .table(sql, Vec::new(), |row| send_target(sink, &text(row, 0)))?;
        Ok(Summary::default())
    }

    /// Columns, key and row count of a target.
    pub(super) fn introspect(&mut self, target: &str) -> Result<Summary, JobError> {
        let total = self.count_where(&Dialect::MySql.quote(target), &Predicate::always())?;
        let key = self.catalog.key(self.session, target)?;
        let type_column = match self.flavour {
            Flavour::MariaDb => "COLUMN_TYPE",
            Flavour::MySql | Flavour::PlanetScale => "DATA_TYPE",
        };
        let sql = format!(
            "SELECT COLUMN_NAME, {type_column}, IS_NULLABLE FROM information_schema.COLUMNS \
             WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION"
        );
        let mut description = Description::default();
        self.session.table(&sql, vec![target.into()], |row| {
            let name = text(row, 0);
            let data_type = text(row, 1);
            description.column(&DescribedColumn {
                name: &name,
                // MySQL 8 has a shorter word for it.
                data_type: match data_type.as_str() {
                    "geomcollection" => "geometrycollection",
                    other => other,
                },
                nullable: text(row, 2) == "YES",
                primary_key: key.iter().any(|column| column.name == name),
            });
            Ok(())
        })?;
        description.send(self.sink, target, total)?;
        Ok(Summary::default())
    }

    /// Does the source answer, and how.
    pub(super) fn test(&mut self) -> Result<Summary, JobError> {
        let mut version = String::new();
        self.session.table("SELECT VERSION()", Vec::new(), |row| {
            version = text(row, 0);
            Ok(())
        })?;
        let version = match version.split_once("-MariaDB") {
            Some((number, _)) => format!("MariaDB {number}"),
            None => format!("MySQL {version}"),
        };
        Ok(Summary {
            server: Some(ServerFacts {
                version,
                tls: self.session.encrypted,
                // Where the session is not read-only, its transactions are.
                read_only: true,
            }),
            ..Summary::default()
        })
    }

    /// Sends the rows of a selection and says how many.
    fn selection(&mut self, selection: Selection<'_>) -> Result<u64, JobError> {
        let before = self.sink.rows();
        self.rows(selection.statement(), 0, |sink, layout, row| {
            sink.row(|out| {
                write_row(out, layout, |i| row.as_ref(i));
                Ok(())
            })
        })?;
        Ok(self.sink.rows() - before)
    }

    /// Runs a statement and hands over its rows, of which the last `hidden` columns are not shown.
    fn rows(
        &mut self,
        statement: Statement,
        hidden: usize,
        mut each: impl FnMut(&mut RowSink, &Layout, &Row) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let flavour = self.flavour;
        let params = parameters(&statement)?;
        let prepared = self.session.prepare(&statement.sql)?;
        let tables = match flavour {
            Flavour::MariaDb => self.catalog.traits(self.session, &prepared.columns())?,
            Flavour::MySql | Flavour::PlanetScale => Default::default(),
        };
        let sink = &mut *self.sink;
        self.session.execute(
            &prepared,
            params,
            |columns| {
                let shown = columns.len().saturating_sub(hidden);
                Layout::new(flavour, columns, shown, |column| {
                    let traits = tables.get(&table_of(column))?;
                    traits.get(column.org_name_str().as_ref()).copied()
                })
            },
            |layout, row| each(sink, layout, row),
        )
    }

    fn count_where(&mut self, from: &str, filter: &Predicate) -> Result<u64, JobError> {
        let statement = count(Dialect::MySql, from, filter);
        let params = parameters(&statement)?;
        self.session.number(&statement.sql, params)
    }

    /// A failed statement may be one of a table that was changed since its key was looked up.
    fn forget_if_failed(&self, target: &str, sent: Result<(), JobError>) -> Result<(), JobError> {
        sent.inspect_err(|_| self.catalog.forget(target))
    }
}

/// The values of a statement as the driver takes them.
pub(super) fn parameters(statement: &Statement) -> Result<Vec<Value>, JobError> {
    statement.params.iter().map(parameter).collect()
}

fn select_list(names: Option<&[String]>) -> String {
    match names {
        None => "t.*".to_owned(),
        Some(names) => Dialect::MySql.columns(names.iter().map(String::as_str)),
    }
}
