//! The policy file: JSON, read once at start.

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU64;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// Rules by a source's name or id; `*` for every source that has none of its own.
    pub sources: Entries<SourceEntry>,
}

/// The rules of one source.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct SourceEntry {
    /// Which targets jobs may name.
    pub targets: Lists,
    /// Which columns, by target; `*` for every target.
    pub columns: Entries<Lists>,
    /// Most rows a job may send.
    pub max_rows: Option<NonZeroU64>,
    /// Most bytes of rows, as JSON text, a job may send.
    pub max_bytes: Option<NonZeroU64>,
}

/// What is in `deny` is denied; with an `allow`, so is everything that is not in it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lists {
    /// Everything when absent, nothing when empty.
    pub allow: Option<Vec<Name>>,
    /// Goes before `allow`.
    pub deny: Vec<Name>,
}

/// A name that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(pub String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name.trim().is_empty() {
            return Err(de::Error::custom("a name must not be empty"));
        }
        if name.contains('*') {
            return Err(de::Error::custom(
                "lists hold plain names; there are no patterns",
            ));
        }
        Ok(Self(name))
    }
}

/// An object whose keys are names, each at most once: of two rules under one name the second would hide the
/// first.
#[derive(Debug)]
pub struct Entries<T>(pub Vec<(String, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Unique<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of rules by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut entries: Vec<(String, T)> = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key.trim().is_empty() {
                        return Err(de::Error::custom("a name must not be empty"));
                    }
                    if entries.iter().any(|(known, _)| *known == key) {
                        return Err(de::Error::custom(format_args!("\"{key}\" is given twice")));
                    }
                    entries.push((key, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Unique(PhantomData))
    }
}

impl PolicyFile {
    /// Parses the text of the file.
    ///
    /// # Errors
    /// The mistake, with its line and column.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_with_line_and_column() {
        for (text, problem, place) in [
            ("{\n  \"sources\": {\n", "EOF", "line 3 column 0"),
            (
                "{\"sources\": {},\n \"sorces\": {}}",
                "sorces",
                "line 2 column 9",
            ),
            (
                "{\"sources\": {\"a\": {\n\"target\": {}}}}",
                "target",
                "line 2 column 8",
            ),
            (
                "{\"sources\": {\"a\": {\n\"maxRows\": 0}}}",
                "nonzero",
                "line 2 column 12",
            ),
            (
                "{\"sources\": {\"a\": {\"targets\": {\"deny\": [\"x\",\n\"\"]}}}}",
                "must not be empty",
                "line 2 column 3",
            ),
            (
                "{\"sources\": {\"a\": {\"targets\": {\"allow\": [\"log_*\"]}}}}",
                "no patterns",
                "line 1 column",
            ),
            (
                "{\"sources\": {\"a\": {},\n\n \"a\": {}}}",
                "given twice",
                "line 3 column",
            ),
            ("{}", "missing field `sources`", "line 1 column 2"),
            ("[]", "", "line 1"),
            (
                "{\"sources\": {\"a\": {\"targets\": {\"deny\": \"x\"}}}}",
                "a sequence",
                "line 1 column",
            ),
        ] {
            let error = PolicyFile::parse(text).unwrap_err();
            assert!(error.contains(problem), "{error}");
            assert!(error.contains(place), "{error}");
        }
    }

    #[test]
    fn everything_but_the_sources_may_be_left_out() {
        let file = PolicyFile::parse(
            "\u{feff}{\"sources\": {\"a\": {}, \"*\": {\"maxRows\": 5, \"columns\": {\"t\": {\"deny\": [\"x\"]}}}}}",
        )
        .unwrap();
        let [(_, a), (star, all)] = file.sources.0.as_slice() else {
            panic!("two sources")
        };
        assert_eq!(a.targets, Lists::default());
        assert_eq!((star.as_str(), all.max_rows), ("*", NonZeroU64::new(5)));
        assert_eq!(all.columns.0[0].1.deny, [Name("x".into())]);
    }
}
