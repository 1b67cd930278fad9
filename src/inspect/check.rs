//! One thing that was looked at, and what was found.

use serde_json::{Map, Value};

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// All is well.
    Good,
    /// It works, but somebody should look at it.
    Warning,
    /// It does not work.
    Bad,
}

/// A check that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What was looked at, in a word: `dns`, `tls`, `source SHOP`.
    pub name: String,
    /// How it went.
    pub mark: Mark,
    /// What was found, for people.
    pub text: String,
    /// What somebody can do about it.
    pub advice: Option<String>,
    /// The same for programs.
    pub facts: Map<String, Value>,
}

impl Check {
    /// A check without more to say than its text.
    pub fn new(name: impl Into<String>, mark: Mark, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            mark,
            text: text.into(),
            advice: None,
            facts: Map::new(),
        }
    }

    /// With advice.
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// What was looked at, what was found and what to do, in one line.
    pub fn sentence(&self) -> String {
        let Self { name, text, .. } = self;
        match &self.advice {
            Some(advice) => format!("{name}: {text}; {advice}"),
            None => format!("{name}: {text}"),
        }
    }

    /// With a fact.
    pub fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}
