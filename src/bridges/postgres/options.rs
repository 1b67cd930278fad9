//! The startup options of the customer's own (`options=-c search_path=shop`), read as the server reads them.

/// What of them is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Settings, in their order.
    pub settings: Vec<(String, String)>,
    /// Words that are no switches. A server refuses them, but there are proxies that find their database by them
    /// (`endpoint=…`).
    pub words: Vec<String>,
    /// Names of settings and switches that were left out.
    pub dropped: Vec<String>,
}

/// Settings that would make a session something else than a reader with the rights of its role.
const NOT_THEIRS: [&str; 4] = [
    "default_transaction_read_only",
    "transaction_read_only",
    "role",
    "session_authorization",
];

/// What every session of ours starts with, after everything of the customer's. Literals of ours are quoted for the
/// second.
const OURS: [(&str, &str); 2] = [
    ("standard_conforming_strings", "on"),
    ("default_transaction_read_only", "on"),
];

/// What decides how a value reads as text. Positions of walks are such texts, and another session reads them back, so
/// these are ours whatever the database, the role or the URL says. The time zone may be anybody's: an instant in this
/// style names its own.
const TEXTS: [&str; 4] = [
    "DateStyle = ISO",
    "IntervalStyle = postgres",
    "extra_float_digits = 3",
    "bytea_output = hex",
];

/// How far a setting reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// To the session's end.
    Session,
    /// To the transaction's end.
    Transaction,
}

/// The statements that decide how values read as text. No startup options, because of those the style of dates would
/// lose the order of day and month that the database is set to.
pub fn set_texts(scope: Scope) -> String {
    let set = match scope {
        Scope::Session => "SET",
        Scope::Transaction => "SET LOCAL",
    };
    TEXTS.map(|text| format!("{set} {text}")).join("; ")
}

impl Options {
    /// Reads a text as the server does: words at white space, `\` before a character that is meant as it is, and
    /// switches as `getopt` has them, several in a word and their value in the same word or the next.
    pub fn parse(text: &str) -> Self {
        let mut options = Self::default();
        let mut words = split(text).into_iter();
        while let Some(word) = words.next() {
            if let Some(setting) = word.strip_prefix("--") {
                options.take(setting);
            } else if let Some(switches) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                options.take_switches(switches, &mut words);
            } else {
                options.words.push(word);
            }
        }
        options
    }

    fn take_switches(&mut self, switches: &str, words: &mut impl Iterator<Item = String>) {
        /// Switches of the server that take a value.
        const VALUED: &str = "BCDcdfhkNprStvW";
        let mut rest = switches.chars();
        while let Some(switch) = rest.next() {
            if !VALUED.contains(switch) {
                self.dropped.push(format!("-{switch}"));
                continue;
            }
            let glued = rest.as_str();
            let value = match glued.is_empty() {
                true => words.next().unwrap_or_default(),
                false => glued.to_owned(),
            };
            match switch {
                'c' => self.take(&value),
                _ => self.dropped.push(format!("-{switch}")),
            }
            return;
        }
    }

    fn take(&mut self, setting: &str) {
        let (name, value) = setting.split_once('=').unwrap_or((setting, "true"));
        let name = name.replace('-', "_");
        if NOT_THEIRS
            .iter()
            .any(|theirs| theirs.eq_ignore_ascii_case(&name))
        {
            self.dropped.push(name);
        } else {
            self.settings.push((name, value.to_owned()));
        }
    }

    /// The options of a session that the server itself sets up.
    pub fn startup(&self) -> String {
        let ours = OURS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = self.settings.iter().chain(&ours);
        let settings =
            settings.map(|(name, value)| format!("-c {}", escaped(&format!("{name}={value}"))));
        let words = self.words.iter().map(|word| escaped(word));
        words.chain(settings).collect::<Vec<_>>().join(" ")
    }

    /// The options of a session before which there is a pooler that takes no settings.
    pub fn words(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|word| escaped(word)).collect();
        words.join(" ")
    }

    /// The statement that sets everything inside of a transaction, with its parameters. `None` when there is
    /// nothing to set.
    pub fn statement(&self) -> Option<(String, Vec<String>)> {
        if self.settings.is_empty() {
            return None;
        }
        // The read-only state is the transaction's own.
        let ours = OURS.iter().take(1);
        let ours = ours.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings: Vec<_> = self.settings.iter().cloned().chain(ours).collect();
        let calls: Vec<_> = (0..settings.len())
            .map(|n| {
                let (name, value) = (2 * n + 1, 2 * n + 2);
                format!("pg_catalog.set_config(${name}, ${value}, true)")
            })
            .collect();
        let parameters = settings.into_iter().flat_map(|(name, value)| [name, value]);
        Some((format!("SELECT {}", calls.join(", ")), parameters.collect()))
    }
}

/// Words at white space (as C has it), without the `\` that stands before characters meant as they are.
fn split(text: &str) -> Vec<String> {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}');
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => word.get_or_insert_default().extend(characters.next()),
            space if is_space(space) => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

fn escaped(word: &str) -> String {
    let mut text = String::new();
    for character in word.chars() {
        if character == '\\' || character.is_ascii_whitespace() || character == '\u{b}' {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Vec<(String, String)> {
        Options::parse(text).settings
    }

    fn setting(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn settings_are_read_as_the_server_reads_them() {
        let tokyo = vec![setting("TimeZone", "Asia/Tokyo")];
        for text in [
            "-c TimeZone=Asia/Tokyo",
            "-cTimeZone=Asia/Tokyo",
            "--TimeZone=Asia/Tokyo",
            "  -c\tTimeZone=Asia/Tokyo\n",
            "-ec TimeZone=Asia/Tokyo",
        ] {
            assert_eq!(settings(text), tokyo, "{text}");
        }
        assert_eq!(
            settings(r"-c search_path=a,\ b\\c --work-mem=4MB -c x"),
            [
                setting("search_path", r"a, b\c"),
                setting("work_mem", "4MB"),
                setting("x", "true")
            ]
        );
        assert_eq!(settings("-c"), [setting("", "true")]);
        assert_eq!(
            Options::parse("endpoint=ep-1 -c a=b").words,
            ["endpoint=ep-1"]
        );
    }

    #[test]
    fn nothing_makes_a_session_writable_or_somebody_else() {
        for text in [
            "-c default_transaction_read_only=off",
            "-cdefault_transaction_read_only=off",
            "--default-transaction-read-only=0",
            "-c DEFAULT_Transaction-read_only=no",
            "-ec default_transaction_read_only=off",
            "-Fcdefault_transaction_read_only=off",
            "-c transaction_read_only=off",
            "-c role=admin",
            "--session-authorization=postgres",
            r"-c default_transaction_read\_only=off",
            "-O -P -f s -t pa",
        ] {
            let options = Options::parse(text);
            assert_eq!(options.settings, [], "{text}");
            assert!(!options.dropped.is_empty(), "{text}");
            assert_eq!(
                options.startup(),
                "-c standard_conforming_strings=on -c default_transaction_read_only=on"
            );
            assert_eq!(options.statement(), None);
        }
    }

    #[test]
    fn ours_come_last_and_values_are_apart() {
        let options = Options::parse(r"-c a=\'\ x\\y\;COMMIT endpoint=e");
        assert_eq!(
            options.startup(),
            r"endpoint=e -c a='\ x\\y;COMMIT -c standard_conforming_strings=on -c default_transaction_read_only=on"
        );
        assert_eq!(
            Options::parse(&options.startup()).settings[0].1,
            r"' x\y;COMMIT"
        );
        assert_eq!(options.words(), "endpoint=e");
        let (sql, parameters) = options.statement().unwrap();
        assert_eq!(
            sql,
            "SELECT pg_catalog.set_config($1, $2, true), pg_catalog.set_config($3, $4, true)"
        );
        assert_eq!(parameters[..2], ["a", r"' x\y;COMMIT"]);
        assert_eq!(Options::default().startup().split(' ').count(), 4);
    }
}
