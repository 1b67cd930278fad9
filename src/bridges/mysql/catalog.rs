//! What is known of the source's tables: their keys, and of MariaDB's columns what its protocol does not
//! tell. Asked of the database once a second at most, because every job needs it and tables change rarely.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use mysql::consts::ColumnType;
use mysql::{Column, Value};

use super::key::{KeyColumn, Kind};
use super::layout::Trait;
use super::session::Session;
use super::statement::{integer, text};
use crate::error::JobError;
use crate::job::TargetColumn;
use crate::limits;

/// The columns of one table that the catalog knows more about.
pub(super) type Traits = HashMap<String, Trait>;

/// The catalog of one source.
#[derive(Default)]
pub(super) struct Catalog {
    keys: Fresh<String, Vec<KeyColumn>>,
    traits: Fresh<(String, String), Traits>,
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
        session: &mut Session,
        table: &str,
    ) -> Result<Arc<Vec<KeyColumn>>, JobError> {
        self.keys.get(table.to_owned(), || {
            let mut key = Vec::new();
            let sql = "SELECT k.COLUMN_NAME, c.DATA_TYPE, c.NUMERIC_SCALE \
                       FROM information_schema.KEY_COLUMN_USAGE k \
                       JOIN information_schema.COLUMNS c ON c.TABLE_SCHEMA = k.TABLE_SCHEMA \
                       AND c.TABLE_NAME = k.TABLE_NAME AND c.COLUMN_NAME = k.COLUMN_NAME \
                       WHERE k.TABLE_SCHEMA = DATABASE() AND k.TABLE_NAME = ? \
                       AND c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME = ? \
                       AND k.CONSTRAINT_NAME = 'PRIMARY' ORDER BY k.ORDINAL_POSITION";
            session.table(sql, vec![table.into(), table.into()], |row| {
                key.push(KeyColumn {
                    name: text(row, 0),
                    kind: Kind::of(&text(row, 1).to_lowercase(), integer(row, 2)),
                });
                Ok(())
            })?;
            Ok(key)
        })
    }

    /// The names of a table's own primary key, most significant first, for a table of any database.
    pub(super) fn key_names(
        session: &mut Session,
        schema: Option<&str>,
        table: &str,
    ) -> Result<Vec<String>, JobError> {
        let sql = "SELECT COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE \
                   WHERE CONSTRAINT_NAME = 'PRIMARY' AND TABLE_NAME = ? AND TABLE_SCHEMA = ";
        names(session, sql, schema, table)
    }

    /// The names of a table's columns, for a table of any database.
    pub(super) fn column_names(
        session: &mut Session,
        schema: Option<&str>,
        table: &str,
    ) -> Result<Vec<String>, JobError> {
        let sql = "SELECT COLUMN_NAME FROM information_schema.COLUMNS \
                   WHERE TABLE_NAME = ? AND TABLE_SCHEMA = ";
        names(session, sql, schema, table)
    }

    /// All columns of a table or view, in their order.
    pub(super) fn columns(
        session: &mut Session,
        table: &str,
    ) -> Result<Vec<TargetColumn>, JobError> {
        let mut columns = Vec::new();
        let sql = "SELECT COLUMN_NAME, COLUMN_KEY, EXTRA FROM information_schema.COLUMNS \
                   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";
        session.table(sql, vec![table.into()], |row| {
            columns.push(TargetColumn {
                name: text(row, 0),
                key: text(row, 1) == "PRI",
                hidden: text(row, 2).to_uppercase().contains("INVISIBLE"),
            });
            Ok(())
        })?;
        Ok(columns)
    }

    /// The column of this name, in any case.
    pub(super) fn tracking(
        session: &mut Session,
        table: &str,
        column: &str,
    ) -> Result<Option<Tracking>, JobError> {
        let mut found = None;
        let sql = "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS \
                   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND COLUMN_NAME = ?";
        session.table(sql, vec![table.into(), column.into()], |row| {
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
        session: &mut Session,
        columns: &[Column],
    ) -> Result<HashMap<(String, String), Arc<Traits>>, JobError> {
        let mut found = HashMap::new();
        for column in columns.iter().filter(|column| may_have_traits(column)) {
            let table = table_of(column);
            if !table.1.is_empty() && !found.contains_key(&table) {
                let traits = self
                    .traits
                    .get(table.clone(), || load_traits(session, &table.0, &table.1))?;
                found.insert(table, traits);
            }
        }
        Ok(found)
    }

    /// What is known of one table's columns; without a schema it is of the default one.
    pub(super) fn traits_of(
        &self,
        session: &mut Session,
        schema: Option<&str>,
        table: &str,
    ) -> Result<Arc<Traits>, JobError> {
        let mut place = schema.map(str::to_owned);
        if place.is_none() {
            session.table("SELECT DATABASE()", Vec::new(), |row| {
                place = Some(text(row, 0));
                Ok(())
            })?;
        }
        let place = (place.unwrap_or_default(), table.to_owned());
        self.traits
            .get(place.clone(), || load_traits(session, &place.0, &place.1))
    }

    /// Forgets a target on which a statement failed.
    pub(super) fn forget(&self, table: &str) {
        self.keys.remove(table);
    }
}

/// The names that a statement about a table finds; without a schema it is the default one.
fn names(
    session: &mut Session,
    sql: &str,
    schema: Option<&str>,
    table: &str,
) -> Result<Vec<String>, JobError> {
    let place = if schema.is_some() { "?" } else { "DATABASE()" };
    let mut params: Vec<Value> = vec![table.into()];
    params.extend(schema.map(Value::from));
    let mut names = Vec::new();
    let sql = format!("{sql}{place} ORDER BY ORDINAL_POSITION");
    session.table(&sql, params, |row| {
        names.push(text(row, 0));
        Ok(())
    })?;
    Ok(names)
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
fn load_traits(session: &mut Session, schema: &str, table: &str) -> Result<Traits, JobError> {
    let params = || -> Vec<Value> { vec![schema.into(), table.into()] };
    let mut traits = Traits::new();
    let geometries = "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS \
        WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND DATA_TYPE IN ('point', 'linestring', 'polygon', \
        'multipoint', 'multilinestring', 'multipolygon', 'geometrycollection', 'geomcollection')";
    session.table(geometries, params(), |row| {
        if let Some(kind) = geometry_name(&text(row, 1)) {
            traits.insert(text(row, 0), Trait::Geometry(kind));
        }
        Ok(())
    })?;
    let checks = "SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS \
        WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ? AND CHECK_CLAUSE LIKE 'json_valid(%'";
    let found = session.table(checks, params(), |row| {
        if let Some(column) = checked_column(&text(row, 0)) {
            traits.insert(column, Trait::Json);
        }
        Ok(())
    });
    match found {
        // MySQL's table of checks has no such column; its JSON is a type of its own.
        Err(error) if !error.connection_lost => log::debug!("no checks known: {}", error.message),
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

/// Answers that are used again for a while.
struct Fresh<K, V>(Mutex<HashMap<K, (Instant, Arc<V>)>>);

impl<K, V> Default for Fresh<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: std::hash::Hash + Eq, V> Fresh<K, V> {
    fn get(&self, key: K, load: impl FnOnce() -> Result<V, JobError>) -> Result<Arc<V>, JobError> {
        if let Some((asked, value)) = self.lock().get(&key)
            && asked.elapsed() < limits::CATALOG_FRESH
        {
            return Ok(Arc::clone(value));
        }
        let value = Arc::new(load()?);
        let mut known = self.lock();
        if known.len() >= limits::CATALOG_TARGETS {
            known.clear();
        }
        known.insert(key, (Instant::now(), Arc::clone(&value)));
        Ok(value)
    }

    fn remove<Q: ?Sized + std::hash::Hash + Eq>(&self, key: &Q)
    where
        K: std::borrow::Borrow<Q>,
    {
        self.lock().remove(key);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, (Instant, Arc<V>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

    #[test]
    fn an_answer_is_used_again_until_it_is_forgotten() {
        let known = Fresh::<String, u32>::default();
        assert_eq!(*known.get("t".to_owned(), || Ok(1)).unwrap(), 1);
        assert_eq!(*known.get("t".to_owned(), || Ok(2)).unwrap(), 1);
        known.remove("t");
        assert_eq!(*known.get("t".to_owned(), || Ok(3)).unwrap(), 3);
    }
}
