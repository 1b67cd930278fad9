//! One line.

use crate::json::{write_object, write_string, write_timestamp};

/// Longest name of anything in a line, in characters. Names are the gateway's.
const NAME_CHARS: usize = 256;

/// A text that is cut when it is longer than anybody's honest name.
#[derive(Debug, Clone, Copy)]
pub struct Clipped<'a>(pub &'a str);

impl Clipped<'_> {
    /// Appends it as a JSON string.
    pub fn write(self, out: &mut String) {
        match self.0.char_indices().nth(NAME_CHARS) {
            Some((cut, _)) => {
                let (start, _) = self.0.split_at(cut);
                write_string(out, &format!("{start}…"));
            }
            None => write_string(out, self.0),
        }
    }

    /// How long it is then, without its quotes.
    pub fn bytes(self) -> usize {
        let chars = self.0.chars().take(NAME_CHARS);
        chars
            .map(|c| match c {
                '\0'..' ' => "\\u0000".len(),
                '"' | '\\' => 2,
                _ => c.len_utf8(),
            })
            .sum()
    }
}

/// What is recorded of a job.
#[derive(Debug, Clone, Copy)]
pub struct AuditLine<'a> {
    /// When it ended, in microseconds since 1970.
    pub time: i64,
    /// The gateway's id of the job.
    pub job: &'a str,
    /// The source's id.
    pub source_id: &'a str,
    /// The source's name.
    pub source_name: &'a str,
    /// What kind of job.
    pub kind: &'a str,
    /// The job's target.
    pub target: &'a str,
    /// What [`crate::audit::details`] made of its options; empty if it never came to that.
    pub details: &'a str,
    /// Rows handed to the gateway's connection.
    pub rows: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// From its arrival to its end.
    pub ms: u64,
    /// `done`, or the code of its error.
    pub outcome: &'a str,
}

impl AuditLine<'_> {
    /// The line, with its end.
    pub fn text(&self) -> String {
        let mut out = String::with_capacity(256 + self.details.len());
        write_object(&mut out, |line| {
            line.member("time", |out| write_timestamp(out, self.time))
                .member("job", |out| Clipped(self.job).write(out))
                .object("source", |source| {
                    source
                        .member("id", |out| Clipped(self.source_id).write(out))
                        .member("name", |out| Clipped(self.source_name).write(out));
                })
                .member("kind", |out| Clipped(self.kind).write(out))
                .member("target", |out| Clipped(self.target).write(out))
                .members(self.details)
                .number("rows", self.rows)
                .number("bytes", self.bytes)
                .number("ms", self.ms)
                .string("outcome", self.outcome);
        });
        out.push('\n');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object_whatever_the_names_are() {
        let long = "é".repeat(10_000);
        let line = AuditLine {
            time: 1_767_323_045_678_000,
            job: "j\n1",
            source_id: "s\"",
            source_name: &long,
            kind: "query",
            target: "people",
            details: "\"filter\":\"age > ?\"",
            rows: 3,
            bytes: 99,
            ms: 4,
            outcome: "done",
        };
        let text = line.text();
        assert_eq!(text.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["time"], "2026-01-02T03:04:05.678Z");
        assert_eq!(value["source"]["id"], "s\"");
        let name = value["source"]["name"].as_str().unwrap();
        assert_eq!(name.chars().count(), NAME_CHARS + 1);
        assert_eq!(value["filter"], "age > ?");
        assert_eq!(value["rows"], 3);
    }
}
