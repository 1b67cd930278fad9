//! Values as rows show them: the JSON of the official driver's values, appended straight from a server's bytes.

use std::fmt::Write as _;

use super::{Document, Malformed, Value};
use crate::json::{Out, Text, write_f64, write_i64, write_string, write_timestamp, write_u64};
use crate::net::base64;

/// Deepest nesting that is shown. Servers keep to 180 levels or so; recursion here is bounded by it.
pub(super) const MAX_DEPTH: usize = 256;

/// What is shown nothing of, by its path: `address.zip` hides that of an address, of every address in a list, and a
/// field whose own name is that.
#[derive(Debug, Default)]
pub struct HiddenPaths(Vec<Vec<String>>);

impl HiddenPaths {
    /// These paths and all that is inside of them.
    pub fn new(paths: &[String]) -> Self {
        let steps = |path: &String| steps(path).map(str::to_owned).collect();
        Self(paths.iter().map(steps).collect())
    }

    fn hides(&self, path: &str) -> bool {
        let mut hidden = self.0.iter();
        hidden.any(|hidden| {
            steps(path)
                .take(hidden.len())
                .eq(hidden.iter().map(String::as_str))
        })
    }
}

/// Which member of a list it is tells nothing of what a value is.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split('.')
        .filter(|step| step.is_empty() || !step.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Appends a value.
pub fn push_value(out: &mut Text, value: &Value<'_>) -> Result<(), Malformed> {
    Writer::new(out, &HiddenPaths::default()).value(value)
}

/// Appends a value in another form.
pub(super) type Write = fn(&mut Text, &Value<'_>) -> Result<(), Malformed>;

/// Appends values to a text.
pub(super) struct Writer<'a> {
    out: &'a mut Text,
    hidden: &'a HiddenPaths,
    /// Where the writer is; kept up only where something is hidden.
    path: String,
    depth: usize,
}

impl<'a> Writer<'a> {
    /// Nothing is shown of what is hidden.
    pub(super) fn new(out: &'a mut Text, hidden: &'a HiddenPaths) -> Self {
        Self {
            out,
            hidden,
            path: String::new(),
            depth: 0,
        }
    }

    /// Appends a document. `key` writes the member `_id`, when it is not written as any other.
    pub(super) fn members(
        &mut self,
        document: Document<'_>,
        key: Option<Write>,
    ) -> Result<(), Malformed> {
        let mut separator = '{';
        let outside = self.path.len();
        for element in document.elements() {
            let element = element?;
            let value = element.value()?;
            let name = String::from_utf8_lossy(element.name);
            if !self.hidden.0.is_empty() {
                self.path.truncate(outside);
                if outside > 0 {
                    self.path.push('.');
                }
                self.path.push_str(&name);
                if self.hidden.hides(&self.path) {
                    continue;
                }
            }
            if value == Value::Undefined {
                continue;
            }
            self.out.push(std::mem::replace(&mut separator, ','));
            write_string(self.out, &name);
            self.out.push(':');
            match key {
                Some(write) if name == "_id" => write(self.out, &value)?,
                _ => self.value(&value)?,
            }
        }
        self.path.truncate(outside);
        self.out.push_str(if separator == '{' { "{}" } else { "}" });
        Ok(())
    }

    fn document(&mut self, document: Document<'_>) -> Result<(), Malformed> {
        self.deeper(|writer| writer.members(document, None))
    }

    fn list(&mut self, list: Document<'_>) -> Result<(), Malformed> {
        self.deeper(|writer| {
            writer.out.push('[');
            for (i, element) in list.elements().enumerate() {
                if i > 0 {
                    writer.out.push(',');
                }
                writer.value(&element?.value()?)?;
            }
            writer.out.push(']');
            Ok(())
        })
    }

    fn deeper(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Malformed);
        }
        write(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn value(&mut self, value: &Value<'_>) -> Result<(), Malformed> {
        let out = &mut *self.out;
        match value {
            Value::Double(number) => write_f64(out, *number),
            Value::Text(text) | Value::Symbol(text) => write_string(out, text),
            Value::Document(document) => self.document(*document)?,
            Value::Array(list) => self.list(*list)?,
            Value::Binary { subtype, bytes } => {
                out.push('"');
                match (subtype, <&[u8; 16]>::try_from(*bytes)) {
                    (4, Ok(uuid)) => push_uuid(out, uuid),
                    _ => out.push_str(&base64::encode(bytes)),
                }
                out.push('"');
            }
            Value::Undefined | Value::Null => out.push_str("null"),
            Value::ObjectId(id) => write_hex(out, id),
            Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
            Value::Date(millis) => match millis.checked_mul(1000) {
                Some(micros) => write_timestamp(out, micros),
                None => out.push_str("null"),
            },
            Value::Regex { pattern, options } => {
                out.push_str("{\"$regularExpression\":{\"pattern\":");
                write_string(out, pattern);
                out.push_str(",\"options\":");
                write_string(out, options);
                out.push_str("}}");
            }
            Value::Pointer { namespace, id } => {
                let (database, collection) = namespace.split_once('.').unwrap_or(("", namespace));
                out.push_str("{\"$ref\":");
                write_string(out, collection);
                out.push_str(",\"$id\":");
                write_hex(out, id);
                if !database.is_empty() {
                    out.push_str(",\"$db\":");
                    write_string(out, database);
                }
                out.push('}');
            }
            Value::Code { code, scope } => {
                out.push_str("{\"code\":");
                write_string(out, code);
                if let Some(scope) = scope {
                    out.push_str(",\"scope\":");
                    self.document(*scope)?;
                }
                self.out.push('}');
            }
            Value::Int(number) => write_i64(out, (*number).into()),
            Value::Long(number) => write_i64(out, *number),
            Value::Timestamp(number) => {
                out.push_str("{\"$timestamp\":\"");
                write_u64(out, *number);
                out.push_str("\"}");
            }
            Value::Decimal(decimal) => {
                out.push_str("{\"$numberDecimal\":\"");
                // Writing to a String cannot fail.
                let _ = write!(out, "{decimal}");
                out.push_str("\"}");
            }
            Value::MinKey => out.push_str("{\"$minKey\":1}"),
            Value::MaxKey => out.push_str("{\"$maxKey\":1}"),
        }
        Ok(())
    }
}

pub(super) fn write_hex(out: &mut impl Out, bytes: &[u8]) {
    out.push('"');
    push_hex(out, bytes);
    out.push('"');
}

/// Appends bytes as hexadecimal digits.
pub(super) fn push_hex(out: &mut impl Out, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
    }
}

/// Appends a UUID's text.
pub(super) fn push_uuid(out: &mut impl Out, bytes: &[u8; 16]) {
    for (i, byte) in bytes.chunks(2).enumerate() {
        // Its groups have 4, 2, 2, 2 and 6 bytes.
        if (2..=5).contains(&i) {
            out.push('-');
        }
        push_hex(out, byte);
    }
}
