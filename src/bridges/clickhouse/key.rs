//! What a walk goes by. The server keeps most tables sorted, but no key of it is unique: after the sorting key comes
//! a hash of what is shown of a row, and rows that are equal in both are the same to whoever reads them, so that it only
//! matters how many of them were sent.

use serde_json::Value;

use super::place::write_quoted;
use super::types::{ColumnType, Kind, members};
use crate::error::JobError;
use crate::limits;
use crate::sql::{Builder, Dialect};

/// Digits of the hash.
const HASH_DIGITS: usize = 32;

/// A part of a sorting key whose values can be told exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The server's own expression.
    expression: String,
    /// Sorted from the greatest on.
    descending: bool,
    kind: ColumnType,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    /// The values of the key, `None` for NULL, and then the hash.
    pub(super) values: Vec<Option<String>>,
    /// How many rows with these values were sent.
    pub(super) seen: u64,
}

/// A cursor: a position, or what the official bridge hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// So many rows were sent.
    Offset(u64),
    /// The last of them was this one.
    Position(Position),
}

/// The expressions of a sorting key, and whether each is sorted from the greatest on. What comes after many of them is
/// left to the hash.
pub(super) fn expressions(sorting_key: &str) -> Vec<(String, bool)> {
    members(sorting_key)
        .take(limits::SORTING_KEY_PARTS)
        .map(|part| {
            let part = part.trim();
            match part.strip_suffix(" DESC") {
                Some(expression) => (expression.to_owned(), true),
                None => (part.strip_suffix(" ASC").unwrap_or(part).to_owned(), false),
            }
        })
        .collect()
}

/// True when a sorting key is made of this column. A name that has to be quoted is looked for in any place.
pub(super) fn names(sorting_key: &str, column: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match column.chars().all(is_word) {
        true => sorting_key
            .split(|c| !is_word(c))
            .any(|word| word == column),
        false => sorting_key.contains(column),
    }
}

/// The parts of a key up to the first whose values have no exact text.
pub(super) fn parts(expressions: Vec<(String, bool)>, types: &[ColumnType]) -> Vec<Part> {
    expressions
        .into_iter()
        .zip(types)
        .map_while(|((expression, descending), kind)| match kind.kind {
            Kind::Other => None,
            _ => Some(Part {
                expression,
                descending,
                kind: kind.clone(),
            }),
        })
        .collect()
}

impl Part {
    /// The exact text of a value, as SQL.
    pub(super) fn text(&self) -> String {
        let expression = &self.expression;
        let text = match self.kind.kind {
            Kind::Text | Kind::FixedText(_) => format!("hex({expression})"),
            // The local text would be ambiguous where clocks are set back.
            Kind::DateTime { scale: None } => format!("toString(toUnixTimestamp({expression}))"),
            Kind::DateTime { scale: Some(_) } => {
                format!("toString(reinterpretAsInt64({expression}))")
            }
            _ => format!("toString({expression})"),
        };
        match self.kind.nullable {
            true => format!("if(isNull({expression}), NULL, {text})"),
            false => text,
        }
    }

    /// The clause of an ORDER BY.
    pub(super) fn order(&self) -> String {
        let direction = if self.descending { "DESC" } else { "ASC" };
        format!("{} {direction} NULLS LAST", self.expression)
    }

    /// Appends the value that a text stands for.
    fn value(&self, builder: &mut Builder<'_>, text: &str) {
        let (before, kind, after) = match &self.kind.kind {
            Kind::Text | Kind::FixedText(_) => ("unhex(", "String", ")".to_owned()),
            Kind::DateTime { scale: None } => ("toDateTime(", "UInt32", ")".to_owned()),
            Kind::DateTime { scale: Some(_) } => {
                let mut kind = String::new();
                write_quoted(&mut kind, &self.kind.in_utc());
                ("reinterpret(", "Int64", format!(", {kind})"))
            }
            Kind::Enum => {
                let mut kind = String::new();
                write_quoted(&mut kind, &self.kind.text);
                ("CAST(", "String", format!(", {kind})"))
            }
            _ => ("", self.kind.text.as_str(), String::new()),
        };
        builder.push(before).bind_as(kind, text.into()).push(&after);
    }

    /// Appends that a row has this value here.
    fn equals(&self, builder: &mut Builder<'_>, text: Option<&str>) {
        let expression = &self.expression;
        match text {
            None => {
                builder.push(&format!("isNull({expression})"));
            }
            Some(text) if self.is_nan(text) => {
                builder.push(&format!("ifNull(isNaN({expression}), 0)"));
            }
            Some(text) => {
                builder.push(&format!("ifNull({expression} = "));
                self.value(builder, text);
                builder.push(", 0)");
            }
        }
    }

    /// Appends that a row comes after this value here. NULL is the last of all, and NaN the last of the others.
    fn follows(&self, builder: &mut Builder<'_>, text: Option<&str>) {
        let expression = &self.expression;
        let Some(text) = text else {
            builder.push("0");
            return;
        };
        builder.push("(");
        if self.kind.nullable {
            builder.push(&format!("isNull({expression}) OR "));
        }
        if self.is_nan(text) {
            builder.push("0)");
            return;
        }
        if self.kind.kind == Kind::Float {
            builder.push(&format!("isNaN({expression}) OR "));
        }
        let comparison = if self.descending { "<" } else { ">" };
        builder.push(&format!("{expression} {comparison} "));
        self.value(builder, text);
        builder.push(")");
    }

    fn is_nan(&self, text: &str) -> bool {
        self.kind.kind == Kind::Float && text == "nan"
    }
}

impl Position {
    /// Appends that a row is at this position or after it: `hash` is the name of the row's hash.
    pub(super) fn reached(&self, builder: &mut Builder<'_>, parts: &[Part], hash: &str) {
        let hash_value = self.values.last().and_then(Option::as_deref);
        let known: Vec<_> = parts.iter().zip(&self.values).collect();
        builder.push("(");
        for length in 0..known.len() {
            for (i, (part, text)) in known.iter().take(length + 1).enumerate() {
                if i == length {
                    part.follows(builder, text.as_deref());
                } else {
                    part.equals(builder, text.as_deref());
                    builder.push(" AND ");
                }
            }
            builder.push(" OR ");
        }
        for (part, text) in &known {
            part.equals(builder, text.as_deref());
            builder.push(" AND ");
        }
        builder
            .push(&format!("{hash} >= "))
            .bind_as("String", hash_value.unwrap_or_default().into())
            .push(")");
    }
}

impl Mark {
    /// Reads a cursor for a key with so many parts.
    ///
    /// # Errors
    /// `INVALID_OPTIONS`: a position of another key, or among other columns, would lose rows.
    pub(super) fn decode(text: &str, parts: usize, digest: &str) -> Result<Self, JobError> {
        let found = match text.strip_prefix('k') {
            Some(list) => {
                decode_position(list, digest).filter(|found| found.values.len() == parts + 1)
            }
            None => return offset(text),
        };
        found.map(Self::Position).ok_or_else(|| {
            JobError::invalid_options(
                "options.cursor",
                "is not one of this target with these columns",
            )
        })
    }
}

/// Rows to pass over: as the official bridge has it.
fn offset(text: &str) -> Result<Mark, JobError> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let rows = text
        .parse()
        .ok()
        .filter(|rows| i64::try_from(*rows).is_ok());
    match rows {
        Some(rows) if is_number => Ok(Mark::Offset(rows)),
        _ => Err(JobError::invalid_options(
            "options.cursor",
            "is not one of this bridge's",
        )),
    }
}

fn decode_position(list: &str, digest: &str) -> Option<Position> {
    let mut values: Vec<Option<String>> = serde_json::from_str(list).ok()?;
    if values.pop()?? != digest {
        return None;
    }
    let seen = values.pop()??.parse().ok()?;
    let hash = values.last()?.as_deref()?;
    let is_hash = hash.len() == HASH_DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    // More rows than that are passed over by nobody who was sent them.
    (is_hash && seen <= u64::from(u32::MAX)).then_some(Position { values, seen })
}

impl Position {
    /// The cursor. It begins with a letter, so that digits alone are the official bridge's.
    pub(super) fn encode(&self, digest: &str) -> String {
        let texts = self.values.iter().cloned();
        let values = texts.map(|text| text.map_or(Value::Null, Value::String));
        let list: Vec<_> = values
            .chain([self.seen.to_string().into(), digest.into()])
            .collect();
        format!("k{}", Value::Array(list))
    }
}

/// The names under which a walk selects its key and the hash, which none of the target's columns has.
pub(super) fn private_name<'n>(columns: impl Iterator<Item = &'n str> + Clone) -> String {
    let mut name = String::from("_k");
    while columns.clone().any(|column| column.starts_with(&name)) {
        name.insert(0, '_');
    }
    name
}

/// The hash of the columns of a select list.
pub(super) fn hash(list: &str) -> String {
    format!("hex(sipHash128(formatRow('RowBinary', {list})))")
}

/// The columns that are shown, as far as they are of the row itself: rows that are equal in all of them are the same
/// to whoever reads them. Others are not hashed, for whoever has a hash can find out what was hashed.
pub(super) fn shown(
    dialect: &dyn Dialect,
    names: Option<&[String]>,
    is_column: impl Fn(&str) -> bool,
) -> String {
    let Some(names) = names else {
        return dialect.select_list(None);
    };
    // Where a row is stored changes without the row.
    let own = names
        .iter()
        .filter(|name| is_column(name) || !name.starts_with('_'));
    let own: Vec<_> = own.map(|name| dialect.column(name)).collect();
    match own.is_empty() {
        true => "0".to_owned(),
        false => own.join(", "),
    }
}

/// A short text that is another one for another list (FNV-1a).
pub(super) fn digest(list: &str) -> String {
    let hash = list.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::super::dialect::ClickHouse;
    use super::*;

    fn key(sorting: &str, types: &[&str]) -> Vec<Part> {
        let types: Vec<_> = types.iter().map(|text| ColumnType::parse(text)).collect();
        parts(expressions(sorting), &types)
    }

    fn reached(parts: &[Part], values: &[Option<&str>]) -> (String, Vec<Value>) {
        let language = ClickHouse::default();
        let mut builder = Builder::new(&language);
        let position = Position {
            values: values.iter().map(|text| text.map(str::to_owned)).collect(),
            seen: 1,
        };
        position.reached(&mut builder, parts, "h");
        let statement = builder.finish().unwrap();
        (statement.sql, statement.params)
    }

    #[test]
    fn a_position_is_reached_by_rows_after_it_and_equal_ones() {
        let parts = key("a, b DESC", &["Int32", "String"]);
        let (sql, params) = reached(&parts, &[Some("5"), Some("C3"), Some("00")]);
        assert_eq!(
            sql,
            "((a > {p1:Int32}) OR ifNull(a = {p2:Int32}, 0) AND (b < unhex({p3:String})) OR \
             ifNull(a = {p4:Int32}, 0) AND ifNull(b = unhex({p5:String}), 0) AND h >= {p6:String})"
        );
        assert_eq!(params, ["5", "5", "C3", "5", "C3", "00"]);
        assert_eq!(reached(&[], &[Some("00")]).0, "(h >= {p1:String})");
    }

    #[test]
    fn null_and_nan_are_the_last() {
        let parts = key("f", &["Nullable(Float64)"]);
        assert_eq!(
            reached(&parts, &[Some("1.5"), Some("0")]).0,
            "((isNull(f) OR isNaN(f) OR f > {p1:Float64}) OR ifNull(f = {p2:Float64}, 0) AND h >= {p3:String})"
        );
        assert_eq!(
            reached(&parts, &[Some("nan"), Some("0")]).0,
            "((isNull(f) OR 0) OR ifNull(isNaN(f), 0) AND h >= {p1:String})"
        );
        assert_eq!(
            reached(&parts, &[None, Some("0")]).0,
            "(0 OR isNull(f) AND h >= {p1:String})"
        );
    }

    #[test]
    fn a_key_ends_where_values_have_no_exact_text() {
        let types = ["Date", "Array(Int8)", "Int8"];
        assert_eq!(key("toDate(ts, 'a,b'), arr, id", &types).len(), 1);
        assert!(key("", &[]).is_empty());
        let parts = key(
            "at, d, e",
            &[
                "DateTime64(3, 'UTC')",
                "DateTime",
                "Nullable(Enum8('a' = 1))",
            ],
        );
        let texts: Vec<_> = parts.iter().map(Part::text).collect();
        assert_eq!(
            texts,
            [
                "toString(reinterpretAsInt64(at))",
                "toString(toUnixTimestamp(d))",
                "if(isNull(e), NULL, toString(e))"
            ]
        );
        let (sql, _) = reached(&parts, &[Some("1"), Some("2"), Some("a"), Some("0")]);
        assert!(
            sql.contains("at > reinterpret({p1:Int64}, 'DateTime64(3, \\'UTC\\')')"),
            "{sql}"
        );
        assert!(
            sql.contains("CAST({p6:String}, 'Enum8(\\'a\\' = 1)')"),
            "{sql}"
        );
    }

    #[test]
    fn a_long_key_is_left_to_the_hash() {
        let most = limits::SORTING_KEY_PARTS;
        assert_eq!(expressions(&"a, ".repeat(most - 1)).len(), most - 1);
        assert_eq!(expressions(&"a, ".repeat(1000)).len(), most);
    }

    #[test]
    fn the_columns_of_a_key_are_found() {
        for (column, found) in [
            ("ts", true),
            ("i", false),
            ("the id", true),
            ("toDate", true),
        ] {
            assert_eq!(
                names("toDate(ts), `the id`, -id", column),
                found,
                "{column}"
            );
        }
    }

    #[test]
    fn cursors_come_back_as_they_were() {
        let hash = "0123456789ABCDEF0123456789ABCDEF";
        let position = Position {
            values: vec![Some("é\"".to_owned()), None, Some(hash.to_owned())],
            seen: 3,
        };
        let text = position.encode("d");
        assert_eq!(text, format!("k[\"é\\\"\",null,\"{hash}\",\"3\",\"d\"]"));
        assert_eq!(
            Mark::decode(&text, 2, "d").unwrap(),
            Mark::Position(position)
        );
        assert_eq!(Mark::decode("17", 2, "d").unwrap(), Mark::Offset(17));
        assert!(Mark::decode(&text, 2, "e").is_err());
        assert!(Mark::decode(&text, 1, "d").is_err());
        for text in [
            text.as_str(),
            "k",
            "k[]",
            "k[\"d\"]",
            "k[\"5\",\"d\"]",
            "k[null,\"1\",\"d\"]",
            "k[\"0123\",\"1\",\"d\"]",
            "-1",
            "5abc",
            "0x10",
            "1e1",
            "18446744073709551615",
            "k[1,2]",
        ] {
            let error = Mark::decode(text, 0, "d").unwrap_err();
            assert!(error.message.starts_with("options.cursor"), "{text}");
        }
    }

    #[test]
    fn only_what_is_shown_is_hashed() {
        let language = ClickHouse::default();
        let list = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            shown(&language, Some(&names), |name| name == "_own")
        };
        assert_eq!(shown(&language, None, |_| true), "t.*");
        assert_eq!(
            list(&["a", "m.keys", "_part", "_own"]),
            "t.`a`, t.`m.keys`, t.`_own`"
        );
        assert_eq!(list(&["_part"]), "0");
        assert_ne!(digest("a"), digest("b"));
        assert_eq!(digest(""), "cbf29ce484222325");
    }

    #[test]
    fn private_names_are_nobody_elses() {
        assert_eq!(private_name(["id", "k"].into_iter()), "_k");
        assert_eq!(private_name(["_k0", "__key"].into_iter()), "___k");
    }
}
