//! `aggregate`: what the columns of PostgreSQL need, and the values of buckets.

use std::sync::Arc;

use postgres::Row;

use crate::bridges::aggregate::{self, Statements, Values, check_geohash};
use crate::bridges::postgres::answer::Answer;
use crate::bridges::postgres::catalog::Relation;
use crate::bridges::postgres::form::{Cast, EPOCH_MICROS, Form, array_type, cast, form};
use crate::bridges::postgres::row::{changed, raw, unreadable};
use crate::bridges::postgres::session::Session;
use crate::bridges::postgres::time_label::write_time_label;
use crate::bridges::postgres::{Flavour, Target};
use crate::error::JobError;
use crate::json::{js_date_text, js_number, js_string, write_millis, write_number_of_text};
use crate::options::{AggregateOptions, TimeUnit};
use crate::sql::{Aggregation, ColumnFacts, Columns, Dialect, Statement, parts_of_name};

impl Answer<'_> {
    /// Buckets of rows. `postgis` tells whether the source says it has that extension.
    pub fn aggregate(
        &mut self,
        target: &str,
        options: &AggregateOptions,
        postgis: bool,
    ) -> Result<(), JobError> {
        check_geohash(options, postgis, postgis)?;
        let (flavour, catalog) = (self.flavour, self.catalog);
        let sink = &mut *self.sink;
        let mut work = |session: &mut Session| {
            let name = options.target.as_deref().unwrap_or(target);
            let (from, target) = table(name)?;
            let mut joins = Vec::with_capacity(options.joins.len());
            let mut joined = Vec::with_capacity(options.joins.len());
            for join in &options.joins {
                let (from, target) = table(&join.target)?;
                joins.push(from);
                joined.push(catalog.relation(session, &target)?);
            }
            let columns = Relations {
                target: catalog.relation(session, &target)?,
                joined,
            };
            let key = columns.target.iter().flat_map(|known| &known.key);
            let key: Vec<_> = key.map(|name| Dialect::Postgres.column(name)).collect();
            let aggregation = Aggregation {
                dialect: Dialect::Postgres,
                options,
                from: &from,
                joins: &joins,
                key: &key,
                columns: &columns,
                samples: flavour != Flavour::Cockroach,
                percentile_of_doubles: flavour == Flavour::Cockroach,
            };
            aggregate::answer(&aggregation, session, sink)
                // It may be a table that was changed since its columns were looked up.
                .inspect_err(|_| catalog.forget(&target))
        };
        if options.needs_snapshot() {
            self.session.snapshot(work)
        } else {
            work(self.session)
        }
    }
}

/// A table by any name, as it stands in a statement and as the catalog knows it.
fn table(name: &str) -> Result<(String, Target<'_>), JobError> {
    let parts = parts_of_name(name)?;
    let quoted: Vec<_> = parts
        .iter()
        .map(|part| Dialect::Postgres.quote(part))
        .collect();
    let mut last_first = parts.into_iter().rev();
    let table = last_first.next().unwrap_or_default();
    let target = Target::new(last_first.next(), table);
    Ok((quoted.join("."), target))
}

/// The target and the joined tables; `None` for what the catalog does not know.
struct Relations {
    target: Option<Arc<Relation>>,
    joined: Vec<Option<Arc<Relation>>>,
}

impl Columns for Relations {
    fn facts(&self, join: Option<usize>, column: &str) -> ColumnFacts {
        let relation = match join {
            None => self.target.as_ref(),
            Some(join) => self.joined.get(join).and_then(Option::as_ref),
        };
        match relation.and_then(|relation| relation.column(column)) {
            Some(column) => facts(column.oid),
            // A system column, or none; then the database says so.
            None => ColumnFacts {
                shown: "::text",
                ..ColumnFacts::default()
            },
        }
    }

    fn owner(&self, column: &str) -> Option<usize> {
        let has = |relation: &Arc<Relation>| relation.column(column).is_some();
        if self.target.as_ref().is_none_or(has) {
            return None;
        }
        self.joined
            .iter()
            .position(|joined| joined.as_ref().is_some_and(has))
    }
}

/// What a column of this type needs.
fn facts(oid: u32) -> ColumnFacts {
    let shown = match cast(oid) {
        Cast::None => "",
        Cast::Text => "::text",
        Cast::TextArray => "::text[]",
    };
    ColumnFacts {
        utc: match oid {
            // date, timestamptz: both would be told in the session's time zone.
            1082 => "::timestamp",
            1184 => " AT TIME ZONE 'UTC'",
            _ => "",
        },
        shown,
        grouped: match oid {
            // xid, cid, aclitem: they can be equal but have no order.
            28 | 29 | 1033 => "::text",
            _ => "",
        },
        // A list of arrays would be one array of more dimensions, if it is any.
        carried: match (cast(oid), array_type(oid)) {
            (Cast::None, None) => ("", ""),
            (Cast::None, Some(array)) => ("::text", array),
            (Cast::Text, _) => ("::text", ""),
            (Cast::TextArray, _) => ("::text", "::text[]"),
        },
    }
}

impl Statements for Session {
    fn rows(
        &mut self,
        statement: &Statement,
        each: &mut dyn FnMut(&dyn Values) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        Session::rows(self, &statement.sql, &statement.params, |row| each(row))
    }
}

impl Values for Row {
    fn write(&self, out: &mut String, column: usize) -> Result<(), JobError> {
        match value(self, column)? {
            None => out.push_str("null"),
            Some(value) => value.write(out).ok_or_else(|| unreadable(self, column))?,
        }
        Ok(())
    }

    fn write_number(&self, out: &mut String, column: usize) -> Result<(), JobError> {
        match value(self, column)? {
            None => out.push_str("null"),
            Some(value) => value
                .write_number(out)
                .ok_or_else(|| unreadable(self, column))?,
        }
        Ok(())
    }

    fn write_time(&self, out: &mut String, column: usize, unit: TimeUnit) -> Result<(), JobError> {
        match value(self, column)? {
            Some(value) if value.form == Form::Timestamp && !value.array => {
                let instant = value.instant().ok_or_else(|| unreadable(self, column))?;
                write_time_label(out, unit, instant);
            }
            // NULL, or a time of day: `date_trunc` makes an interval of it.
            _ => out.push_str("null"),
        }
        Ok(())
    }

    fn text(&self, column: usize) -> Result<String, JobError> {
        match value(self, column)? {
            None => Ok("null".to_owned()),
            Some(value) => value.text().ok_or_else(|| unreadable(self, column)),
        }
    }

    fn whole(&self, column: usize) -> Result<u64, JobError> {
        let Some(Typed { form, bytes, .. }) = value(self, column)? else {
            return Err(unreadable(self, column));
        };
        let number = match form {
            Form::Int8 => bytes.try_into().ok().map(i64::from_be_bytes),
            Form::Int4 => bytes.try_into().ok().map(|b| i32::from_be_bytes(b).into()),
            _ => None,
        };
        number
            .and_then(|number| u64::try_from(number).ok())
            .ok_or_else(|| unreadable(self, column))
    }
}

/// A value as it came, with how it is to be read.
struct Typed<'a> {
    form: Form,
    array: bool,
    bytes: &'a [u8],
}

/// A value of a row; `None` for NULL.
fn value(row: &Row, column: usize) -> Result<Option<Typed<'_>>, JobError> {
    let Some(bytes) = raw(row, column)? else {
        return Ok(None);
    };
    let known = row.columns().get(column);
    let (form, array) = known
        .and_then(|column| form(column.type_().oid()))
        .ok_or_else(|| changed(known.map_or("", |column| column.name())))?;
    Ok(Some(Typed { form, array, bytes }))
}

/// All of these are `None` when the bytes are not a value of the form.
impl Typed<'_> {
    fn write(&self, out: &mut String) -> Option<()> {
        if self.array {
            self.form.write_array(out, self.bytes)
        } else {
            self.form.write(out, self.bytes)
        }
    }

    /// As `Number(x)` has it in JavaScript.
    fn write_number(&self, out: &mut String) -> Option<()> {
        match self.form {
            Form::Int2 | Form::Int4 | Form::Oid | Form::Float4 | Form::Float8 if !self.array => {
                self.write(out)
            }
            Form::Date | Form::Timestamp if !self.array => {
                write_millis(out, self.instant()?);
                Some(())
            }
            _ => {
                write_number_of_text(out, &self.text()?);
                Some(())
            }
        }
    }

    /// As `String(x)` has it in JavaScript.
    fn text(&self) -> Option<String> {
        match self.form {
            Form::Date | Form::Timestamp if !self.array => self.instant().map(js_date_text),
            Form::Bytea if !self.array => Some(String::from_utf8_lossy(self.bytes).into_owned()),
            Form::Float8 if !self.array => {
                let bytes = self.bytes.try_into().ok()?;
                Some(js_number(f64::from_be_bytes(bytes)))
            }
            _ => {
                let mut json = String::new();
                self.write(&mut json)?;
                let value = serde_json::from_str(&json).ok()?;
                Some(js_string(&value))
            }
        }
    }

    /// Microseconds since 1970 of a date or timestamp; far outside what a JavaScript `Date` can hold when
    /// it is infinite.
    fn instant(&self) -> Option<i64> {
        if self.form == Form::Date {
            return Some(match i32::from_be_bytes(self.bytes.try_into().ok()?) {
                i32::MAX | i32::MIN => i64::MAX,
                days => i64::from(days) * 86_400_000_000 + EPOCH_MICROS,
            });
        }
        let micros = i64::from_be_bytes(self.bytes.try_into().ok()?);
        Some(micros.saturating_add(EPOCH_MICROS))
    }
}
