//! What the shared answers need of MySQL.

use std::collections::HashMap;
use std::sync::Arc;

use mysql::Value;

use super::catalog::{Catalog, place, table_of};
use super::connection::{Connection, text};
use super::dialect::MYSQL;
use super::key::KeyColumn;
use super::layout::{Layout, Trait};
use super::row::MySqlRow;
use super::since::later_than;
use super::value::parameter;
use super::{Flavour, MySql, privileges};
use crate::bridges::description::DescribedColumn;
use crate::bridges::sql::{Each, Select, SelectList, Session, Walk};
use crate::error::JobError;
use crate::job::{Columns, KeptBy, Privileges, ServerFacts};
use crate::options::{
    AggregateOptions, Bucket, ReadOptions, Target, dimension_column, measure_column,
};
use crate::sql::{Cursor, Dialect, Statement};

/// A connection during one job.
pub(super) struct MySqlSession<'s> {
    pub(super) connection: &'s mut Connection,
    pub(super) engine: &'s MySql,
}

/// What a statement selects.
#[derive(Default)]
pub(super) struct List {
    sql: String,
    /// In a walk: its columns come last and are not shown.
    key: Arc<Vec<KeyColumn>>,
    /// In an aggregate: what is known of its columns. The protocol tells only of those that come straight from a
    /// table, of which the catalog is asked.
    traits: Option<HashMap<String, Trait>>,
}

impl SelectList for List {
    fn sql(&self) -> &str {
        &self.sql
    }
}

impl MySqlSession<'_> {
    /// What MariaDB's catalog knows of the columns that are shown as rows show them, by their names in the
    /// statements of an aggregate.
    fn traits(&mut self, options: &AggregateOptions) -> Result<HashMap<String, Trait>, JobError> {
        let mut wanted = Vec::new();
        for (i, dimension) in options.dimensions.iter().enumerate() {
            let target = match dimension.join {
                None => Some(&options.target),
                Some(join) => options.joins.get(join).map(|join| &join.target),
            };
            if let (Bucket::Value, Some(target)) = (&dimension.bucket, target) {
                wanted.push((dimension_column(i), target, dimension.field.as_str()));
            }
        }
        for (i, measure) in options.measures.iter().enumerate() {
            if let (true, Some(column)) = (
                measure.aggregate.is_of_one_row(),
                measure.aggregate.column(),
            ) {
                wanted.push((measure_column(i), &options.target, column));
            }
        }
        let mut found = HashMap::new();
        for (name, target, column) in wanted {
            let known = self.engine.catalog.traits_of(self.connection, target)?;
            if let Some(known) = known.get(column) {
                found.insert(name, *known);
            }
        }
        Ok(found)
    }
}

impl Session for MySqlSession<'_> {
    fn dialect(&self) -> &dyn Dialect {
        &MYSQL
    }

    fn columns(&mut self, target: &Target) -> Result<Columns, JobError> {
        let columns = Catalog::columns(self.connection, target)?;
        Ok(match columns.is_empty() {
            true => Columns::NoSuchTarget,
            false => Columns::Known(columns),
        })
    }

    fn key(&mut self, target: &Target) -> Result<Vec<String>, JobError> {
        let key = self.engine.catalog.key(self.connection, target)?;
        let names = key.iter().map(|column| self.dialect().column(&column.name));
        Ok(names.collect())
    }

    fn number(&mut self, statement: &Statement) -> Result<u64, JobError> {
        let params = parameters(statement)?;
        self.connection.number(&statement.sql, params)
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

    /// The tables of the default database.
    fn targets(
        &mut self,
        each: &mut dyn FnMut(&str) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let sql = "SELECT TABLE_NAME FROM information_schema.TABLES \
                   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME";
        self.connection
            .table(sql, Vec::new(), |row| each(&text(row, 0)))
    }

    fn describe(
        &mut self,
        target: &Target,
        each: &mut dyn FnMut(&DescribedColumn<'_>),
    ) -> Result<(), JobError> {
        let key = self.engine.catalog.key(self.connection, target)?;
        let type_column = match self.engine.flavour {
            Flavour::MariaDb => "COLUMN_TYPE",
            Flavour::MySql | Flavour::PlanetScale => "DATA_TYPE",
        };
        let (schema, params) = place(target);
        let sql = format!(
            "SELECT COLUMN_NAME, {type_column}, IS_NULLABLE FROM information_schema.COLUMNS \
             WHERE TABLE_NAME = ? AND TABLE_SCHEMA = {schema} ORDER BY ORDINAL_POSITION"
        );
        self.connection.table(&sql, params, |row| {
            let name = text(row, 0);
            let data_type = text(row, 1);
            each(&DescribedColumn {
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
        })
    }

    fn server(&mut self) -> Result<ServerFacts, JobError> {
        let mut version = String::new();
        self.connection
            .table("SELECT VERSION()", Vec::new(), |row| {
                version = text(row, 0);
                Ok(())
            })?;
        Ok(ServerFacts {
            version: match version.split_once("-MariaDB") {
                Some((number, _)) => format!("MariaDB {number}"),
                None => format!("MySQL {version}"),
            },
            tls: self.connection.encrypted,
            read_only: true,
            kept_by: match self.connection.read_only {
                true => KeptBy::Session,
                false => KeptBy::Transaction,
            },
        })
    }

    fn privileges(&mut self) -> Result<Privileges, JobError> {
        privileges::ask(self.connection)
    }
}

impl Select for MySqlSession<'_> {
    type List = List;

    fn list(&mut self, _: &Target, names: Option<&[String]>) -> Result<List, JobError> {
        Ok(List {
            sql: self.dialect().select_list(names),
            ..List::default()
        })
    }

    fn walk(&mut self, target: &Target, options: &ReadOptions) -> Result<Walk<List>, JobError> {
        let key = self.engine.catalog.key(self.connection, target)?;
        let mut sql = self.dialect().select_list(options.fields.as_deref());
        for column in key.iter() {
            sql.push_str(", ");
            sql.push_str(&column.select());
        }
        let position = options.cursor.as_ref();
        let position = position.map(|cursor| Cursor::decode(cursor, key.len()).values());
        let after = position.iter().flatten().zip(key.iter());
        let after = after.map(|(value, column)| match value.as_str() {
            Some(text) => column.bound(text),
            None => value.clone(),
        });
        let mut since = Vec::new();
        if let Some(instant) = &options.changed_since
            && let Some(column) =
                Catalog::tracking(self.connection, target, &options.tracking_column)?
        {
            since.push(later_than(&column.name, &column.data_type, instant));
        }
        Ok(Walk {
            key: key.iter().map(KeyColumn::part).collect(),
            after: after.collect(),
            since,
            list: List {
                sql,
                key,
                traits: None,
            },
        })
    }

    fn prepare_aggregate(&mut self, options: &AggregateOptions) -> Result<List, JobError> {
        if options.measures.iter().any(|m| m.aggregate.is_of_one_row()) {
            self.connection.allow_columns_of_groups();
        }
        let traits = match self.engine.flavour {
            Flavour::MariaDb => self.traits(options)?,
            Flavour::MySql | Flavour::PlanetScale => HashMap::new(),
        };
        Ok(List {
            traits: Some(traits),
            ..List::default()
        })
    }

    fn rows(
        &mut self,
        statement: &Statement,
        list: &List,
        each: &mut Each<'_>,
    ) -> Result<(), JobError> {
        let flavour = self.engine.flavour;
        let params = parameters(statement)?;
        let prepared = self.connection.prepare(&statement.sql, params.len())?;
        let tables = match (flavour, &list.traits) {
            (Flavour::MariaDb, None) => {
                let catalog = &self.engine.catalog;
                catalog.traits(self.connection, &prepared.columns())?
            }
            _ => HashMap::new(),
        };
        self.connection.execute(
            &prepared,
            params,
            |columns| {
                let shown = columns.len().saturating_sub(list.key.len());
                Layout::new(flavour, columns, shown, |column| match &list.traits {
                    Some(traits) => traits.get(column.name_str().as_ref()).copied(),
                    None => {
                        let traits = tables.get(&table_of(column))?;
                        traits.get(column.org_name_str().as_ref()).copied()
                    }
                })
            },
            |layout, row| {
                let key = &list.key;
                each(&MySqlRow { layout, key, row })
            },
        )
    }
}

/// The values of a statement as the driver takes them.
fn parameters(statement: &Statement) -> Result<Vec<Value>, JobError> {
    statement.params.iter().map(parameter).collect()
}
