//! What happens, told on standard output: in the official words, or for programs.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::console::Console;
use crate::json::{write_string, write_timestamp};

/// How the lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// In the official words.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
    /// Not at all.
    Off,
}

impl Form {
    /// By its name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}

/// Tells what happens. Clones tell it in the same place.
#[derive(Clone)]
pub struct Lines {
    console: Console,
    form: Form,
}

impl Lines {
    /// On this stream, in this form.
    pub fn new(console: Console, form: Form) -> Self {
        Self { console, form }
    }

    /// Tells an event: `text` to people, to programs its name and what belongs to it.
    pub fn say(&self, text: &str, event: &str, more: &[(&str, &str)]) {
        match self.form {
            Form::Text => self.console.line(text),
            Form::Json => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                let now = now.map_or(0, |now| i64::try_from(now.as_micros()).unwrap_or(0));
                self.console.line(&object(now, event, more));
            }
            Form::Off => {}
        }
    }
}

fn object(now: i64, event: &str, more: &[(&str, &str)]) -> String {
    let mut line = String::from("{\"time\":");
    write_timestamp(&mut line, now);
    for (name, value) in [("event", event)].iter().chain(more) {
        line.push(',');
        write_string(&mut line, name);
        line.push(':');
        write_string(&mut line, value);
    }
    line.push('}');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_forms_are_known() {
        assert_eq!(Form::parse("text"), Some(Form::Text));
        assert_eq!(Form::parse("json"), Some(Form::Json));
        assert_eq!(Form::parse("off"), Some(Form::Off));
        assert_eq!(Form::parse("quiet"), None);
    }

    #[test]
    fn an_event_is_one_object() {
        let line = object(1_767_323_045_678_000, "job", &[("job", "a\"b\n")]);
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            parsed,
            serde_json::json!({"time": "2026-01-02T03:04:05.678Z", "event": "job", "job": "a\"b\n"})
        );
        assert!(!line.contains('\n'));
    }
}
