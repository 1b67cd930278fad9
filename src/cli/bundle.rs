//! `doctor --bundle`: one file with what support asks for. Nothing in it is secret: everything in it is made to
//! be shown, and what was read of a log is searched for what this environment keeps secret.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::cli::arguments::Arguments;
use crate::cli::status::configuration_json;
use crate::cli::{environment, version};
use crate::config::{Environment, Privacy, variables};
use crate::files::read_secret;
use crate::json::write_timestamp;
use crate::limits;
use crate::text::{longest_first, printable};

/// Writes the file, which only its owner may read.
///
/// # Errors
/// Why it cannot be written, or the log not be read.
pub fn write(file: &str, arguments: &Arguments, doctor: Value) -> Result<(), String> {
    let log = arguments
        .value("--log")
        .map(|log| log_lines(log, environment()));
    let bundle = json!({
        "time": now(),
        "binary": version::facts(),
        "host": host(),
        "configuration": configuration_json(&arguments.flags()),
        "doctor": doctor,
        "log": match log.transpose()? {
            Some(lines) => json!(lines),
            None => json!(NO_LOG),
        },
    });
    let text = serde_json::to_string_pretty(&bundle).map_err(|error| error.to_string())?;
    let written = create(Path::new(file)).and_then(|mut file| writeln!(file, "{text}"));
    written.map_err(|error| format!("{file}: {error}"))
}

const NO_LOG: &str = "none was given: --log FILE, or --log - for what is piped in, such as the output of \
                      journalctl --utc --unit semilayer-runner or of docker logs";

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// In UTC.
fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = now.map_or(0, |now| i64::try_from(now.as_micros()).unwrap_or(0));
    let mut text = String::new();
    write_timestamp(&mut text, micros);
    text.trim_matches('"').to_owned()
}

/// The machine, as far as it tells about itself.
fn host() -> Value {
    let line = |path: &str| {
        let text = fs::read_to_string(path).ok()?;
        Some(printable(text.lines().next()?.chars().take(200)))
    };
    let cores = std::thread::available_parallelism().ok();
    json!({
        "kernel": line("/proc/sys/kernel/osrelease"),
        "memory": line("/proc/meminfo"),
        "memoryLimit": line("/sys/fs/cgroup/memory.max"),
        "processors": cores.map(usize::from),
        "container": crate::inspect::is_container(|name| environment().get(name)),
    })
}

/// The last lines of a log.
fn log_lines(log: &str, environment: &Environment) -> Result<Vec<String>, String> {
    let bytes = match log {
        "-" => tail_of_stream(io::stdin().lock()),
        log => File::open(log).and_then(tail_of_file),
    };
    let bytes = bytes.map_err(|error| format!("{log}: {error}"))?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    let (_, last) = lines.split_at(lines.len().saturating_sub(limits::BUNDLE_LINES));
    let secrets = secrets(environment);
    Ok(last.iter().map(|line| masked(line, &secrets)).collect())
}

fn tail_of_file(mut file: File) -> io::Result<Vec<u8>> {
    let most = limits::BUNDLE_LOG_BYTES as u64;
    // What cannot be sought in is read like a stream.
    if let Ok(length) = file.seek(SeekFrom::End(0)) {
        file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    }
    tail_of_stream(file)
}

fn tail_of_stream(mut stream: impl Read) -> io::Result<Vec<u8>> {
    let mut tail = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(tail);
        }
        tail.extend(buffer.iter().take(read));
        let surplus = tail.len().saturating_sub(limits::BUNDLE_LOG_BYTES);
        // Not at every turn: moving what is left takes time.
        if surplus > limits::BUNDLE_LOG_BYTES {
            tail.drain(..surplus);
        }
    }
}

/// Every value of this environment that is not made to be shown, the longest first.
fn secrets(environment: &Environment) -> Vec<String> {
    let is_secret = |name: &str| {
        name.starts_with("SEMILAYER_SOURCE_")
            || variables::find(name).is_some_and(|v| v.privacy != Privacy::Open)
    };
    let mut secrets: Vec<String> = Vec::new();
    for name in environment.names() {
        let Some(value) = environment.get(name) else {
            continue;
        };
        let from_file = name
            .ends_with("_FILE")
            .then(|| read_secret(Path::new(&value)).ok());
        match from_file {
            Some(text) => secrets.extend(text),
            None if is_secret(name) => secrets.push(value),
            None => {}
        }
    }
    // Of the text of a URL its password alone may stand in a log.
    let passwords: Vec<String> = secrets
        .iter()
        .filter_map(|secret| password(secret))
        .collect();
    secrets.extend(passwords);
    // What is as short as a port or a flag is no secret, and would leave nothing of the log.
    secrets.retain(|secret| secret.len() >= 6);
    longest_first(&mut secrets);
    secrets.dedup();
    secrets
}

fn password(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (user, _) = rest.rsplit_once('@')?;
    user.split_once(':')
        .map(|(_, password)| password.to_owned())
}

/// The line without the secrets, and without what looks like one: a token, the user of a URL.
fn masked(line: &str, secrets: &[String]) -> String {
    let mut line = printable(line.chars());
    for secret in secrets {
        if line.contains(secret) {
            line = line.replace(secret, "(hidden)");
        }
    }
    let mut shown = String::new();
    // Each word with the character after it.
    let ends_word = |c: char| c.is_whitespace() || c == '"' || c == '\'';
    for part in line.split_inclusive(ends_word) {
        let word = part.trim_end_matches(ends_word);
        let place = word
            .split_once("://")
            .and_then(|(_, rest)| rest.rsplit_once('@'));
        if word.contains("rk_") {
            shown.push_str("(hidden)");
        } else if let Some((_, place)) = place {
            shown.push_str(&format!("(hidden)@{place}"));
        } else {
            shown.push_str(word);
        }
        shown.push_str(part.strip_prefix(word).unwrap_or_default());
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    #[test]
    fn secrets_are_hidden_known_or_not() {
        let pairs = [
            ("SEMILAYER_SOURCE_SHOP_URL", "postgres://u:my-s3cret@db/x"),
            ("SEMILAYER_SOURCE_SHOP_PORT", "5432"),
        ];
        let own = |(name, value): (&str, &str)| (OsString::from(name), OsString::from(value));
        let secrets = secrets(&Environment::of(pairs.map(own)));
        for (line, shown) in [
            ("all is well on 5432, 7 rows", "all is well on 5432, 7 rows"),
            ("login my-s3cret failed", "login (hidden) failed"),
            ("token=\"rk_0123abc\" x", "token=\"(hidden)\" x"),
            ("to mysql://a:b@h:1/d, y", "to (hidden)@h:1/d, y"),
            ("plain wss://h/c", "plain wss://h/c"),
        ] {
            assert_eq!(masked(line, &secrets), shown);
        }
    }

    #[test]
    fn only_the_end_of_a_long_log_is_kept() {
        let long = vec![b'x'; 5 * limits::BUNDLE_LOG_BYTES];
        let tail = tail_of_stream(long.as_slice()).unwrap();
        assert!(tail.len() <= 2 * limits::BUNDLE_LOG_BYTES + (16 << 10));
        assert!(tail.len() >= limits::BUNDLE_LOG_BYTES);
    }
}
