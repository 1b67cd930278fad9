//! Our own log lines, on standard error. The official lines on standard output are no log.

use std::any::Any;
use std::io::{self, Write};
use std::panic;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use env_logger::fmt::Formatter;
use env_logger::{Builder, Target};
use log::{Level, Record, error};

use crate::console::{Console, printable};
use crate::json::write_timestamp;

/// Time for a panic's message to leave.
const FLUSH: Duration = Duration::from_millis(100);
/// Our modules begin with this.
const OURS: &str = env!("CARGO_CRATE_NAME");

/// Sends the log to `console`, at the level `filter` asks for, and panics to the log.
pub fn start(console: &Console, filter: &str) {
    let logger = Builder::new()
        .parse_filters(filter)
        .format(format)
        .target(Target::Pipe(Box::new(console.clone())))
        .try_init();
    // Somebody else's logger will do.
    drop(logger);
    let console = console.clone();
    panic::set_hook(Box::new(move |panic| {
        let thread = thread::current();
        let place = panic
            .location()
            .map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
        error!(
            "panic in thread {}{place}: {}",
            thread.name().unwrap_or("?"),
            text(panic.payload())
        );
        // If it is the main thread, nobody else will.
        console.flush(FLUSH);
    }));
}

fn text(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// What other crates say at `debug` and `trace` is left out whatever the filter: tungstenite prints the
/// upgrade with its token, and drivers print the parameters of statements.
fn format(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let module = match record.target().strip_prefix(OURS) {
        Some(module) => module.trim_start_matches(':'),
        None if record.level() > Level::Info => return Ok(()),
        None => record.target(),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut time = String::new();
    write_timestamp(
        &mut time,
        now.map_or(0, |now| i64::try_from(now.as_micros()).unwrap_or(0)),
    );
    writeln!(
        out,
        "{} {:5} {module}: {}",
        time.trim_matches('"'),
        record.level(),
        printable(record.args().to_string().chars())
    )
}
