//! Primary keys and the cursors made of them.

use std::ops::ControlFlow;

use serde_json::Value as Json;

use super::Database;
use super::catalog::{self, name, place};
use super::storage::{bind_key, exactly, of_exact, tagged, text_tag};
use super::value::Value;
use crate::bridges::told::Told;
use crate::error::JobError;
use crate::json::js_number;
use crate::options::Target;
use crate::sql::{Cursor, KeyPart};

/// The key by which a table is paged.
pub(super) struct Key {
    parts: Vec<KeyPart>,
    /// True when a text compared with the key's only column becomes a number if it looks like one.
    numeric: bool,
    /// The table's own key has one column.
    single: bool,
    /// Values come exactly: numbers alone may be rounded, or missing.
    exact: bool,
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
    pub(super) fn find(database: &mut dyn Database, target: &Target) -> Result<Self, JobError> {
        let columns = key_columns(database, target)?;
        let numeric = columns.first().is_some_and(|c| is_numeric(&c.declared));
        let single = columns.len() == 1;
        let dialect = database.dialect();
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
            && let Some(rowid) = rowid_name(database, target)?
        {
            parts.push(key_part(dialect.column(rowid)));
        }
        Ok(Self {
            parts,
            numeric,
            single,
            exact: !database.tells_numbers(),
        })
    }

    /// By what rows are sorted and compared.
    pub(super) fn parts(&self) -> &[KeyPart] {
        &self.parts
    }

    /// The key as a select list.
    pub(super) fn select_list(&self) -> String {
        let parts = self.parts.iter().map(|part| match self.exact {
            true => exactly(&part.expression, true),
            false => part.expression.clone(),
        });
        parts.collect::<Vec<_>>().join(", ")
    }

    /// The values after which a page begins, for [`bind_key`].
    pub(super) fn position(&self, cursor: &str) -> Result<Vec<Json>, JobError> {
        match Cursor::decode(cursor, self.parts.len()) {
            Cursor::Plain(text) => Ok(vec![Json::String(text_tag(&text))]),
            parts => {
                let values = parts.values();
                for value in &values {
                    bind_key(value)?;
                }
                Ok(values)
            }
        }
    }

    /// The cursor of the row with these values of the select list.
    pub(super) fn cursor(&self, mut values: Vec<Value<'_>>) -> Result<String, JobError> {
        if self.exact {
            let exact = values.into_iter().map(of_exact);
            values = exact.collect::<Result<_, _>>()?;
        }
        if let (true, Some(value)) = (self.single, values.first())
            && let Some(text) = plain_text(value, self.numeric)
        {
            return Ok(Cursor::Plain(text).encode());
        }
        let parts = values.iter().map(tagged).collect();
        Ok(Cursor::Parts(parts).encode())
    }
}

fn key_part(expression: String) -> KeyPart {
    KeyPart {
        expression,
        cast: KeyPart::AS_IT_IS,
    }
}

fn key_columns(database: &mut dyn Database, target: &Target) -> Result<Vec<KeyColumn>, JobError> {
    let (place, params) = place(target);
    let schema = if params.len() > 1 { ", ?2" } else { "" };
    let sql = format!(
        "SELECT c.name, c.type, c.\"notnull\", x.coll FROM pragma_table_info({place}) AS c \
         LEFT JOIN (SELECT k.name, k.coll FROM pragma_index_list({place}) AS i \
         JOIN pragma_index_xinfo(i.name{schema}) AS k WHERE i.origin = 'pk' AND k.key) AS x \
         ON x.name = c.name WHERE c.pk > 0 ORDER BY c.pk"
    );
    let mut columns = Vec::new();
    let mut told = Told::default();
    database.ask_catalog(&sql, &params, &mut |row| {
        let (name, declared) = (name(row)?, row.text(1)?.unwrap_or_default());
        let collation = row.text(3)?;
        let length = collation.as_ref().map_or(0, String::len);
        told.column(name.len() + declared.len() + length)?;
        columns.push(KeyColumn {
            name,
            declared,
            // A key without an index is the rowid itself.
            nullable: row.integer(2)? == 0 && collation.is_some(),
            collation,
        });
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(columns)
}

/// A name of the rowid that no column of the table has taken.
fn rowid_name(
    database: &mut dyn Database,
    target: &Target,
) -> Result<Option<&'static str>, JobError> {
    let mut names = vec!["rowid", "_rowid_", "oid"];
    for column in catalog::columns(database, target)? {
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
fn plain_text(value: &Value<'_>, numeric: bool) -> Option<String> {
    let text = match value {
        Value::Text(bytes) => std::str::from_utf8(bytes).ok()?.to_owned(),
        Value::Integer(whole) if numeric => whole.to_string(),
        Value::Real(float) if numeric && float.is_finite() => {
            let text = js_number(*float);
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

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn a_plain_cursor_compares_like_the_value() {
        let text = |value, numeric| plain_text(&value, numeric);
        let raw = |bytes: &'static [u8]| Value::Text(Cow::Borrowed(bytes));
        assert_eq!(text(Value::Integer(-5), true).unwrap(), "-5");
        assert_eq!(text(Value::Real(1e21), true).unwrap(), "1e+21");
        assert_eq!(text(raw(b"10"), false).unwrap(), "10");
        // Without a numeric type, the number 10 and the text '10' are two keys.
        assert_eq!(text(Value::Integer(10), false), None);
        assert_eq!(text(Value::Real(0.1 + 0.2), true), None);
        assert_eq!(text(Value::Real(f64::INFINITY), true), None);
        for value in [b"".as_slice(), b"[x", b"\xff"] {
            assert_eq!(text(raw(value), false), None);
        }
        assert_eq!(text(Value::Blob(Cow::Borrowed(b"a")), false), None);
        assert_eq!(text(Value::Null, true), None);
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
