//! `aggregate`: buckets of rows, with their values as the flavour shows them.

use std::collections::HashMap;

use mysql::consts::ColumnType;
use mysql::{Row, Value};

use super::Flavour;
use super::answer::{Answer, parameters};
use super::catalog::Catalog;
use super::layout::{Form, Layout, Trait};
use super::session::Session;
use super::statement::integer;
use super::time::{Moment, date_micros, moment_micros};
use super::value::write_value;
use crate::bridges::aggregate::{self, Statements, Values, check_geohash};
use crate::error::JobError;
use crate::json::{
    js_date_text, js_number, js_string, write_millis, write_number_of_text, write_u64,
};
use crate::options::{
    AggregateOptions, Bucket as Grouping, TimeUnit, dimension_column, measure_column,
};
use crate::sql::{Aggregation, ColumnFacts, Columns, Dialect, Statement, parts_of_name};

impl Answer<'_> {
    /// Buckets of rows. `geohash` tells whether the source says that its geohash buckets may be used.
    pub(super) fn aggregate(
        &mut self,
        target: &str,
        options: &AggregateOptions,
        geohash: bool,
    ) -> Result<(), JobError> {
        check_geohash(options, geohash, false)?;
        let (flavour, catalog) = (self.flavour, self.catalog);
        let sink = &mut *self.sink;
        let mut work = |session: &mut Session| {
            let target = Table::new(options.target.as_deref().unwrap_or(target))?;
            let joined: Vec<_> = options
                .joins
                .iter()
                .map(|join| Table::new(&join.target))
                .collect::<Result<_, _>>()?;
            let mut columns = Names::default();
            if !joined.is_empty() {
                columns.target = target.column_names(session)?;
                for table in &joined {
                    columns.joined.push(table.column_names(session)?);
                }
            }
            let mut key = Vec::new();
            if options.measures.iter().any(|m| m.aggregate.is_of_one_row()) {
                session.allow_columns_of_groups();
                key = Catalog::key_names(session, target.schema, target.table)?;
            }
            let key: Vec<_> = key.iter().map(|name| Dialect::MySql.column(name)).collect();
            let joins: Vec<_> = joined.iter().map(|table| table.quoted.clone()).collect();
            let aggregation = Aggregation {
                dialect: Dialect::MySql,
                options,
                from: &target.quoted,
                joins: &joins,
                key: &key,
                columns: &columns,
                samples: false,
                percentile_of_doubles: false,
            };
            let traits = match flavour {
                Flavour::MariaDb => traits(catalog, session, options, &target, &joined)?,
                Flavour::MySql | Flavour::PlanetScale => HashMap::new(),
            };
            let mut database = Database {
                flavour,
                traits,
                session,
            };
            aggregate::answer(&aggregation, &mut database, sink)
        };
        if options.needs_snapshot() {
            self.session.snapshot(work)
        } else {
            work(self.session)
        }
    }
}

/// A table by any name.
struct Table<'a> {
    quoted: String,
    schema: Option<&'a str>,
    table: &'a str,
}

impl<'a> Table<'a> {
    fn new(name: &'a str) -> Result<Self, JobError> {
        let parts = parts_of_name(name)?;
        let quoted: Vec<_> = parts
            .iter()
            .map(|part| Dialect::MySql.quote(part))
            .collect();
        let mut last_first = parts.into_iter().rev();
        Ok(Self {
            quoted: quoted.join("."),
            table: last_first.next().unwrap_or_default(),
            schema: last_first.next(),
        })
    }

    fn column_names(&self, session: &mut Session) -> Result<Vec<String>, JobError> {
        Catalog::column_names(session, self.schema, self.table)
    }
}

/// Names of columns; the server itself tells everything else.
#[derive(Default)]
struct Names {
    target: Vec<String>,
    joined: Vec<Vec<String>>,
}

impl Columns for Names {
    fn facts(&self, _: Option<usize>, _: &str) -> ColumnFacts {
        ColumnFacts::default()
    }

    fn owner(&self, column: &str) -> Option<usize> {
        let wanted = column.to_lowercase();
        let has = |names: &Vec<String>| names.iter().any(|name| name.to_lowercase() == wanted);
        if has(&self.target) {
            return None;
        }
        self.joined.iter().position(has)
    }
}

/// What MariaDB's catalog knows of the columns that are shown as rows show them, by their names in the
/// statements: the protocol tells only of columns that come straight from a table.
fn traits(
    catalog: &Catalog,
    session: &mut Session,
    options: &AggregateOptions,
    target: &Table<'_>,
    joined: &[Table<'_>],
) -> Result<HashMap<String, Trait>, JobError> {
    let mut wanted = Vec::new();
    for (i, dimension) in options.dimensions.iter().enumerate() {
        let table = dimension.join.map_or(Some(target), |join| joined.get(join));
        if let (Grouping::Value, Some(table)) = (&dimension.bucket, table) {
            wanted.push((dimension_column(i), table, dimension.field.as_str()));
        }
    }
    for (i, measure) in options.measures.iter().enumerate() {
        if let (true, Some(column)) = (
            measure.aggregate.is_of_one_row(),
            measure.aggregate.column(),
        ) {
            wanted.push((measure_column(i), target, column));
        }
    }
    let mut found = HashMap::new();
    for (name, table, column) in wanted {
        let known = catalog.traits_of(session, table.schema, table.table)?;
        if let Some(known) = known.get(column) {
            found.insert(name, *known);
        }
    }
    Ok(found)
}

struct Database<'a> {
    flavour: Flavour,
    traits: HashMap<String, Trait>,
    session: &'a mut Session,
}

impl Statements for Database<'_> {
    fn rows(
        &mut self,
        statement: &Statement,
        each: &mut dyn FnMut(&dyn Values) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let (flavour, traits) = (self.flavour, &self.traits);
        let params = parameters(statement)?;
        let prepared = self.session.prepare(&statement.sql)?;
        self.session.execute(
            &prepared,
            params,
            |columns| {
                Layout::new(flavour, columns, columns.len(), |column| {
                    traits.get(column.name_str().as_ref()).copied()
                })
            },
            |layout, row| each(&Bucket { layout, row }),
        )
    }
}

struct Bucket<'a> {
    layout: &'a Layout,
    row: &'a Row,
}

impl Bucket<'_> {
    fn value(&self, column: usize) -> (&Value, Form) {
        let form = self.layout.fields.get(column);
        (
            self.row.as_ref(column).unwrap_or(&Value::NULL),
            form.map_or(Form::Text, |field| field.form),
        )
    }

    fn is_bits(&self, column: usize) -> bool {
        let column = self.row.columns_ref().get(column);
        column.is_some_and(|column| column.column_type() == ColumnType::MYSQL_TYPE_BIT)
    }
}

/// The instant of a value that rows show as one; `None` inside for what is no instant to JavaScript.
fn instant(value: &Value, form: Form) -> Option<Option<i64>> {
    match (value, form) {
        (Value::Date(..), Form::Date { zero_is_null }) => {
            Some(date_micros(Moment::of(value), zero_is_null))
        }
        (Value::Date(..), Form::Instant) => Some(moment_micros(Moment::of(value))),
        _ => None,
    }
}

/// A value as `String(x)` has it in JavaScript.
fn js_text(value: &Value, form: Form) -> String {
    match (value, form) {
        (Value::Double(number), _) => js_number(*number),
        (Value::Bytes(bytes), Form::Bytes | Form::ByteArray) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        _ => {
            let mut json = String::new();
            write_value(&mut json, value, form);
            serde_json::from_str(&json).map_or(json, |value| js_string(&value))
        }
    }
}

impl Values for Bucket<'_> {
    fn write(&self, out: &mut String, column: usize) -> Result<(), JobError> {
        let (value, form) = self.value(column);
        write_value(out, value, form);
        Ok(())
    }

    fn write_number(&self, out: &mut String, column: usize) -> Result<(), JobError> {
        let (value, form) = self.value(column);
        match (value, instant(value, form)) {
            (Value::NULL, _) | (_, Some(None)) => out.push_str("null"),
            (Value::Bytes(bits), None) if self.is_bits(column) => {
                let number = bits
                    .iter()
                    .fold(0, |number, byte| number << 8 | u64::from(*byte));
                write_u64(out, number);
            }
            (_, Some(Some(micros))) => write_millis(out, micros),
            (Value::Int(_) | Value::UInt(_) | Value::Float(_) | Value::Double(_), None) => {
                write_value(out, value, Form::Number);
            }
            (_, None) => write_number_of_text(out, &js_text(value, form)),
        }
        Ok(())
    }

    fn write_time(&self, out: &mut String, column: usize, _: TimeUnit) -> Result<(), JobError> {
        // The label was made by the statement; NULL is what is no time.
        let (value, _) = self.value(column);
        write_value(out, value, Form::Text);
        Ok(())
    }

    fn text(&self, column: usize) -> Result<String, JobError> {
        let (value, form) = self.value(column);
        Ok(match instant(value, form) {
            Some(Some(micros)) => js_date_text(micros),
            Some(None) => "Invalid Date".to_owned(),
            None => js_text(value, form),
        })
    }

    fn whole(&self, column: usize) -> Result<u64, JobError> {
        Ok(integer(self.row, column))
    }
}
