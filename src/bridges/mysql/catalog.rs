//! What is known of the source's tables: their keys, and of MariaDB's columns what its protocol does not
//! tell. Asked of the database once a second at most, because every job needs it and tables change rarely.

use std::collections::HashMap;
use std::sync::Arc;

use mysql::consts::ColumnType;
use mysql::{Column, Value};

use super::connection::{Connection, integer, text};
use super::dialect::MYSQL;
use super::key::{KeyColumn, Kind};
use super::layout::Trait;
use crate::bridges::remembered::{Remembered, Weighed};
use crate::bridges::told::Told;
use crate::error::{JobError, Retry};
use crate::job::TargetColumn;
use crate::options::Target;
use crate::sql::Dialect;

/// The columns of one table that the catalog knows more about.
pub(super) type Traits = HashMap<String, Trait>;

/// The catalog of one source.
#[derive(Default)]
pub(super) struct Catalog {
    keys: Remembered<Arc<Vec<KeyColumn>>>,
    /// By schema and table.
    traits: Remembered<Arc<Traits>>,
}

impl Weighed for KeyColumn {
    fn weight(&self) -> usize {
        self.name.len()
    }
}

impl Weighed for Traits {
    fn weight(&self) -> usize {
        let names = self.keys().map(String::len).sum::<usize>();
        names + self.len() * 2 * size_of::<(String, Trait)>()
    }
}

/// A column that `changedSince` is compared with.
pub(super) struct Tracking {
    /// Its name as the catalog has it.
    pub(super) name: String,
    /// Its type, such as `datetime`.
    pub(super) data_type: String,
}

impl Catalog {
    /// The columns of a table's own primary key, most significant first; empty without one, and for what is
    /// no table.
    pub(super) fn key(
        &self,
        connection: &mut Connection,
        target: &Target,
    ) -> Result<Arc<Vec<KeyColumn>>, JobError> {
        self.keys.get_or(&quoted(target), || {
            let (schema, params) = place(target);
            // Named twice, each view of the catalog opens this table only.
            let params = [params.clone(), params].concat();
            let sql = format!(
                "SELECT k.COLUMN_NAME, c.DATA_TYPE, c.NUMERIC_SCALE \
                 FROM information_schema.KEY_COLUMN_USAGE k \
                 JOIN information_schema.COLUMNS c ON c.TABLE_SCHEMA = k.TABLE_SCHEMA \
                 AND c.TABLE_NAME = k.TABLE_NAME AND c.COLUMN_NAME = k.COLUMN_NAME \
                 WHERE k.TABLE_NAME = ? AND k.TABLE_SCHEMA = {schema} \
                 AND c.TABLE_NAME = ? AND c.TABLE_SCHEMA = {schema} \
                 AND k.CONSTRAINT_NAME = 'PRIMARY' ORDER BY k.ORDINAL_POSITION"
            );
            let mut key = Vec::new();
            let mut told = Told::default();
            connection.table(&sql, params, |row| {
                let name = text(row, 0);
                told.column(name.len())?;
                key.push(KeyColumn {
                    name,
                    kind: Kind::of(&text(row, 1).to_lowercase(), integer(row, 2)),
                });
                Ok(())
            })?;
            Ok(Arc::new(key))
        })
    }

    /// All columns of a table or view, in their order.
    pub(super) fn columns(
        connection: &mut Connection,
        target: &Target,
    ) -> Result<Vec<TargetColumn>, JobError> {
        let mut columns = Vec::new();
        let mut told = Told::default();
        let (schema, params) = place(target);
        let sql = format!(
            "SELECT COLUMN_NAME, COLUMN_KEY, EXTRA FROM information_schema.COLUMNS \
             WHERE TABLE_NAME = ? AND TABLE_SCHEMA = {schema} ORDER BY ORDINAL_POSITION"
        );
        connection.table(&sql, params, |row| {
            let name = text(row, 0);
            told.column(name.len())?;
            columns.push(TargetColumn {
                name,
                key: text(row, 1) == "PRI",
                hidden: text(row, 2).to_uppercase().contains("INVISIBLE"),
            });
            Ok(())
        })?;
        Ok(columns)
    }

    /// The column of this name, in any case.
    pub(super) fn tracking(
        connection: &mut Connection,
        target: &Target,
        column: &str,
    ) -> Result<Option<Tracking>, JobError> {
        let mut found = None;
        let (schema, mut params) = place(target);
        params.push(column.into());
        let sql = format!(
            "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS \
             WHERE TABLE_NAME = ? AND TABLE_SCHEMA = {schema} AND COLUMN_NAME = ?"
        );
        connection.table(&sql, params, |row| {
            found = Some(Tracking {
                name: text(row, 0),
                data_type: text(row, 1).to_lowercase(),
            });
            Ok(())
        })?;
        Ok(found)
    }

    /// What is known of the tables that these columns come from.
    pub(super) fn traits(
        &self,
        connection: &mut Connection,
        columns: &[Column],
    ) -> Result<HashMap<(String, String), Arc<Traits>>, JobError> {
        let mut found = HashMap::new();
        for column in columns.iter().filter(|column| may_have_traits(column)) {
            let table = table_of(column);
            if !table.1.is_empty() && !found.contains_key(&table) {
                let traits = self.traits_in(connection, &table.0, &table.1)?;
                found.insert(table, traits);
            }
        }
        Ok(found)
    }

    /// What is known of one table's columns; without a schema it is of the default one.
    pub(super) fn traits_of(
        &self,
        connection: &mut Connection,
        target: &Target,
    ) -> Result<Arc<Traits>, JobError> {
        if let Some(schema) = target.schema() {
            return self.traits_in(connection, schema, target.table());
        }
        let mut schema = String::new();
        connection.table("SELECT DATABASE()", Vec::new(), |row| {
            schema = text(row, 0);
            Ok(())
        })?;
        self.traits_in(connection, &schema, target.table())
    }

    fn traits_in(
        &self,
        connection: &mut Connection,
        schema: &str,
        table: &str,
    ) -> Result<Arc<Traits>, JobError> {
        self.traits.get_or(&format!("{schema}\0{table}"), || {
            load_traits(connection, schema, table).map(Arc::new)
        })
    }

    /// Forgets a target on which a statement failed.
    pub(super) fn forget(&self, target: &Target) {
        self.keys.forget(&quoted(target));
    }
}

fn quoted(target: &Target) -> String {
    (&MYSQL as &dyn Dialect).target(target)
}

/// The schema of a target as it stands in a statement, and what is bound: its table, and its schema if it has one.
pub(super) fn place(target: &Target) -> (&'static str, Vec<Value>) {
    let table = target.table().into();
    match target.schema() {
        Some(schema) => ("?", vec![table, schema.into()]),
        None => ("DATABASE()", vec![table]),
    }
}

/// The table of the database that a column comes from, whatever it is called in the statement.
pub(super) fn table_of(column: &Column) -> (String, String) {
    (
        column.schema_str().into_owned(),
        column.org_table_str().into_owned(),
    )
}

fn may_have_traits(column: &Column) -> bool {
    matches!(
        column.column_type(),
        ColumnType::MYSQL_TYPE_GEOMETRY
            | ColumnType::MYSQL_TYPE_BLOB
            | ColumnType::MYSQL_TYPE_VAR_STRING
            | ColumnType::MYSQL_TYPE_STRING
    )
}

/// MariaDB's JSON is text with a check, and the protocol says nothing of it, nor of the kind of a geometry.
fn load_traits(connection: &mut Connection, schema: &str, table: &str) -> Result<Traits, JobError> {
    let params = || -> Vec<Value> { vec![schema.into(), table.into()] };
    let mut traits = Traits::new();
    let mut told = Told::default();
    let geometries = "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS \
        WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND DATA_TYPE IN ('point', 'linestring', 'polygon', \
        'multipoint', 'multilinestring', 'multipolygon', 'geometrycollection', 'geomcollection')";
    connection.table(geometries, params(), |row| {
        if let Some(kind) = geometry_name(&text(row, 1)) {
            let name = text(row, 0);
            told.column(name.len())?;
            traits.insert(name, Trait::Geometry(kind));
        }
        Ok(())
    })?;
    let checks = "SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS \
        WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ? AND CHECK_CLAUSE LIKE 'json_valid(%'";
    let found = connection.table(checks, params(), |row| {
        if let Some(column) = checked_column(&text(row, 0)) {
            told.column(column.len())?;
            traits.insert(column, Trait::Json);
        }
        Ok(())
    });
    match found {
        // MySQL's table of checks has no such column; its JSON is a type of its own.
        Err(error) if error.retry == Retry::No => log::debug!("no checks known: {}", error.message),
        other => other?,
    }
    Ok(traits)
}

/// The kind of geometry, in the words the official mariadb bridge has for a NULL of it.
fn geometry_name(data_type: &str) -> Option<&'static str> {
    Some(match data_type.to_lowercase().as_str() {
        "point" => "Point",
        "linestring" => "LineString",
        "polygon" => "Polygon",
        "multipoint" => "MultiPoint",
        "multilinestring" => "MultiLineString",
        "multipolygon" => "MultiPolygon",
        "geometrycollection" | "geomcollection" => "geometrycollection",
        _ => return None,
    })
}

/// The column of ``json_valid(`column`)``, and of nothing longer.
fn checked_column(clause: &str) -> Option<String> {
    let quoted = clause.strip_prefix("json_valid(`")?.strip_suffix("`)")?;
    let name = quoted.replace("``", "\0");
    (!name.contains('`')).then(|| name.replace('\0', "`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_check_of_one_column_makes_json() {
        assert_eq!(checked_column("json_valid(`js`)").as_deref(), Some("js"));
        assert_eq!(checked_column("json_valid(`a``b`)").as_deref(), Some("a`b"));
        assert_eq!(checked_column("json_valid(`a`) and json_valid(`b`)"), None);
        assert_eq!(checked_column("json_valid(lower(`a`))"), None);
    }
}
