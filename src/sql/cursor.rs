//! Cursors of `read`: where a page ended, as text for the gateway to hand back.

use serde_json::Value;

use crate::error::JobError;
use crate::limits;

/// A position in the order of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cursor {
    /// The text of a single-column key, as the official runner has it. With a composite key it is the first
    /// column's, and the page begins after all rows that share it.
    Plain(String),
    /// One text a column, `None` for NULL. What the texts mean is the bridge's business.
    Parts(Vec<Option<String>>),
}

impl Cursor {
    /// Looks at the bytes of a key's values before a cursor is made of them, which takes several times as much.
    ///
    /// # Errors
    /// `QUERY_FAILED` when they are more than cursors may have.
    pub fn check(lengths: impl Iterator<Item = usize>) -> Result<(), JobError> {
        match lengths.fold(0, usize::saturating_add) {
            0..=limits::CURSOR_BYTES => Ok(()),
            _ => Err(JobError::query_failed(format!(
                "a row's key has more than {} KB, which is too much for a cursor",
                limits::CURSOR_BYTES >> 10
            ))),
        }
    }

    /// The position of a row with this key: plain text where that is enough to read it back.
    pub fn of_parts(parts: Vec<Option<String>>) -> Self {
        match parts.as_slice() {
            [Some(text)] if !text.is_empty() && !text.starts_with('[') => Self::Plain(text.clone()),
            _ => Self::Parts(parts),
        }
    }

    /// Reads a cursor for a key of `columns` columns. What was not made by [`Cursor::encode`] for such a key
    /// is plain text: nothing is refused here, the database decides what it can compare with.
    pub fn decode(text: &str, columns: usize) -> Self {
        if text.starts_with('[')
            && let Ok(parts) = serde_json::from_str::<Vec<Option<String>>>(text)
            && parts.len() == columns
        {
            return Self::Parts(parts);
        }
        Self::Plain(text.to_owned())
    }

    /// The text for the gateway.
    pub fn encode(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Parts(parts) => Value::from(
                parts
                    .iter()
                    .map(|part| part.clone().map_or(Value::Null, Value::String))
                    .collect::<Vec<_>>(),
            )
            .to_string(),
        }
    }

    /// The texts as values to compare with, fewer than the key's columns when it is plain.
    pub fn values(&self) -> Vec<Value> {
        match self {
            Self::Plain(text) => vec![Value::String(text.clone())],
            Self::Parts(parts) => parts
                .iter()
                .map(|part| part.clone().map_or(Value::Null, Value::String))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(parts: &[Option<&str>]) -> String {
        Cursor::of_parts(parts.iter().map(|p| p.map(str::to_owned)).collect()).encode()
    }

    #[test]
    fn a_single_key_is_plain_text() {
        assert_eq!(text(&[Some("42")]), "42");
        assert_eq!(text(&[Some("q'uote")]), "q'uote");
        // These would not come back: an empty cursor means none, a bracket means parts.
        assert_eq!(text(&[Some("")]), r#"[""]"#);
        assert_eq!(text(&[Some("[1]")]), r#"["[1]"]"#);
        assert_eq!(text(&[None]), "[null]");
        assert_eq!(text(&[Some("1"), Some("a\"b")]), r#"["1","a\"b"]"#);
    }

    #[test]
    fn a_key_of_megabytes_makes_no_cursor() {
        let most = limits::CURSOR_BYTES;
        assert!(Cursor::check([most - 1, 1].into_iter()).is_ok());
        assert!(Cursor::check([most, 1].into_iter()).is_err());
        assert!(Cursor::check([1, usize::MAX].into_iter()).is_err());
    }

    #[test]
    fn every_position_survives_the_gateway() {
        for parts in [
            vec![Some("42")],
            vec![Some("")],
            vec![Some("[\"x\"]")],
            vec![None],
            vec![Some("é\n"), None, Some("null")],
        ] {
            let parts: Vec<_> = parts.into_iter().map(|p| p.map(str::to_owned)).collect();
            let cursor = Cursor::of_parts(parts.clone());
            let back = Cursor::decode(&cursor.encode(), parts.len());
            assert_eq!(back, cursor);
            assert_eq!(back.values().len(), parts.len());
        }
    }

    #[test]
    fn foreign_text_is_plain() {
        for text in [
            "3",
            "[",
            "[1,2]",
            "[\"a\"]",
            "undefined",
            "[null,null,null]",
        ] {
            assert_eq!(Cursor::decode(text, 2), Cursor::Plain(text.to_owned()));
        }
    }
}
