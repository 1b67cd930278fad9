//! Primary keys and the cursors made of them. A key column of SQLite may hold NULL, values of several
//! storage classes, and text that is not UTF-8; a cursor brings all of them back.

use std::ops::ControlFlow;

use rusqlite::types::{Value as Owned, ValueRef};
use serde_json::Value;

use super::catalog::{self, place};
use super::dialect::SQLITE;
use super::session::SqliteSession;
use super::value::{Param, bind};
use crate::error::JobError;
use crate::json::js_number;
use crate::options::Target;
use crate::sql::{Cursor, Dialect, KeyPart};

/// The key by which a table is paged.
pub(super) struct Key {
    parts: Vec<KeyPart>,
    /// True when a text compared with the key's only column becomes a number if it looks like one.
    numeric: bool,
    /// The table's own key has one column.
    single: bool,
}

/// A column of the key as the catalog has it.
struct KeyColumn {
    name: String,
    declared: String,
    nullable: bool,
    collation: Option<String>,
}

impl Key {
    /// Finds the primary key of a table; nothing without one.
    pub(super) fn find(session: &SqliteSession<'_>, target: &Target) -> Result<Self, JobError> {
        let columns = key_columns(session, target)?;
        let numeric = columns.first().is_some_and(|c| is_numeric(&c.declared));
        let single = columns.len() == 1;
        let dialect: &dyn Dialect = &SQLITE;
        let mut parts: Vec<_> = columns
            .iter()
            .map(|column| {
                let name = dialect.column(&column.name);
                // The key is unique under the collation of its index, which need not be the column's.
                key_part(match &column.collation {
                    Some(collation) => {
                        format!("{name} COLLATE {}", dialect.quote(collation))
                    }
                    None => name,
                })
            })
            .collect();
        // Rows with NULL in their key are as many as you like; the rowid tells them apart.
        if columns.iter().any(|column| column.nullable)
            && let Some(rowid) = rowid_name(session, target)?
        {
            parts.push(key_part(dialect.column(rowid)));
        }
        Ok(Self {
            parts,
            numeric,
            single,
        })
    }

    /// By what rows are sorted and compared.
    pub(super) fn parts(&self) -> &[KeyPart] {
        &self.parts
    }

    /// The key as a select list.
    pub(super) fn select_list(&self) -> String {
        let parts: Vec<_> = self.parts.iter().map(|p| p.expression.as_str()).collect();
        parts.join(", ")
    }

    /// The values after which a page begins, for [`bind_key`].
    pub(super) fn position(&self, cursor: &str) -> Result<Vec<Value>, JobError> {
        match Cursor::decode(cursor, self.parts.len()) {
            Cursor::Plain(text) => Ok(vec![Value::String(text_tag(&text))]),
            parts => {
                let values = parts.values();
                for value in &values {
                    bind_key(value)?;
                }
                Ok(values)
            }
        }
    }

    /// The cursor of the row with these values.
    pub(super) fn cursor(&self, values: &[ValueRef<'_>]) -> String {
        if let (true, Some(value)) = (self.single, values.first())
            && let Some(text) = plain_text(*value, self.numeric)
        {
            return Cursor::Plain(text).encode();
        }
        Cursor::Parts(values.iter().map(|value| tagged(*value)).collect()).encode()
    }
}

fn key_part(expression: String) -> KeyPart {
    KeyPart {
        expression,
        cast: KeyPart::AS_IT_IS,
    }
}

fn key_columns(session: &SqliteSession<'_>, target: &Target) -> Result<Vec<KeyColumn>, JobError> {
    let (place, params) = place(target);
    let schema = if params.len() > 1 { ", ?2" } else { "" };
    let sql = format!(
        "SELECT c.name, c.type, c.\"notnull\", x.coll FROM pragma_table_info({place}) AS c \
         LEFT JOIN (SELECT k.name, k.coll FROM pragma_index_list({place}) AS i \
         JOIN pragma_index_xinfo(i.name{schema}) AS k WHERE i.origin = 'pk' AND k.key) AS x \
         ON x.name = c.name WHERE c.pk > 0 ORDER BY c.pk"
    );
    let mut columns = Vec::new();
    session.query(&sql, params, |row| {
        let read = || -> rusqlite::Result<KeyColumn> {
            let collation: Option<String> = row.get(3)?;
            Ok(KeyColumn {
                name: row.get(0)?,
                declared: row.get(1)?,
                // A key without an index is the rowid itself.
                nullable: !row.get::<_, bool>(2)? && collation.is_some(),
                collation,
            })
        };
        columns.push(read().map_err(|error| session.failed(&error))?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(columns)
}

/// A name of the rowid that no column of the table has taken.
fn rowid_name(
    session: &SqliteSession<'_>,
    target: &Target,
) -> Result<Option<&'static str>, JobError> {
    let mut names = vec!["rowid", "_rowid_", "oid"];
    for column in catalog::columns(session, target)? {
        names.retain(|name| !name.eq_ignore_ascii_case(&column.name));
    }
    Ok(names.first().copied())
}

/// SQLite's affinity rules, as far as they matter: is text that looks like a number taken for one?
fn is_numeric(declared: &str) -> bool {
    let declared = declared.to_ascii_uppercase();
    let has = |word| declared.contains(word);
    if has("INT") {
        return true;
    }
    // ANY is numeric in plain tables only; as a typed cursor it is right in strict ones too.
    !(declared.is_empty()
        || has("CHAR")
        || has("CLOB")
        || has("TEXT")
        || has("BLOB")
        || declared == "ANY")
}

/// The plain text of a key's value, if comparing the column with that text is comparing it with the value.
fn plain_text(value: ValueRef<'_>, numeric: bool) -> Option<String> {
    let text = match value {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok()?.to_owned(),
        ValueRef::Integer(whole) if numeric => whole.to_string(),
        ValueRef::Real(float) if numeric && float.is_finite() => {
            let text = js_number(float);
            // SQLite reads up to 15 digits exactly; with more, the last bit may differ.
            if text.bytes().filter(u8::is_ascii_digit).count() > 15 {
                return None;
            }
            text
        }
        _ => return None,
    };
    // These mean something else in a cursor: none at all, and parts.
    (!text.is_empty() && !text.starts_with('[')).then_some(text)
}

/// A text as [`bind_key`] takes it.
pub(super) fn text_tag(text: &str) -> String {
    format!("t{text}")
}

/// A value with its storage class in front, `None` for NULL.
fn tagged(value: ValueRef<'_>) -> Option<String> {
    Some(match value {
        ValueRef::Null => return None,
        ValueRef::Integer(whole) => format!("i{whole}"),
        ValueRef::Real(float) => format!("r{}", js_number(float)),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text_tag(text),
            Err(_) => format!("x{}", hex(bytes)),
        },
        ValueRef::Blob(bytes) => format!("b{}", hex(bytes)),
    })
}

/// Binds a value of a `read`: texts carry their storage class in front.
pub(super) fn bind_key(value: &Value) -> Result<Param<'_>, JobError> {
    let Value::String(tagged) = value else {
        return bind(value);
    };
    let mut rest = tagged.chars();
    let param = match rest.next() {
        Some('t') => Some(Param::text(rest.as_str())),
        Some('i') => rest
            .as_str()
            .parse()
            .ok()
            .map(Owned::Integer)
            .map(Param::owned),
        Some('r') => rest
            .as_str()
            .parse()
            .ok()
            .map(Owned::Real)
            .map(Param::owned),
        Some('b') => unhex(rest.as_str()).map(Owned::Blob).map(Param::owned),
        Some('x') => unhex(rest.as_str()).map(Param::RawText),
        _ => None,
    };
    param.ok_or_else(|| JobError::invalid_options("options.cursor", "is not one of this runner's"))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => {
                let digit = |c: &u8| char::from(*c).to_digit(16);
                u8::try_from(digit(high)? << 4 | digit(low)?).ok()
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_cursor_compares_like_the_value() {
        let text = |value, numeric| plain_text(value, numeric);
        assert_eq!(text(ValueRef::Integer(-5), true).unwrap(), "-5");
        assert_eq!(text(ValueRef::Real(1e21), true).unwrap(), "1e+21");
        assert_eq!(text(ValueRef::Text(b"10"), false).unwrap(), "10");
        // Without a numeric type, the number 10 and the text '10' are two keys.
        assert_eq!(text(ValueRef::Integer(10), false), None);
        assert_eq!(text(ValueRef::Real(0.1 + 0.2), true), None);
        assert_eq!(text(ValueRef::Real(f64::INFINITY), true), None);
        for value in [b"".as_slice(), b"[x", b"\xff"] {
            assert_eq!(text(ValueRef::Text(value), false), None);
        }
        assert_eq!(text(ValueRef::Blob(b"a"), false), None);
        assert_eq!(text(ValueRef::Null, true), None);
    }

    #[test]
    fn a_typed_cursor_brings_every_value_back() {
        for (value, want) in [
            (
                ValueRef::Integer(i64::MIN),
                Param::owned(Owned::Integer(i64::MIN)),
            ),
            (
                ValueRef::Real(0.1 + 0.2),
                Param::owned(Owned::Real(0.1 + 0.2)),
            ),
            (
                ValueRef::Real(f64::NEG_INFINITY),
                Param::owned(Owned::Real(f64::NEG_INFINITY)),
            ),
            (ValueRef::Text(b"i5"), Param::text("i5")),
            (ValueRef::Text(&[0xff, 0]), Param::RawText(vec![0xff, 0])),
            (
                ValueRef::Blob(&[0, 0xab]),
                Param::owned(Owned::Blob(vec![0, 0xab])),
            ),
        ] {
            let value = Value::String(tagged(value).unwrap());
            assert_eq!(bind_key(&value).unwrap(), want);
        }
        assert_eq!(tagged(ValueRef::Null), None);
    }

    #[test]
    fn a_cursor_of_somebody_else_is_refused() {
        for text in ["", "z", "i", "ix", "b0", "bzz", "b\u{e9}\u{e9}"] {
            let error = bind_key(&Value::String(text.to_owned())).unwrap_err();
            assert!(error.message.starts_with("options.cursor"), "{text}");
        }
    }

    #[test]
    fn declared_types_follow_the_rules_of_affinity() {
        for numeric in [
            "INTEGER",
            "int",
            "REAL",
            "DECIMAL(10,2)",
            "BOOLEAN",
            "CHARINT",
            "DATETIME",
        ] {
            assert!(is_numeric(numeric), "{numeric}");
        }
        for other in ["", "TEXT", "varchar(5)", "CLOB", "BLOB", "ANY"] {
            assert!(!is_numeric(other), "{other}");
        }
    }
}
