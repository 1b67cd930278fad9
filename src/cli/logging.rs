//! Our own log lines, on standard error. The official lines on standard output are no log.

use std::any::Any;
use std::io::{self, Write};
use std::panic;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use env_logger::fmt::Formatter;
use env_logger::{Builder, Target};
use log::kv::{self, Key, Value, VisitSource};
use log::{Level, Record, error};

use crate::config::LogFormat;
use crate::console::Console;
use crate::json::{write_string, write_timestamp};
use crate::text::printable;

/// Our modules begin with this.
const OURS: &str = env!("CARGO_CRATE_NAME");

/// Sends the log to `console`, at the level `filter` asks for, and panics to the log.
pub fn start(console: &Console, filter: &str, format: LogFormat) {
    let logger = Builder::new()
        .parse_filters(filter)
        .format(move |out, record| write(out, record, format))
        .target(Target::Pipe(Box::new(console.clone())))
        .try_init();
    // Somebody else's logger will do.
    drop(logger);
    panic::set_hook(Box::new(|panic| {
        let thread = thread::current();
        let place = panic
            .location()
            .map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
        error!(
            "panic in thread {}{place}: {}",
            thread.name().unwrap_or("?"),
            text(panic.payload())
        );
    }));
}

fn text(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// What other crates say at `debug` and `trace` is left out whatever the filter: tungstenite prints the
/// upgrade with its token, and drivers print the parameters of statements.
fn write(out: &mut Formatter, record: &Record<'_>, format: LogFormat) -> io::Result<()> {
    let module = match record.target().strip_prefix(OURS) {
        Some(module) => module.trim_start_matches(':'),
        None if record.level() > Level::Info => return Ok(()),
        None => record.target(),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| i64::try_from(now.as_micros()).unwrap_or(0));
    let line = match format {
        LogFormat::Text => text_line(now, module, record),
        LogFormat::Json => json_line(now, module, record),
    };
    writeln!(out, "{line}")
}

/// `2026-01-02T03:04:05.678Z INFO  engine::report: job failed job=j1 source="my db" rows=0`
fn text_line(now: i64, module: &str, record: &Record<'_>) -> String {
    let mut line = timestamp(now);
    line.push_str(&format!(
        " {:5} {module}: {}",
        record.level(),
        printable(record.args().to_string().chars())
    ));
    // The visitor cannot fail.
    let _ = record.key_values().visit(&mut TextPairs(&mut line));
    line
}

/// One object a line: `time`, `level`, `module`, `message` and whatever the record carries besides.
fn json_line(now: i64, module: &str, record: &Record<'_>) -> String {
    let mut line = String::from("{\"time\":\"");
    line.push_str(&timestamp(now));
    line.push_str("\",\"level\":");
    write_string(&mut line, record.level().as_str());
    line.push_str(",\"module\":");
    write_string(&mut line, module);
    line.push_str(",\"message\":");
    write_string(&mut line, &record.args().to_string());
    let _ = record.key_values().visit(&mut JsonPairs(&mut line));
    line.push('}');
    line
}

fn timestamp(now: i64) -> String {
    let mut time = String::new();
    write_timestamp(&mut time, now);
    time.trim_matches('"').to_owned()
}

struct TextPairs<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for TextPairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let text = printable(value.to_string().chars());
        self.0.push_str(&format!(" {key}="));
        if text.is_empty() || text.contains([' ', '"', '=']) {
            self.0.push_str(&format!("{text:?}"));
        } else {
            self.0.push_str(&text);
        }
        Ok(())
    }
}

struct JsonPairs<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for JsonPairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        self.0.push(',');
        write_string(self.0, key.as_str());
        self.0.push(':');
        match value.to_u64() {
            Some(number) => self.0.push_str(&number.to_string()),
            None => write_string(self.0, &value.to_string()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_323_045_678_000;

    fn lines(message: &str) -> (String, String) {
        let pairs = [
            ("job", Value::from("a\"b")),
            ("source", Value::from("my db\n2026 forged")),
            ("rows", Value::from(7_u64)),
        ];
        let args = format_args!("{message}");
        let record = Record::builder()
            .level(Level::Warn)
            .key_values(&pairs)
            .args(args)
            .build();
        (
            text_line(NOW, "jobs", &record),
            json_line(NOW, "jobs", &record),
        )
    }

    #[test]
    fn pairs_are_written_in_both_forms_and_forge_nothing() {
        let (text, json) = lines("job\nfailed");
        assert_eq!(
            text,
            "2026-01-02T03:04:05.678Z WARN  jobs: job\u{fffd}failed job=\"a\\\"b\" \
             source=\"my db\u{fffd}2026 forged\" rows=7"
        );
        let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            parsed,
            serde_json::json!({"time": "2026-01-02T03:04:05.678Z", "level": "WARN", "module": "jobs",
                "message": "job\nfailed", "job": "a\"b", "source": "my db\n2026 forged", "rows": 7})
        );
        assert!(!json.contains('\n'));
    }
}
