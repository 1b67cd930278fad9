//! What a database says about its tables.

use std::ops::ControlFlow;

use super::value::Value;
use super::{Cells, Database};
use crate::bridges::description::DescribedColumn;
use crate::bridges::told::Told;
use crate::error::JobError;
use crate::job::TargetColumn;
use crate::options::Target;

/// The arguments of a pragma about a table, and their parameters: its name, and its schema if it has one.
pub(super) fn place(target: &Target) -> (&'static str, Vec<Value<'_>>) {
    let table = Value::text(target.table());
    match target.schema() {
        Some(schema) => ("?1, ?2", vec![table, Value::text(schema)]),
        None => ("?1", vec![table]),
    }
}

/// The tables, by name.
pub(super) fn targets(
    database: &mut dyn Database,
    each: &mut dyn FnMut(&str) -> Result<(), JobError>,
) -> Result<(), JobError> {
    let own = database.own_prefixes();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    database.lookup(sql, &[], &mut |row| {
        let name = name(row)?;
        let begins = |prefix: &&str| {
            let start = name.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        if !own.iter().any(begins) {
            each(&name)?;
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// The columns of a table or view as they are shown. Generated ones are not listed, as in the official bridge:
/// nothing can be written to them.
pub(super) fn describe(
    database: &mut dyn Database,
    target: &Target,
    each: &mut dyn FnMut(&DescribedColumn<'_>),
) -> Result<(), JobError> {
    let (place, params) = place(target);
    let sql =
        format!("SELECT name, type, \"notnull\", pk FROM pragma_table_info({place}) ORDER BY cid");
    database.lookup(&sql, &params, &mut |row| {
        let declared = row.text(1)?.filter(|declared| !declared.is_empty());
        each(&DescribedColumn {
            name: &name(row)?,
            data_type: declared.as_deref().unwrap_or("TEXT"),
            nullable: row.integer(2)? == 0,
            primary_key: row.integer(3)? > 0,
        });
        Ok(ControlFlow::Continue(()))
    })
}

/// All columns of a table or view, in their order. Hidden ones of virtual tables are not among `*`; generated
/// ones are.
pub(in crate::bridges) fn columns(
    database: &mut dyn Database,
    target: &Target,
) -> Result<Vec<TargetColumn>, JobError> {
    let mut columns = Vec::new();
    let mut told = Told::default();
    let (place, params) = place(target);
    let sql =
        format!("SELECT name, pk > 0, hidden = 1 FROM pragma_table_xinfo({place}) ORDER BY cid");
    database.ask_catalog(&sql, &params, &mut |row| {
        let name = name(row)?;
        told.column(name.len())?;
        columns.push(TargetColumn {
            name,
            key: row.integer(1)? != 0,
            hidden: row.integer(2)? != 0,
        });
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(columns)
}

/// The name that a row of the catalog begins with.
pub(super) fn name(row: &dyn Cells) -> Result<String, JobError> {
    Ok(row.text(0)?.unwrap_or_default())
}
