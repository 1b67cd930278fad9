//! What the shared answers need of PostgreSQL.

use std::sync::Arc;

use super::catalog::Relation;
use super::connection::Connection;
use super::dialect::{COCKROACH, POSTGRES};
use super::list::{KeyColumns, SelectList};
use super::row::Layout;
use super::{Flavour, Postgres, error, privileges, typed};
use crate::bridges::description::DescribedColumn;
use crate::bridges::sql::{self, Each, Needs, Select, Session, Walk};
use crate::error::JobError;
use crate::job::{Columns, KeptBy, Privileges, ServerFacts, TargetColumn};
use crate::json::Text;
use crate::options::{AggregateOptions, Predicate, ReadOptions, Target, TimeUnit};
use crate::sql::{Bound, ColumnFacts, Cursor, Dialect, KeyPart, Statement, Table};

/// A connection during one job.
pub struct PostgresSession<'s> {
    /// The connection.
    pub connection: &'s mut Connection,
    /// The source.
    pub engine: &'s Postgres,
}

/// What a statement selects.
pub struct List {
    /// The target; `None` where the catalog knows of none, and the database says so itself.
    relation: Option<Arc<Relation>>,
    shown: Arc<SelectList>,
    /// In a walk: the whole SQL, and where in a row the key is.
    walk: Option<(String, KeyColumns)>,
}

impl sql::SelectList for List {
    fn sql(&self) -> &str {
        match &self.walk {
            Some((sql, _)) => sql,
            None => &self.shown.sql,
        }
    }
}

impl PostgresSession<'_> {
    fn relation(&mut self, target: &Target) -> Result<Option<Arc<Relation>>, JobError> {
        self.engine.catalog.relation(self.connection, target)
    }
}

impl Session for PostgresSession<'_> {
    fn dialect(&self) -> &dyn Dialect {
        match self.engine.flavour {
            Flavour::Cockroach => &COCKROACH,
            Flavour::Postgres | Flavour::Neon => &POSTGRES,
        }
    }

    fn columns(&mut self, target: &Target) -> Result<Columns, JobError> {
        let Some(relation) = self.relation(target)? else {
            return Ok(Columns::NoSuchTarget);
        };
        let columns = relation.columns.iter().map(|column| TargetColumn {
            name: column.name.clone(),
            key: relation.key.contains(&column.name),
            hidden: false,
        });
        Ok(Columns::Known(columns.collect()))
    }

    fn key(&mut self, target: &Target) -> Result<Vec<String>, JobError> {
        let relation = self.relation(target)?;
        let key = relation.iter().flat_map(|relation| &relation.key);
        Ok(key.map(|name| self.dialect().column(name)).collect())
    }

    fn table(&mut self, target: &Target, _: Needs) -> Result<Table, JobError> {
        let relation = self.relation(target)?;
        let columns = relation.map(|relation| {
            let columns = relation.columns.iter();
            let columns = columns.map(|column| (column.name.clone(), typed::facts(column.oid)));
            columns.collect()
        });
        Ok(Table {
            name: self.dialect().target(target),
            columns,
            // A system column, or none; then the database says so.
            others: ColumnFacts {
                shown: "::text",
                ..ColumnFacts::default()
            },
            key: self.key(target)?,
        })
    }

    fn number(&mut self, statement: &Statement) -> Result<u64, JobError> {
        self.connection.number(&statement.sql, &statement.params)
    }

    fn forget(&mut self, target: &Target) {
        self.engine.catalog.forget(target);
    }

    fn begin_snapshot(&mut self) -> Result<(), JobError> {
        self.connection.begin_snapshot()
    }

    fn end_snapshot(&mut self) -> Result<(), JobError> {
        self.connection.end_snapshot()
    }

    /// The tables of schema `public`.
    fn targets(
        &mut self,
        each: &mut dyn FnMut(&str) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let sql = "SELECT table_name::text FROM information_schema.tables \
                   WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1";
        self.connection.rows(sql, &[], |row| each(text(row, 0)?))
    }

    fn describe(
        &mut self,
        target: &Target,
        each: &mut dyn FnMut(&DescribedColumn<'_>),
    ) -> Result<(), JobError> {
        let relation = self.relation(target)?.unwrap_or_default();
        let sql = "SELECT column_name::text, data_type::text, is_nullable::text \
                   FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 \
                   ORDER BY ordinal_position";
        let params = [relation.schema.as_str().into(), target.table().into()];
        self.connection.rows(sql, &params, |row| {
            let name = text(row, 0)?;
            each(&DescribedColumn {
                name,
                data_type: text(row, 1)?,
                nullable: text(row, 2)? == "YES",
                primary_key: relation.key.iter().any(|key| key == name),
            });
            Ok(())
        })
    }

    fn server(&mut self) -> Result<ServerFacts, JobError> {
        let sql = "SELECT current_setting('server_version'), current_setting('transaction_read_only'), version()";
        let mut facts = ServerFacts {
            version: String::new(),
            tls: self.connection.encrypted(),
            read_only: false,
            kept_by: match self.connection.is_read_only() {
                true => KeptBy::Session,
                false => KeptBy::Transaction,
            },
        };
        let flavour = self.engine.flavour;
        self.connection.rows(sql, &[], |row| {
            facts.version = match flavour {
                Flavour::Cockroach => text(row, 2)?.to_owned(),
                Flavour::Postgres | Flavour::Neon => format!("PostgreSQL {}", text(row, 0)?),
            };
            facts.read_only = text(row, 1)? == "on";
            Ok(())
        })?;
        Ok(facts)
    }

    fn privileges(&mut self) -> Result<Privileges, JobError> {
        privileges::ask(self.connection)
    }
}

impl Select for PostgresSession<'_> {
    type List = List;

    fn list(&mut self, target: &Target, names: Option<&[String]>) -> Result<List, JobError> {
        let relation = self.relation(target)?;
        Ok(List {
            shown: match &relation {
                Some(relation) => relation.select_list(names),
                None => SelectList::unknown(),
            },
            relation,
            walk: None,
        })
    }

    fn walk(&mut self, target: &Target, options: &ReadOptions) -> Result<Walk<List>, JobError> {
        let relation = self.relation(target)?.unwrap_or_default();
        let shown = relation.select_list(options.fields.as_deref());
        let mut sql = shown.sql.clone();
        let positions =
            KeyColumns::select(&relation.columns, &relation.key, &shown.shown, &mut sql);
        let part = |name: &String| KeyPart {
            expression: self.dialect().column(name),
            cast: KeyPart::AS_IT_IS,
        };
        let key: Vec<_> = relation.key.iter().map(part).collect();
        let cursor = options.cursor.as_ref();
        let after = cursor.map(|text| Cursor::decode(text, key.len()).values());
        // The server reads the text as the column's own type.
        let since = options.changed_since.clone();
        let since = since.zip(relation.column(&options.tracking_column));
        let since = since.map(|(since, column)| Bound {
            before: format!("{} > ", self.dialect().column(&column.name)),
            value: since.into(),
            after: String::new(),
        });
        Ok(Walk {
            key,
            after: after.unwrap_or_default(),
            since: since.into_iter().collect(),
            list: List {
                relation: Some(relation),
                shown,
                walk: Some((sql, positions)),
            },
        })
    }

    fn prepare_aggregate(&mut self, _: &AggregateOptions) -> Result<List, JobError> {
        Ok(List {
            relation: None,
            shown: SelectList::unknown(),
            walk: None,
        })
    }

    fn rows(
        &mut self,
        statement: &Statement,
        list: &List,
        each: &mut Each<'_>,
    ) -> Result<(), JobError> {
        let mut layout = None;
        let each = |row: &postgres::Row| hand_over(row, list, &mut layout, each);
        self.connection
            .rows(&statement.sql, &statement.params, each)
    }

    fn is_pinned(&self, list: &List, filter: &Predicate) -> bool {
        let relation = list.relation.as_ref();
        relation.is_some_and(|relation| relation.unique && filter.pins(&relation.key))
    }

    fn one_row(
        &mut self,
        statement: &Statement,
        list: &List,
        each: &mut Each<'_>,
    ) -> Result<(), JobError> {
        let mut layout = None;
        let each = |row: &postgres::Row| hand_over(row, list, &mut layout, each);
        self.connection
            .one_row(&statement.sql, &statement.params, each)
    }
}

/// The first row tells how all of them are written.
fn hand_over(
    row: &postgres::Row,
    list: &List,
    layout: &mut Option<Arc<Layout>>,
    each: &mut Each<'_>,
) -> Result<(), JobError> {
    let layout = match layout {
        Some(layout) => layout,
        none => none.insert(list.shown.layout(row)?),
    };
    each(&Row { row, layout, list })
}

fn text(row: &postgres::Row, column: usize) -> Result<&str, JobError> {
    row.try_get(column).map_err(|e| error::executing(&e))
}

struct Row<'a> {
    row: &'a postgres::Row,
    layout: &'a Layout,
    list: &'a List,
}

impl sql::Row for Row<'_> {
    fn write_row(&self, out: &mut Text) -> Result<(), JobError> {
        self.layout.write(out, self.row)
    }

    fn cursor(&self) -> Result<String, JobError> {
        match &self.list.walk {
            Some((_, key)) => Ok(key.cursor(self.row)?.encode()),
            None => Ok(String::new()),
        }
    }
}

impl sql::Values for Row<'_> {
    fn write(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
        typed::write(self.row, out, column)
    }

    fn write_number(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
        typed::write_number(self.row, out, column)
    }

    fn write_time(&self, out: &mut Text, column: usize, unit: TimeUnit) -> Result<(), JobError> {
        typed::write_time(self.row, out, column, unit)
    }

    fn text(&self, column: usize) -> Result<String, JobError> {
        typed::text(self.row, column)
    }

    fn whole(&self, column: usize) -> Result<u64, JobError> {
        typed::whole(self.row, column)
    }
}
