//! A value as the row it makes: a JSON object's members beside the key, anything else as `value`.

use std::borrow::Cow;

use super::key::Key;
use crate::error::JobError;
use crate::job::Held;
use crate::json::{Out, Raw, RawKind, write_document, write_string};
use crate::limits;
use crate::options::RowIds;
use crate::reducer::Row;

/// The member that holds the key.
pub const KEY: &str = "_key";
/// The member that holds a value which is no object, as JSON.
const VALUE: &str = "\"value\"";
/// Rows of more members than this find theirs by an index.
const FEW: usize = 16;

/// How a store's texts are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// JSON if it is JSON, else a text.
    Once,
    /// As above, and a JSON string whose text is JSON is read once more; a byte order mark is none of the text.
    Twice,
}

/// A value, as JSON text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// The members of an object.
    Members(String),
    /// The value of [`VALUE`].
    Value(String),
}

impl Content {
    /// The content of a string.
    pub(super) fn of_string(bytes: &[u8], reading: Reading) -> Self {
        let json = json_of(bytes, reading);
        if Raw::known(&json).kind() == RawKind::Object {
            Self::Members(json)
        } else {
            Self::Value(json)
        }
    }

    /// What is shown of a value that cannot be read.
    pub(super) fn null() -> Self {
        Self::Value("null".to_owned())
    }

    /// Memory it takes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Members(json) | Self::Value(json) => json.len(),
        }
    }
}

/// A stored text as JSON: what it says if it is JSON, else the text. The same for strings, fields of hashes,
/// elements and members. Bytes that are no UTF-8 become U+FFFD.
pub(super) fn json_of(bytes: &[u8], reading: Reading) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = match reading {
        Reading::Once => text.as_ref(),
        Reading::Twice => text.strip_prefix('\u{feff}').unwrap_or(&text),
    };
    let Some(value) = Raw::parse(text) else {
        return quoted(text);
    };
    if reading == Reading::Twice
        && let Some(inner) = value.text()
        && let Some(value) = Raw::parse(&inner)
    {
        return value.as_str().to_owned();
    }
    value.as_str().to_owned()
}

pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_string(&mut out, text);
    out
}

struct Member<'a> {
    /// The name as JSON, which keeps what a text of ours cannot hold.
    name: Raw<'a>,
    value: Raw<'a>,
}

impl<'a> Member<'a> {
    fn name(&self) -> Cow<'a, str> {
        self.name.text().unwrap_or_default()
    }
}

/// A row: a key and its content.
pub(super) struct Document<'a> {
    key: &'a str,
    members: Vec<Member<'a>>,
    /// The places of all members by name, and of one name by place, when there are many.
    index: Vec<usize>,
    _held: Held,
}

/// Memory that one of many members takes while their number grows.
const MEMBER_BYTES: usize = 2 * size_of::<Member<'_>>() + size_of::<usize>();
/// Of so many members memory is asked for at once.
const STEP: usize = 1024;

impl<'a> Document<'a> {
    /// A row of this key, given as JSON.
    ///
    /// # Errors
    /// `QUERY_FAILED` when it has more members than there is memory for.
    pub(super) fn new(key: &'a str, content: &'a Content) -> Result<Self, JobError> {
        let mut members = Vec::new();
        let mut held = Held::default();
        match content {
            Content::Value(json) => members.push(Member {
                name: Raw::known(VALUE),
                value: Raw::known(json),
            }),
            Content::Members(json) => {
                for (name, value) in Raw::known(json).named_members() {
                    members.push(Member { name, value });
                    if members.len().is_multiple_of(STEP) {
                        held.add(STEP * MEMBER_BYTES, "the members of one value")?;
                    }
                }
            }
        }
        let mut index = Vec::new();
        if members.len() > FEW {
            index = (0..members.len()).collect();
            index.sort_by(|a, b| {
                let name = |place: &usize| members.get(*place).map(Member::name);
                name(a).cmp(&name(b))
            });
        }
        Ok(Self {
            key,
            members,
            index,
            _held: held,
        })
    }

    /// Where the member of this name is, the last one if there are several.
    fn find(&self, name: &str) -> Option<usize> {
        if self.members.len() > FEW {
            let named = |place: &usize| self.members.get(*place).map(Member::name);
            let behind = self
                .index
                .partition_point(|place| named(place).as_deref() <= Some(name));
            let last = self.index.get(behind.checked_sub(1)?)?;
            (named(last).as_deref() == Some(name)).then_some(*last)
        } else {
            self.members
                .iter()
                .rposition(|member| member.name() == name)
        }
    }

    /// Appends the row: the fields of `shown` that it has, or all of them, without what is at the paths of
    /// `hidden`.
    pub(super) fn write(&self, out: &mut impl Out, shown: Option<&[String]>, hidden: &[String]) {
        let mut first = true;
        let mut put = |name: &str, json_name: &str, value: Raw<'_>| {
            let inside = inside(hidden, name);
            if inside.contains(&"") {
                return;
            }
            out.push(if std::mem::take(&mut first) { '{' } else { ',' });
            out.push_str(json_name);
            out.push(':');
            write_without(out, value, &inside, 0);
        };
        let key = Raw::known(self.key);
        match shown {
            Some(names) => {
                for name in names {
                    let found = self.find(name).and_then(|i| self.members.get(i));
                    match found {
                        Some(member) => put(name, member.name.as_str(), member.value),
                        None if name == KEY => put(KEY, "\"_key\"", key),
                        None => {}
                    }
                }
            }
            None => {
                if self.find(KEY).is_none() {
                    put(KEY, "\"_key\"", key);
                }
                for (i, member) in self.members.iter().enumerate() {
                    // Of members of one name the last one counts.
                    let name = member.name();
                    if self.find(&name) == Some(i) {
                        put(&name, member.name.as_str(), member.value);
                    }
                }
            }
        }
        if first {
            out.push('{');
        }
        out.push('}');
    }
}

/// What of these paths lies inside of the member of this name; an empty one is all of it. A name with dots in
/// it lies inside of what its beginning names.
fn inside<'h, P: AsRef<str> + ?Sized + 'h>(
    paths: impl IntoIterator<Item = &'h P>,
    name: &str,
) -> Vec<&'h str> {
    let rest = paths.into_iter().filter_map(|path| {
        let path = path.as_ref();
        if name == path
            || name
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('.'))
        {
            return Some("");
        }
        let mut rest = path.strip_prefix(name)?.strip_prefix('.')?;
        // Which element of a list is meant tells nothing of what it is called.
        while let Some((step, behind)) = rest.split_once('.')
            && !step.is_empty()
            && step.bytes().all(|byte| byte.is_ascii_digit())
        {
            rest = behind;
        }
        Some(rest)
    });
    rest.collect()
}

/// Appends a value without what is at these paths inside of it.
fn write_without(out: &mut impl Out, value: Raw<'_>, hidden: &[&str], depth: usize) {
    match value.kind() {
        _ if hidden.is_empty() => write_document(out, value.as_str()),
        // What could hide something this deep is not shown.
        _ if depth > limits::MAX_NESTING => out.push_str("null"),
        RawKind::List => {
            out.push('[');
            for (i, element) in value.elements().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_without(out, element, hidden, depth + 1);
            }
            out.push(']');
        }
        RawKind::Object => {
            let mut first = true;
            for (json_name, member) in value.named_members() {
                let name = json_name.text().unwrap_or_default();
                let inside = inside(hidden.iter().copied(), &name);
                if inside.contains(&"") {
                    continue;
                }
                out.push(if std::mem::take(&mut first) { '{' } else { ',' });
                out.push_str(json_name.as_str());
                out.push(':');
                write_without(out, member, &inside, depth + 1);
            }
            out.push_str(if first { "{}" } else { "}" });
        }
        _ => write_document(out, value.as_str()),
    }
}

impl Row for Document<'_> {
    fn field(&self, name: &str) -> Option<Raw<'_>> {
        match self.find(name).and_then(|i| self.members.get(i)) {
            Some(member) => Some(member.value),
            None if name == KEY => Some(Raw::known(self.key)),
            None => None,
        }
    }
}

/// True when `ids` name the row: by its field `id`, or by its key when it has none.
pub(super) fn is_named(row: &Document<'_>, key: &Key, ids: &RowIds) -> bool {
    match row.field(ids.field) {
        Some(id) => ids.texts.contains(id.js_string().as_ref()),
        None => ids.texts.contains(key.text().as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str, fields: Option<&[&str]>, hidden: &[&str]) -> String {
        let content = Content::of_string(json.as_bytes(), Reading::Once);
        let row = Document::new("\"t:1\"", &content).unwrap();
        let owned = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let mut out = String::new();
        row.write(&mut out, fields.map(owned).as_deref(), &owned(hidden));
        out
    }

    #[test]
    fn strings_become_rows() {
        for (stored, row) in [
            (r#"{"a":1}"#, r#"{"_key":"t:1","a":1}"#),
            (
                r#" {"a":1, "a" : 1e400,"_key":2} "#,
                r#"{"a":null,"_key":2}"#,
            ),
            ("{}", r#"{"_key":"t:1"}"#),
            ("42", r#"{"_key":"t:1","value":42}"#),
            ("", r#"{"_key":"t:1","value":""}"#),
            ("007", r#"{"_key":"t:1","value":"007"}"#),
            ("\u{feff}{}", "{\"_key\":\"t:1\",\"value\":\"\u{feff}{}\"}"),
            (
                r#"{"\ud800":"\ud800"}"#,
                r#"{"_key":"t:1","\ud800":"\ud800"}"#,
            ),
        ] {
            assert_eq!(shown(stored, None, &[]), row);
        }
    }

    #[test]
    fn a_text_may_be_read_twice() {
        for (stored, once, twice) in [
            (r#""\"42\"""#, r#""\"42\"""#, r#""42""#),
            (r#""{\"a\":1}""#, r#""{\"a\":1}""#, r#"{"a":1}"#),
            ("\u{feff}[1]", "\"\u{feff}[1]\"", "[1]"),
            ("\u{feff}x", "\"\u{feff}x\"", "\"x\""),
            ("1.0", "1.0", "1.0"),
        ] {
            assert_eq!(json_of(stored.as_bytes(), Reading::Once), once);
            assert_eq!(json_of(stored.as_bytes(), Reading::Twice), twice);
        }
        assert_eq!(json_of(b"\"\xff\"", Reading::Once), "\"\u{fffd}\"");
    }

    #[test]
    fn fields_are_chosen_literally() {
        let row = r#"{"a":{"b":1},"a.b":2,"c":3}"#;
        assert_eq!(shown(row, Some(&["a.b", "nope"]), &[]), r#"{"a.b":2}"#);
        assert_eq!(
            shown(row, Some(&["_key", "c"]), &[]),
            r#"{"_key":"t:1","c":3}"#
        );
        assert_eq!(shown(row, Some(&["nope"]), &[]), "{}");
    }

    #[test]
    fn nothing_is_shown_of_what_is_hidden() {
        let row = r#"{"a":{"b":[{"c":1,"d":2},3],"e":4},"a.b":5,"f":6}"#;
        for (hidden, left) in [
            (
                &["f", "_key"][..],
                r#"{"a":{"b":[{"c":1,"d":2},3],"e":4},"a.b":5}"#,
            ),
            (&["a.b", "_key"], r#"{"a":{"e":4},"f":6}"#),
            (
                &["a.0.b.1.c"],
                r#"{"_key":"t:1","a":{"b":[{"d":2},3],"e":4},"a.b":5,"f":6}"#,
            ),
            (&["a"], r#"{"_key":"t:1","f":6}"#),
        ] {
            let found = shown(row, None, hidden);
            // A rule about `a` is about `a.b`, too; the literal name is told apart from the path by neither.
            let literal = hidden.contains(&"a");
            let left = if literal {
                r#"{"_key":"t:1","f":6}"#
            } else {
                left
            };
            assert_eq!(found, left, "{hidden:?}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(shown(&deep, None, &["a.b"]).contains("null"));
    }

    #[test]
    fn wide_rows_find_their_members_too() {
        let members: Vec<_> = (0..100).map(|i| format!("\"m{}\":{i}", i % 50)).collect();
        let row = format!("{{{}}}", members.join(","));
        assert_eq!(
            shown(&row, Some(&["m7", "m49"]), &[]),
            r#"{"m7":57,"m49":99}"#
        );
        assert_eq!(shown(&row, None, &[]).matches(':').count(), 52);
    }
}
