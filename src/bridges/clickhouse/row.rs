//! Rows: lines of JSON whose members come in the order in which they were selected.

use std::ops::Range;

use crate::bridges::sql::{Row, Values};
use crate::error::JobError;
use crate::json::{Text, js_string, write_number_of_text};

/// A row of a statement.
pub(super) struct JsonRow<'a> {
    /// The object.
    line: &'a str,
    /// Where the values of its members are, as far as they were looked for.
    values: &'a [Range<usize>],
    /// Members at the start that are not shown.
    hidden: usize,
    /// The cursor of a row of a walk.
    cursor: &'a dyn Fn() -> String,
}

impl<'a> JsonRow<'a> {
    /// A row whose members are all shown, with the places of their values.
    pub(super) fn new(line: &'a str, values: &'a [Range<usize>]) -> Self {
        Self::walked(line, values, 0, &String::new)
    }

    /// A row of a walk.
    pub(super) fn walked(
        line: &'a str,
        values: &'a [Range<usize>],
        hidden: usize,
        cursor: &'a dyn Fn() -> String,
    ) -> Self {
        Self {
            line,
            values,
            hidden,
            cursor,
        }
    }

    /// The text of a value.
    pub(super) fn value(&self, column: usize) -> Result<&'a str, JobError> {
        let range = self.values.get(column);
        range
            .and_then(|range| self.line.get(range.clone()))
            .ok_or_else(|| JobError::query_failed("a row has fewer values than were asked for"))
    }

    /// The text of a value that is a string.
    pub(super) fn string(&self, column: usize) -> Result<String, JobError> {
        let value = self.value(column)?;
        serde_json::from_str(value).map_err(|_| JobError::query_failed("a value is no string"))
    }
}

impl Row for JsonRow<'_> {
    fn write_row(&self, out: &mut Text) -> Result<(), JobError> {
        let Some(last) = self.hidden.checked_sub(1) else {
            out.push_str(self.line);
            return Ok(());
        };
        self.value(last)?;
        let end = self.values.get(last).map_or(0, |range| range.end);
        let rest = self.line.get(end..).unwrap_or_default();
        out.push('{');
        out.push_str(rest.trim_start_matches(','));
        Ok(())
    }

    fn cursor(&self) -> Result<String, JobError> {
        Ok((self.cursor)())
    }
}

impl Values for JsonRow<'_> {
    fn write(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
        out.push_str(self.value(column)?);
        Ok(())
    }

    fn write_number(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
        let value = self.value(column)?;
        match value {
            "null" => out.push_str("null"),
            "true" => out.push('1'),
            "false" => out.push('0'),
            value if is_number(value) => out.push_str(value),
            _ => write_number_of_text(out, &self.text(column)?),
        }
        Ok(())
    }

    fn text(&self, column: usize) -> Result<String, JobError> {
        let value = self.value(column)?;
        // Integers keep all their digits.
        if value
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-')
        {
            return Ok(value.to_owned());
        }
        serde_json::from_str(value)
            .map(|value| js_string(&value))
            .map_err(|_| JobError::query_failed("a value is no JSON"))
    }

    fn whole(&self, column: usize) -> Result<u64, JobError> {
        // Older servers quote integers of 64 bits.
        let value = self.value(column)?;
        Ok(value.trim_matches('"').parse().unwrap_or(0))
    }
}

fn is_number(value: &str) -> bool {
    value.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

/// Finds the values of an object's first `most` members. The object is known to be valid, and is looked at as far as
/// there are no blanks between its parts.
pub(super) fn find_values(line: &str, most: usize, values: &mut Vec<Range<usize>>) {
    values.clear();
    let bytes = line.as_bytes();
    let mut at = 1;
    while values.len() < most && bytes.get(at) == Some(&b'"') {
        let colon = string_end(bytes, at);
        if bytes.get(colon) != Some(&b':') {
            return;
        }
        let start = colon + 1;
        let end = value_end(bytes, start);
        values.push(start..end);
        at = end + 1;
    }
}

/// Behind the string that begins here.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') | None => return at + 1,
            Some(_) => at += 1,
        }
    }
}

/// Behind the value that begins here.
fn value_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    let mut depth = 0_usize;
    loop {
        match bytes.get(at) {
            Some(b'"') => at = string_end(bytes, at),
            Some(b'{' | b'[') => {
                depth += 1;
                at += 1;
            }
            Some(b'}' | b']' | b',') if depth == 0 => return at,
            Some(b'}' | b']') => {
                depth -= 1;
                at += 1;
            }
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(line: &str, most: usize) -> Vec<&str> {
        let mut ranges = Vec::new();
        find_values(line, most, &mut ranges);
        ranges.into_iter().map(|range| &line[range]).collect()
    }

    #[test]
    fn values_are_found_whatever_they_hold() {
        let line = r#"{"a,\"b":"x\\","b":[1,{"c":"]"}],"c":{},"d":-1.5e3,"e":null}"#;
        assert_eq!(
            values(line, 9),
            [r#""x\\""#, r#"[1,{"c":"]"}]"#, "{}", "-1.5e3", "null"]
        );
        assert_eq!(values(line, 2).len(), 2);
        assert!(values("{}", 9).is_empty());
    }

    #[test]
    fn a_row_without_its_private_members_is_none() {
        for line in [
            "{}",
            "{\"k\":1}",
            "{\"k\":1, \"h\":2}",
            "{ \"k\":1,\"h\":2}",
            "{\"k\" :1,\"h\":2}",
        ] {
            let mut ranges = Vec::new();
            find_values(line, 2, &mut ranges);
            let cursor = String::new;
            let row = JsonRow::walked(line, &ranges, 2, &cursor);
            assert!(row.write_row(&mut Text::new()).is_err(), "{line}");
        }
    }

    #[test]
    fn what_is_private_is_cut_from_the_front() {
        let shown = |line: &str, hidden| {
            let mut ranges = Vec::new();
            find_values(line, hidden, &mut ranges);
            let mut out = Text::new();
            let cursor = String::new;
            let row = JsonRow::walked(line, &ranges, hidden, &cursor);
            row.write_row(&mut out).unwrap();
            out.into_string()
        };
        let line = r#"{"k":"1","h":null,"a":{"b":1}}"#;
        assert_eq!(shown(line, 2), r#"{"a":{"b":1}}"#);
        assert_eq!(shown(line, 0), line);
        assert_eq!(shown(line, 3), "{}");
        assert_eq!(shown("{ \"k\":1,\"a\":2}", 0), "{ \"k\":1,\"a\":2}");
    }

    #[test]
    fn values_are_what_javascript_makes_of_them() {
        let line =
            r#"{"a":18446744073709551615,"b":true,"c":"","d":"x","e":[null,1],"f":"7","g":1e21}"#;
        let mut ranges = Vec::new();
        find_values(line, 9, &mut ranges);
        let row = JsonRow::new(line, &ranges);
        let number = |column| {
            let mut out = Text::new();
            row.write_number(&mut out, column).unwrap();
            out.into_string()
        };
        let numbers: Vec<_> = (0..7).map(number).collect();
        assert_eq!(
            numbers,
            [
                "18446744073709551615",
                "1",
                "0",
                "null",
                "null",
                "7",
                "1e21"
            ]
        );
        assert_eq!(row.text(0).unwrap(), "18446744073709551615");
        assert_eq!(row.text(4).unwrap(), ",1");
        assert_eq!(row.text(6).unwrap(), "1e+21");
        assert_eq!(row.whole(5).unwrap(), 7);
        assert!(row.value(7).is_err());
    }
}
