//! Our own log lines, on standard error. The official lines on standard output are no log.

use std::any::Any;
use std::fmt::{self, Write};
use std::panic;
use std::sync::{Mutex, OnceLock, RwLock};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use log::kv::{self, Key, Value, VisitSource};
use log::{Level, LevelFilter, Log, Metadata, Record, error, warn};

use crate::config::{LogFilter, LogFormat};
use crate::console::Console;
use crate::json::{write_string, write_timestamp};
use crate::limits;
use crate::locks::{lock, read, write};
use crate::text::{clipped, printable};

/// Our modules begin with this.
const OURS: &str = env!("CARGO_CRATE_NAME");

/// Where log lines go, and which of them.
struct Logger {
    console: Console,
    format: LogFormat,
    /// As it was asked for at the start.
    asked: LogFilter,
    /// By how many levels more is written than that.
    steps: Mutex<i8>,
    filter: RwLock<LogFilter>,
}

static LOGGER: OnceLock<Logger> = OnceLock::new();

/// Sends the log to `console`, as far as `filter` lets it, and panics to the log.
pub fn start(console: &Console, filter: LogFilter, format: LogFormat) {
    let most = filter.most();
    let logger = LOGGER.get_or_init(|| Logger {
        console: console.clone(),
        format,
        asked: filter.clone(),
        steps: Mutex::new(0),
        filter: RwLock::new(filter),
    });
    // Somebody else's logger will do.
    if log::set_logger(logger).is_ok() {
        log::set_max_level(most);
    }
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

/// Writes one level more, or less, than until now.
pub fn step(more: bool) {
    if let Some(logger) = LOGGER.get() {
        logger.step(if more { 1 } else { -1 });
    }
}

impl Logger {
    fn step(&self, by: i8) {
        /// From one end of the levels to the other.
        const MOST: i8 = 5;
        let mut steps = lock(&self.steps);
        *steps = steps.saturating_add(by).clamp(-MOST, MOST);
        let filter = self.asked.shifted(*steps);
        let most = filter.most();
        *write(&self.filter) = filter;
        log::set_max_level(most);
        warn!("the log now goes up to {}", most.as_str().to_lowercase());
    }

    fn level_of(&self, module: &str) -> LevelFilter {
        let filter = read(&self.filter);
        filter.of(module)
    }
}

impl Log for Logger {
    /// What other crates say at `debug` and `trace` is left out whatever the filter: tungstenite prints the
    /// upgrade with its token, and drivers print the parameters of statements.
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        let (module, ours) = module(about.target());
        (ours || about.level() <= Level::Info) && about.level() <= self.level_of(module)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let (module, _) = module(record.target());
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| i64::try_from(now.as_micros()).unwrap_or(0));
        self.console.line(&match self.format {
            LogFormat::Text => text_line(now, module, record),
            LogFormat::Json => json_line(now, module, record),
        });
    }

    fn flush(&self) {}
}

/// The module as log lines name it, and whether it is one of ours.
fn module(target: &str) -> (&str, bool) {
    match target.strip_prefix(OURS) {
        Some(module) => (module.trim_start_matches(':'), true),
        None => (target, false),
    }
}

fn text(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// `2026-01-02T03:04:05.678Z INFO  engine::report: job failed job=j1 source="my db" rows=0`
fn text_line(now: i64, module: &str, record: &Record<'_>) -> String {
    let mut line = timestamp(now);
    line.push_str(&format!(
        " {:5} {module}: {}",
        record.level(),
        printable(message(record).chars())
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
    write_string(&mut line, &message(record));
    let _ = record.key_values().visit(&mut JsonPairs(&mut line));
    line.push('}');
    line
}

/// What the record says, cut where it is longer than anybody reads: a statement may have megabytes, and each of its
/// copies on the way to the stream takes as much.
fn message(record: &Record<'_>) -> String {
    let mut message = Message::default();
    // It takes everything.
    let _ = message.write_fmt(*record.args());
    if message.cut {
        message.text.push('…');
    }
    message.text
}

#[derive(Default)]
struct Message {
    text: String,
    cut: bool,
}

impl fmt::Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = limits::LOG_MESSAGE.saturating_sub(self.text.len());
        if !self.cut {
            let start = clipped(text, free);
            self.text.push_str(start);
            self.cut = start.len() < text.len();
        }
        Ok(())
    }
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

    #[test]
    fn a_line_has_an_end() {
        let (text, json) = lines(&"é\u{1}".repeat(limits::LOG_MESSAGE));
        assert!(text.len() < 3 * limits::LOG_MESSAGE && text.contains('…'));
        assert!(json.len() < 4 * limits::LOG_MESSAGE && json.contains('…'));
        let (text, _) = lines(&"x".repeat(limits::LOG_MESSAGE));
        assert!(!text.contains('…'));
    }
}
