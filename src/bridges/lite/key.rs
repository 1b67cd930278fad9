//! Primary keys and the cursors made of them. A key column of SQLite may hold NULL, values of several
//! storage classes, and text that is not UTF-8; a cursor brings all of them back.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::Value as Json;

use super::Database;
use super::catalog::{self, name, place};
use super::value::{Value, bind};
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
    pub(super) fn find(
        database: &mut dyn Database,
        target: &Target,
    ) -> Result<Arc<Self>, JobError> {
        let known = target.to_string();
        if let Some(key) = database.known().and_then(|all| all.keys.get(&known)) {
            return Ok(key);
        }
        let key = Arc::new(Self::ask(database, target)?);
        if let Some(all) = database.known() {
            all.keys.put(&known, Arc::clone(&key));
        }
        Ok(key)
    }

    fn ask(database: &mut dyn Database, target: &Target) -> Result<Self, JobError> {
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

/// Selects a value so that it comes exactly where numbers may be rounded or missing: integers, texts and infinities are
/// texts with their storage class in front. For a key a text need not be UTF-8.
pub(super) fn exactly(value: &str, is_key: bool) -> String {
    let texts = match is_key {
        true => format!(
            "'x'||hex({value}) WHEN 'real' THEN iif({value} - {value} = 0, {value}, 'r'||{value})"
        ),
        false => format!("'t'||{value}"),
    };
    format!(
        "CASE typeof({value}) WHEN 'integer' THEN 'i'||{value} WHEN 'text' THEN {texts} ELSE {value} END"
    )
}

/// The value that came so. A number without its class is a double, with a fraction or without.
pub(super) fn of_exact(value: Value<'_>) -> Result<Value<'_>, JobError> {
    Ok(match value {
        Value::Text(Cow::Borrowed(text)) => of_class(text).ok_or_else(Value::unclassed)?,
        Value::Text(Cow::Owned(text)) => {
            let value = of_class(&text).ok_or_else(Value::unclassed)?;
            value.into_owned()
        }
        #[expect(clippy::cast_precision_loss, reason = "it is the text of a double")]
        Value::Integer(whole) => Value::Real(whole as f64),
        other => other,
    })
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
    database.ask_catalog(&sql, &params, &mut |row| {
        let collation = row.text(3)?;
        columns.push(KeyColumn {
            name: name(row)?,
            declared: row.text(1)?.unwrap_or_default(),
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
    for column in catalog::columns(database, target)?.iter() {
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

/// A text as [`bind_key`] takes it.
pub(super) fn text_tag(text: &str) -> String {
    format!("t{text}")
}

/// A value with its storage class in front, `None` for NULL.
fn tagged(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Integer(whole) => format!("i{whole}"),
        Value::Real(float) => format!("r{}", js_number(*float)),
        Value::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text_tag(text),
            Err(_) => format!("x{}", hex(bytes)),
        },
        Value::Blob(bytes) => format!("b{}", hex(bytes)),
    })
}

/// Binds a value of a `read`: texts carry their storage class in front.
pub(super) fn bind_key(value: &Json) -> Result<Value<'_>, JobError> {
    let Json::String(tagged) = value else {
        return bind(value);
    };
    let foreign = || JobError::invalid_options("options.cursor", "is not one of this runner's");
    of_class(tagged.as_bytes()).ok_or_else(foreign)
}

/// The value of a text with its storage class in front.
fn of_class(tagged: &[u8]) -> Option<Value<'_>> {
    let mut rest = std::str::from_utf8(tagged).ok()?.chars();
    match rest.next()? {
        't' => Some(Value::text(rest.as_str())),
        'i' => rest.as_str().parse().ok().map(Value::Integer),
        'r' => rest.as_str().parse().ok().map(Value::Real),
        'b' => unhex(rest.as_str()).map(Value::Blob),
        'x' => unhex(rest.as_str()).map(Value::Text),
        _ => None,
    }
}

/// Two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The bytes behind such digits.
fn unhex(text: &str) -> Option<Cow<'static, [u8]>> {
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
    fn a_typed_cursor_brings_every_value_back() {
        for value in [
            Value::Integer(i64::MIN),
            Value::Real(0.1 + 0.2),
            Value::Real(f64::NEG_INFINITY),
            Value::text("i5"),
            Value::Text(Cow::Borrowed(&[0xff, 0])),
            Value::Blob(Cow::Borrowed(&[0, 0xab])),
        ] {
            let json = Json::String(tagged(&value).unwrap());
            assert_eq!(bind_key(&json).unwrap(), value);
        }
        assert_eq!(tagged(&Value::Null), None);
    }

    #[test]
    fn a_value_is_what_its_class_says() {
        let value = |value| of_exact(value).unwrap();
        let text = Value::text;
        let max = value(text("i9223372036854775807"));
        assert_eq!(max, Value::Integer(i64::MAX));
        assert_eq!(value(text("r-Inf")), Value::Real(f64::NEG_INFINITY));
        assert_eq!(value(Value::Integer(1)), Value::Real(1.0));
        assert_eq!(value(text("tInf")), text("Inf"));
        let owned = Value::Text(Cow::Owned(b"xFF41".to_vec()));
        assert_eq!(value(owned), Value::Text(Cow::Borrowed(&[0xff, b'A'])));
        assert_eq!(value(Value::Null), Value::Null);
        assert!(of_exact(text("")).is_err() && of_exact(text("5")).is_err());
    }

    #[test]
    fn a_cursor_of_somebody_else_is_refused() {
        for text in ["", "z", "i", "ix", "b0", "bzz", "b\u{e9}\u{e9}"] {
            let error = bind_key(&Json::String(text.to_owned())).unwrap_err();
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
