//! The policy file: JSON, read once at start.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Unexpected, Visitor};

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
    #[serde(deserialize_with = "object")]
    pub targets: Lists,
    /// Which columns, by target; `*` for every target.
    pub columns: Entries<Lists>,
    /// Most rows a job may send.
    pub max_rows: Option<Cap>,
    /// Most bytes of rows, as JSON text, a job may send.
    pub max_bytes: Option<Cap>,
    /// Most seconds a job may take, from its arrival.
    pub max_seconds: Option<Cap>,
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

/// How much a job may send or take; at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap(pub u64);

impl<'de> Deserialize<'de> for Cap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Positive;

        impl Visitor<'_> for Positive {
            type Value = Cap;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, at least 1")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Cap, E> {
                match number {
                    0 => Err(E::invalid_value(Unexpected::Unsigned(0), &self)),
                    number => Ok(Cap(number)),
                }
            }
        }

        deserializer.deserialize_u64(Positive)
    }
}

/// An object and nothing else. By itself serde also takes a list, whose elements it counts off as the fields: an
/// empty one, meant to allow nothing, would be an entry without any rule.
fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(Object(PhantomData))
}

/// A rule among [`Entries`].
struct Rule<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Rule<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Self)
    }
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
                    let Rule(rule) = map.next_value()?;
                    entries.push((key, rule));
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
        let parsed: Result<Rule<Self>, _> = serde_json::from_str(text);
        match parsed {
            Ok(Rule(file)) => Ok(file),
            Err(error) => Err(error.to_string()),
        }
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
                "at least 1",
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
            ("[]", "expected an object", "line 1"),
            (
                "{\"sources\": {\"a\":\n[]}}",
                "expected an object",
                "line 2 column 0",
            ),
            (
                "{\"sources\": {\"a\": {\"targets\":\n[]}}}",
                "expected an object",
                "line 2 column 0",
            ),
            (
                "{\"sources\": {\"a\": {\"columns\": {\"t\":\n[[\"x\"]]}}}}",
                "expected an object",
                "line 2 column 0",
            ),
            (
                "{\"sources\": {\"a\": {\"maxRows\": \"10\"}}}",
                "expected a whole number, at least 1",
                "line 1 column",
            ),
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
        assert_eq!((star.as_str(), all.max_rows), ("*", Some(Cap(5))));
        assert_eq!(all.columns.0[0].1.deny, [Name("x".into())]);
    }
}
