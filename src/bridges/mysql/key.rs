//! Primary keys: how each type of column sorts, and how a position in that order travels as text.

use mysql::{Column, Value};
use serde_json::Value as Json;

use super::dialect::MYSQL;
use super::time::{DateTime, time_text};
use crate::json::js_number;
use crate::sql::{Dialect, KeyPart};
use crate::text::hex;

/// What a key column holds, as far as comparing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whole numbers, YEAR included.
    Integer,
    /// DECIMAL with this many decimals.
    Decimal(u8),
    /// DOUBLE.
    Double,
    /// FLOAT, whose values are not what their decimal text says.
    Float,
    /// Text; the column's collation decides.
    Text,
    /// DATE, DATETIME, TIMESTAMP, TIME: compared with the server's own text.
    Time,
    /// ENUM, SET and BIT sort by number. Compared with text they would be text themselves.
    Ordinal,
    /// Byte strings, as hexadecimal digits.
    Bytes,
}

/// One column of a primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyColumn {
    /// Its name.
    pub(super) name: String,
    /// What it holds.
    pub(super) kind: Kind,
}

impl Kind {
    /// The kind of a column, by its type in the catalog.
    pub(super) fn of(data_type: &str, scale: u64) -> Self {
        match data_type {
            "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "year" => {
                Self::Integer
            }
            "decimal" | "numeric" => Self::Decimal(u8::try_from(scale).unwrap_or(u8::MAX)),
            "double" | "real" => Self::Double,
            "float" => Self::Float,
            "date" | "datetime" | "timestamp" | "time" => Self::Time,
            "enum" | "set" | "bit" => Self::Ordinal,
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Self::Bytes,
            _ => Self::Text,
        }
    }
}

impl KeyColumn {
    /// Its part in the paging: sorted by the column itself, which is what an index can do.
    pub(super) fn part(&self) -> KeyPart {
        KeyPart {
            expression: (&MYSQL as &dyn Dialect).column(&self.name),
            cast: match self.kind {
                // Comparing with text would compare as doubles.
                Kind::Decimal(scale) => ("CAST(", format!(" AS DECIMAL(65,{scale}))")),
                Kind::Ordinal => ("CAST(", " AS UNSIGNED)".to_owned()),
                Kind::Bytes => ("UNHEX(", ")".to_owned()),
                _ => KeyPart::AS_IT_IS,
            },
        }
    }

    /// What to select for its position.
    pub(super) fn select(&self) -> String {
        let column = (&MYSQL as &dyn Dialect).column(&self.name);
        match self.kind {
            Kind::Ordinal => format!("{column} + 0"),
            _ => column,
        }
    }

    /// The text of a position. `column` describes what [`KeyColumn::select`] came to.
    pub(super) fn text(&self, value: &Value, column: Option<&Column>) -> Option<String> {
        let decimals = column.map_or(6, Column::decimals);
        Some(match value {
            Value::NULL => return None,
            Value::Int(number) => number.to_string(),
            Value::UInt(number) => number.to_string(),
            // Of `ENUM + 0` some servers make a double.
            Value::Double(number) => js_number(*number),
            Value::Float(number) => ryu_js::Buffer::new().format(*number).to_owned(),
            Value::Bytes(bytes) if self.kind == Kind::Bytes => hex(bytes),
            Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Value::Date(year, month, day, hour, minute, second, micros) => DateTime {
                year: *year,
                month: *month,
                day: *day,
                hour: *hour,
                minute: *minute,
                second: *second,
                micros: *micros,
            }
            .text(is_date(column), usize::from(decimals.min(6))),
            Value::Time(..) => time_text(value, decimals),
        })
    }

    /// A position's text as the value to compare with. Text that is no number stays what it is: the server
    /// compares it loosely, as it does for the official bridges.
    pub(super) fn bound(&self, text: &str) -> Json {
        let number = match self.kind {
            Kind::Integer | Kind::Ordinal => text
                .parse::<i64>()
                .map(Json::from)
                .or_else(|_| text.parse::<u64>().map(Json::from))
                .ok(),
            Kind::Double => text.parse::<f64>().ok().map(Json::from),
            Kind::Float => text.parse::<f32>().ok().map(|n| Json::from(f64::from(n))),
            Kind::Decimal(_) | Kind::Text | Kind::Time | Kind::Bytes => None,
        };
        // Not a number is no number either.
        number
            .filter(|number| !number.is_null())
            .unwrap_or_else(|| text.into())
    }
}

fn is_date(column: Option<&Column>) -> bool {
    use mysql::consts::ColumnType::{MYSQL_TYPE_DATE, MYSQL_TYPE_NEWDATE};
    column.is_some_and(|c| matches!(c.column_type(), MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mysql::consts::ColumnType;
    use serde_json::json;

    fn column(kind: Kind) -> KeyColumn {
        KeyColumn {
            name: "k".to_owned(),
            kind,
        }
    }

    #[test]
    fn a_position_compares_as_what_it_is() {
        for (kind, text, want) in [
            (Kind::Integer, "18446744073709551615", json!(u64::MAX)),
            (Kind::Integer, "-5", json!(-5)),
            (Kind::Integer, " 5 ", json!(" 5 ")),
            (Kind::Double, "1e-7", json!(1e-7)),
            (Kind::Double, "abc", json!("abc")),
            (Kind::Double, "NaN", json!("NaN")),
            (Kind::Float, "0.1", json!(f64::from(0.1f32))),
            (Kind::Ordinal, "2", json!(2)),
            (Kind::Decimal(3), "1.500", json!("1.500")),
            (Kind::Text, "7", json!("7")),
        ] {
            assert_eq!(column(kind).bound(text), want);
        }
    }

    #[test]
    fn a_value_is_a_position() {
        let text = |kind, value: Value| column(kind).text(&value, None);
        assert_eq!(
            text(Kind::Bytes, Value::Bytes(vec![0, 255])).unwrap(),
            "00ff"
        );
        assert_eq!(text(Kind::Float, Value::Float(0.1)).unwrap(), "0.1");
        assert_eq!(text(Kind::Double, Value::Double(1e21)).unwrap(), "1e+21");
        assert_eq!(text(Kind::Text, Value::NULL), None);
        let moment = Value::Date(2024, 2, 29, 12, 0, 0, 123_456);
        assert_eq!(
            text(Kind::Time, moment.clone()).unwrap(),
            "2024-02-29 12:00:00.123456"
        );
        let date = Column::new(ColumnType::MYSQL_TYPE_DATE);
        assert_eq!(
            column(Kind::Time).text(&moment, Some(&date)).unwrap(),
            "2024-02-29"
        );
    }

    #[test]
    fn ordinals_are_selected_and_compared_as_numbers() {
        let ordinal = column(Kind::Ordinal);
        assert_eq!(ordinal.select(), "t.`k` + 0");
        assert_eq!(ordinal.part().expression, "t.`k`");
        assert_eq!(ordinal.part().cast, ("CAST(", " AS UNSIGNED)".to_owned()));
        assert_eq!(Kind::of("decimal", 4), Kind::Decimal(4));
        assert_eq!(
            column(Kind::of("decimal", 4)).part().cast.1,
            " AS DECIMAL(65,4))"
        );
    }
}
