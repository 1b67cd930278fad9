//! The columns of an answer: their keys in the row's JSON, written once, and the form of their values.

use mysql::Column;
use mysql::consts::{ColumnFlags, ColumnType};

use super::Flavour;
use super::geometry::GeometryStyle;
use crate::error::JobError;
use crate::json::write_string;

/// Number of the `binary` character set: bytes, not text.
const BINARY: u16 = 63;
/// Decimals of a column whose values have as many as they need.
const DECIMALS_NOT_FIXED: u8 = 31;

/// What is known of a column beyond what the protocol tells (MariaDB keeps it in its catalog).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trait {
    /// Text that is checked to be JSON, which is what MariaDB's JSON type is.
    Json,
    /// A geometry of one certain kind, as the official mariadb bridge spells it.
    Geometry(&'static str),
}

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Integers exactly, floats by their shortest text.
    Number,
    /// 64-bit integers as text (planetscale).
    NumberText,
    /// A string.
    Text,
    /// Comma-separated members as an array (mariadb).
    Members,
    /// A byte string as Node's `Buffer`.
    Bytes,
    /// A byte string as JavaScript shows a `Uint8Array`: `{"0":222,"1":173}` (planetscale).
    ByteArray,
    /// A bit string of one bit as a boolean (mariadb).
    Flag,
    /// DATE as an instant; whether `0000-00-00` is null.
    Date { zero_is_null: bool },
    /// DATETIME and TIMESTAMP as an instant.
    Instant,
    /// DATE, DATETIME and TIMESTAMP as the server's text, with this many decimals (planetscale).
    TimeText { date_only: bool, decimals: u8 },
    /// TIME as text.
    Duration { decimals: u8 },
    /// A JSON document.
    Document,
    /// A geometry, and what its NULL is tagged with (mariadb).
    Geometry(GeometryStyle, Option<&'static str>),
    /// 32-bit floats as an array.
    Vector,
    /// Not shown: another column of the same name counts.
    Hidden,
}

/// One shown column.
#[derive(Debug)]
pub(super) struct Field {
    /// `{"name":` or `,"name":`, escaped.
    pub(super) key: String,
    /// How its values are written.
    pub(super) form: Form,
}

/// The shown columns of an answer, in their order.
#[derive(Debug)]
pub(super) struct Layout {
    /// One entry a column of the answer, from the first on; columns beyond are not shown.
    pub(super) fields: Vec<Field>,
}

impl Layout {
    /// Plans the first `shown` columns. `traits` tells what the catalog knows of a column.
    ///
    /// # Errors
    /// A name that appears twice fails on mariadb, as in its driver; elsewhere the last column counts.
    pub(super) fn new(
        flavour: Flavour,
        columns: &[Column],
        shown: usize,
        traits: impl Fn(&Column) -> Option<Trait>,
    ) -> Result<Self, JobError> {
        let mut fields: Vec<Field> = Vec::with_capacity(shown);
        for column in columns.iter().take(shown) {
            let name = column.name_str();
            let mut key = String::with_capacity(name.len() + 4);
            key.push(',');
            write_string(&mut key, &name);
            key.push(':');
            let form = form(flavour, column, traits(column));
            if let Some(before) = fields.iter_mut().find(|field| field.key == key) {
                if flavour == Flavour::MariaDb {
                    return Err(JobError::query_failed(format!(
                        "the answer has two columns called {name}"
                    )));
                }
                before.form = Form::Hidden;
            }
            fields.push(Field { key, form });
        }
        let first = fields.iter_mut().find(|field| field.form != Form::Hidden);
        if let Some(first) = first {
            first.key.replace_range(..1, "{");
        }
        Ok(Self { fields })
    }
}

/// How a column's values are written.
pub(super) fn form(flavour: Flavour, column: &Column, known: Option<Trait>) -> Form {
    use ColumnType as T;
    let planetscale = flavour == Flavour::PlanetScale;
    let decimals = column.decimals();
    match (column.column_type(), known) {
        (T::MYSQL_TYPE_TINY, _)
        | (T::MYSQL_TYPE_SHORT, _)
        | (T::MYSQL_TYPE_INT24, _)
        | (T::MYSQL_TYPE_LONG, _)
        | (T::MYSQL_TYPE_YEAR, _)
        | (T::MYSQL_TYPE_FLOAT, _)
        | (T::MYSQL_TYPE_DOUBLE, _)
        | (T::MYSQL_TYPE_NULL, _) => Form::Number,
        (T::MYSQL_TYPE_LONGLONG, _) if planetscale => Form::NumberText,
        (T::MYSQL_TYPE_LONGLONG, _) => Form::Number,
        (T::MYSQL_TYPE_DECIMAL | T::MYSQL_TYPE_NEWDECIMAL, _) => Form::Text,
        (T::MYSQL_TYPE_DATE | T::MYSQL_TYPE_NEWDATE, _) if planetscale => Form::TimeText {
            date_only: true,
            decimals: 0,
        },
        (T::MYSQL_TYPE_DATE | T::MYSQL_TYPE_NEWDATE, _) => Form::Date {
            zero_is_null: flavour == Flavour::MariaDb,
        },
        (T::MYSQL_TYPE_DATETIME | T::MYSQL_TYPE_TIMESTAMP, _)
        | (T::MYSQL_TYPE_DATETIME2 | T::MYSQL_TYPE_TIMESTAMP2, _) => {
            if planetscale {
                Form::TimeText {
                    date_only: false,
                    decimals,
                }
            } else {
                Form::Instant
            }
        }
        (T::MYSQL_TYPE_TIME | T::MYSQL_TYPE_TIME2, _) => Form::Duration { decimals },
        (T::MYSQL_TYPE_BIT, _) if flavour == Flavour::MariaDb && column.column_length() == 1 => {
            Form::Flag
        }
        (T::MYSQL_TYPE_BIT, _) => bytes(planetscale),
        (T::MYSQL_TYPE_JSON, _) => Form::Document,
        (T::MYSQL_TYPE_GEOMETRY, _) if planetscale => Form::ByteArray,
        (T::MYSQL_TYPE_GEOMETRY, known) if flavour == Flavour::MariaDb => Form::Geometry(
            GeometryStyle::GeoJson,
            match known {
                Some(Trait::Geometry(name)) => Some(name),
                _ => None,
            },
        ),
        (T::MYSQL_TYPE_GEOMETRY, _) => Form::Geometry(GeometryStyle::Points, None),
        (T::MYSQL_TYPE_VECTOR, _) => Form::Vector,
        (_, Some(Trait::Json)) => Form::Document,
        _ if flavour == Flavour::MariaDb && column.flags().contains(ColumnFlags::SET_FLAG) => {
            Form::Members
        }
        _ if column.character_set() == BINARY => bytes(planetscale),
        _ => Form::Text,
    }
}

fn bytes(planetscale: bool) -> Form {
    if planetscale {
        Form::ByteArray
    } else {
        Form::Bytes
    }
}

/// Decimals to show of a value with these microseconds.
pub(super) fn shown_decimals(decimals: u8, micros: u32) -> usize {
    match decimals {
        DECIMALS_NOT_FIXED if micros == 0 => 0,
        more if more >= 6 => 6,
        fixed => usize::from(fixed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, kind: ColumnType) -> Column {
        Column::new(kind)
            .with_name(name.as_bytes())
            .with_character_set(45)
    }

    fn plan(flavour: Flavour, columns: &[Column]) -> Result<Vec<Form>, JobError> {
        let layout = Layout::new(flavour, columns, columns.len(), |_| None)?;
        Ok(layout.fields.into_iter().map(|field| field.form).collect())
    }

    #[test]
    fn flavours_differ_where_their_drivers_do() {
        let columns = [
            column("a", ColumnType::MYSQL_TYPE_LONGLONG),
            column("b", ColumnType::MYSQL_TYPE_BIT).with_column_length(1),
            column("c", ColumnType::MYSQL_TYPE_STRING).with_flags(ColumnFlags::SET_FLAG),
            column("d", ColumnType::MYSQL_TYPE_BLOB).with_character_set(BINARY),
            column("e", ColumnType::MYSQL_TYPE_GEOMETRY).with_character_set(BINARY),
        ];
        assert_eq!(
            plan(Flavour::MySql, &columns).unwrap(),
            [
                Form::Number,
                Form::Bytes,
                Form::Text,
                Form::Bytes,
                Form::Geometry(GeometryStyle::Points, None)
            ]
        );
        assert_eq!(
            plan(Flavour::MariaDb, &columns).unwrap(),
            [
                Form::Number,
                Form::Flag,
                Form::Members,
                Form::Bytes,
                Form::Geometry(GeometryStyle::GeoJson, None)
            ]
        );
        assert_eq!(
            plan(Flavour::PlanetScale, &columns).unwrap(),
            [
                Form::NumberText,
                Form::ByteArray,
                Form::Text,
                Form::ByteArray,
                Form::ByteArray
            ]
        );
    }

    #[test]
    fn names_that_no_object_holds_twice() {
        let twice = [
            column("a", ColumnType::MYSQL_TYPE_LONG),
            column("a", ColumnType::MYSQL_TYPE_STRING),
        ];
        assert_eq!(
            plan(Flavour::MySql, &twice).unwrap(),
            [Form::Hidden, Form::Text]
        );
        assert!(plan(Flavour::MariaDb, &twice).is_err());
    }

    #[test]
    fn the_catalog_knows_more() {
        let columns = [column("j", ColumnType::MYSQL_TYPE_BLOB)];
        let layout = Layout::new(Flavour::MariaDb, &columns, 1, |_| Some(Trait::Json)).unwrap();
        assert_eq!(layout.fields[0].form, Form::Document);
        assert_eq!(layout.fields[0].key, "{\"j\":");
    }

    #[test]
    fn decimals_follow_the_column() {
        assert_eq!(shown_decimals(0, 5), 0);
        assert_eq!(shown_decimals(3, 0), 3);
        assert_eq!(shown_decimals(31, 0), 0);
        assert_eq!(shown_decimals(31, 1), 6);
    }
}
