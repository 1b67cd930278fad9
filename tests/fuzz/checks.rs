//! What is checked with arbitrary bytes: everything that reads input from outside, and the writers of values
//! against slow references. Shared by the fuzz targets and by the test that replays their corpus.

use std::ffi::OsString;
use std::fmt::Write;

use semilayer_runner::gateway::GatewayAddress;
use semilayer_runner::net::{Proxy, exempt, http};
use semilayer_runner::options::{JobKind, Request};
use semilayer_runner::protocol::{FrameParser, ServerFrame};
use semilayer_runner::sources::{CredentialsLocation, LocalNames, Source, SourceEnvironment};
use semilayer_runner::{bridges, json, limits};
use serde_json::{Value, json};

/// One check of arbitrary bytes; panics when something is wrong.
pub type Check = fn(&[u8]);

/// Every check by the name of its fuzz target.
pub const ALL: [(&str, Check); 15] = [
    ("server_frame", server_frame),
    ("job_options", job_options),
    ("source_environment", source_environment),
    ("no_proxy", no_proxy),
    ("urls", urls),
    ("value_writers", value_writers),
    ("document_writer", document_writer),
    ("mongodb_answer", mongodb_answer),
    ("mongodb_service", mongodb_service),
    ("clickhouse_row", clickhouse_row),
    ("http_answer", http_answer),
    ("redis_replies", redis_replies),
    ("raw_json", raw_json),
    ("hrana_line", hrana_line),
    ("d1_answer", d1_answer),
];

const KINDS: [&str; 9] = [
    "query",
    "read",
    "batchRead",
    "count",
    "aggregate",
    "listTargets",
    "introspectTarget",
    "test",
    "search",
];
const BRIDGES: [&str; 13] = [
    "postgres",
    "cockroachdb",
    "neon",
    "mysql",
    "mariadb",
    "planetscale",
    "sqlite",
    "mongodb",
    "clickhouse",
    "redis",
    "upstash",
    "turso",
    "d1",
];
const SECRET: &str = "s3cret-W0rd";

/// The first byte, and the rest as text.
fn split(bytes: &[u8]) -> Option<(usize, &str)> {
    let (first, rest) = bytes.split_first()?;
    Some((usize::from(*first), std::str::from_utf8(rest).ok()?))
}

fn package(number: usize) -> String {
    format!("@semilayer/bridge-{}", BRIDGES[number % BRIDGES.len()])
}

/// A frame of the gateway, down to the options of a job.
pub fn server_frame(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let frame = ServerFrame::parse(text);
    // What a session's parser knows makes it faster, nothing else.
    let mut parser = FrameParser::default();
    for _ in 0..2 {
        let quick = parser.parse(text);
        assert!(quick == frame || matches!((&quick, &frame), (Ok(_), Err(_))));
    }
    if let Ok(ServerFrame::Job(frame)) = frame {
        assert!(frame.id.len() <= limits::MAX_ID_BYTES);
        assert!(!format!("{:?}", frame.source).contains(SECRET));
        let _ = request(
            frame.kind,
            &frame.target,
            &frame.options,
            &frame.source.bridge,
        );
    }
}

fn request(kind: JobKind, target: &str, options: &Value, bridge: &str) -> Option<Request> {
    let package = bridges::packages().find(|package| package.name() == bridge)?;
    match Request::parse(kind, target, options, &package.options) {
        Ok(request) => Some(request),
        Err(error) => {
            assert!(!error.message.is_empty());
            None
        }
    }
}

/// The options of a job of each kind: the first byte chooses kind and bridge.
pub fn job_options(bytes: &[u8]) {
    let Some((choice, text)) = split(bytes) else {
        return;
    };
    let Ok(options) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let kind = KINDS[choice % KINDS.len()];
    let bridge = package(choice / KINDS.len());
    let first = request(JobKind::of(kind), "people", &options, &bridge);
    // Nothing but the input decides.
    let second = request(JobKind::of(kind), "people", &options, &bridge);
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
}

/// `SEMILAYER_SOURCE_*`: the first line is the source's name, each other line a variable.
pub fn source_environment(bytes: &[u8]) {
    let Some((choice, text)) = split(bytes) else {
        return;
    };
    let mut lines = text.split('\n');
    let name = lines.next().unwrap_or_default();
    let variables = lines.filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        // A file that the input names is no input.
        (!key.ends_with("_FILE")).then(|| {
            (
                OsString::from(format!("SEMILAYER_SOURCE_{key}")),
                OsString::from(value),
            )
        })
    });
    let environment = SourceEnvironment::from_env(variables, bridges::packages());
    let bridge = package(choice);
    let known = LocalNames::of([name, "other"]);
    let _ = environment.problems(name, &bridge, &known);
    for source in environment.local_sources() {
        assert!(!source.name.is_empty());
    }
    if let Ok(config) = environment.config_for(name, &bridge, &known) {
        open(&bridge, config.into());
    }
}

/// Opening a source does no more than reading its configuration.
fn open(bridge: &str, config: Value) {
    let Value::Object(config) = config else {
        return;
    };
    let source = Source {
        id: "s".to_owned(),
        name: "s".to_owned(),
        bridge: bridge.to_owned(),
        credentials: CredentialsLocation::Managed,
        config,
    };
    if let Err(error) = bridges::open(&source) {
        assert!(!error.message.contains(SECRET), "{}", error.message);
    }
}

/// A `NO_PROXY` list, against a reading of it that knows only names.
pub fn no_proxy(bytes: &[u8]) {
    let Some((choice, list)) = split(bytes) else {
        return;
    };
    for (host, port) in [
        ("runner.example.com", 443),
        ("10.1.2.3", 443),
        ("::1", 8443),
        ("", 0),
    ] {
        let _ = exempt(list, host, port);
    }
    let _ = exempt(&choice.to_string(), list, 443);
    // The host itself exempts itself, and so does everything.
    if list.bytes().all(|b| b.is_ascii_lowercase()) && !list.is_empty() {
        assert!(exempt(list, list, 443));
        assert!(exempt(list, &format!("sub.{list}"), 443));
        assert!(!exempt(list, &format!("x{list}"), 443));
    }
    assert!(exempt(&format!("{list},*"), "any.example", 1));
}

/// URLs of the gateway, of proxies and of databases. The secret in them never shows.
pub fn urls(bytes: &[u8]) {
    let Some((choice, text)) = split(bytes) else {
        return;
    };
    let text = text.replace("SECRET", SECRET);
    match GatewayAddress::parse(&text, choice % 2 == 0) {
        Ok(address) => {
            let path = address.path_with(&[("token", SECRET)]);
            assert!(path.starts_with('/') && path.contains("token="), "{path:?}");
            assert!(path.bytes().all(|b| b.is_ascii_graphic()), "{path:?}");
        }
        Err(error) => assert!(!error.to_string().contains(SECRET), "{error}"),
    }
    match Proxy::parse(&text) {
        // What is printed is host and port; a secret there is no secret.
        Ok(proxy) => assert!(!format!("{proxy:?}").contains(SECRET) || proxy.host.contains(SECRET)),
        Err(problem) => assert!(!problem.contains(SECRET), "{problem}"),
    }
    let bridge = package(choice);
    for key in ["url", "connectionString", "path"] {
        // A name of a file is told.
        if key != "path" {
            open(&bridge, json!({ key: text }));
        }
    }
    open(
        &bridge,
        json!({ "host": "h", "user": "u", "password": SECRET, "database": "d", "ssl": text }),
    );
    if let Ok(config) = serde_json::from_str(&text) {
        open(&bridge, config);
    }
}

/// Every writer of a value gives valid JSON that reads as a slow reference has it.
pub fn value_writers(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::new();
    json::write_string(&mut out, &text);
    assert_eq!(out, serde_json::to_string(&text).expect("JSON"));

    out.clear();
    json::write_bytes(&mut out, bytes);
    let parsed: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(parsed, json!({ "type": "Buffer", "data": bytes }));

    for part in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        let bits = u64::from_le_bytes(word);
        number(bits);
        instant(bits.cast_signed());
        instant(bits.cast_signed() >> 12);
    }
}

fn number(bits: u64) {
    let written = |write: &dyn Fn(&mut String)| {
        let mut out = String::new();
        write(&mut out);
        out
    };
    assert_eq!(written(&|out| json::write_u64(out, bits)), bits.to_string());
    let signed = bits.cast_signed();
    assert_eq!(
        written(&|out| json::write_i64(out, signed)),
        signed.to_string()
    );
    let double = f64::from_bits(bits);
    let text = written(&|out| json::write_f64(out, double));
    let digits = double.is_finite().then(|| {
        let some = format!("{double:e}");
        let nearest = format!("{double:.*e}", decimals(&some));
        let same = nearest.parse() == Ok(double);
        if same { nearest } else { some }
    });
    assert_eq!(text, digits.map_or("null".to_owned(), |d| javascript(&d)));
    let single = f32::from_bits(bits as u32);
    let text = written(&|out| json::write_f32(out, single));
    let digits = single.is_finite().then(|| {
        let some = format!("{single:e}");
        let nearest = format!("{single:.*e}", decimals(&some));
        let same = nearest.parse() == Ok(single);
        if same { nearest } else { some }
    });
    assert_eq!(text, digits.map_or("null".to_owned(), |d| javascript(&d)));
}

/// Digits after the point of `d.ddde-x`. Of several shortest forms ECMAScript wants the nearest, and of two as near
/// the even one, which is how Rust rounds to a number of digits but not how it chooses a shortest form.
fn decimals(scientific: &str) -> usize {
    let digits = scientific.split('e').next().unwrap_or_default();
    digits
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len())
}

/// `Number::toString` of ECMAScript, from the shortest digits as `-d.ddde-x`.
fn javascript(scientific: &str) -> String {
    let (sign, scientific) = match scientific.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", scientific),
    };
    let (digits, exponent) = scientific.split_once('e').expect("an exponent");
    let digits = digits.replace('.', "");
    let point = exponent.parse::<i32>().expect("a number") + 1;
    let count = digits.len() as i32;
    if digits == "0" {
        return "0".to_owned();
    }
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let text = match point {
        1..=21 if count <= point => format!("{digits}{}", zeros(point - count)),
        1..=21 => format!(
            "{}.{}",
            &digits[..point as usize],
            &digits[point as usize..]
        ),
        -5..=0 => format!("0.{}{digits}", zeros(-point)),
        _ => {
            let exponent = point - 1;
            let plus = if exponent > 0 { "+" } else { "" };
            match digits.split_at(1) {
                (first, "") => format!("{first}e{plus}{exponent}"),
                (first, rest) => format!("{first}.{rest}e{plus}{exponent}"),
            }
        }
    };
    format!("{sign}{text}")
}

/// An instant, year by year.
fn instant(micros: i64) {
    const DAY: i64 = 86_400_000_000;
    let mut out = String::new();
    json::write_timestamp(&mut out, micros);
    let mut expected = String::from("null");
    if micros.unsigned_abs() <= 8_640_000_000_000_000_000 {
        let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = |year| if leap(year) { 366 } else { 365 };
        let (mut days, mut year) = (micros.div_euclid(DAY), 1970);
        // Four hundred years repeat.
        year += days.div_euclid(146_097) * 400;
        days = days.rem_euclid(146_097);
        while days >= length(year) {
            days -= length(year);
            year += 1;
        }
        let february = if leap(year) { 29 } else { 28 };
        let mut month = 1;
        for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            if days < length {
                break;
            }
            days -= length;
            month += 1;
        }
        let year = match year {
            0..=9999 => format!("{year:04}"),
            _ => format!("{year:+07}"),
        };
        let millis = micros.rem_euclid(DAY) / 1000;
        let (hour, minute) = (millis / 3_600_000, millis / 60_000 % 60);
        let (second, milli) = (millis / 1000 % 60, millis % 1000);
        expected.clear();
        let _ = write!(
            expected,
            "\"{year}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z\"",
            days + 1
        );
    }
    assert_eq!(out, expected, "{micros}");
    let days = micros / DAY;
    let (mut one, mut other) = (String::new(), String::new());
    json::write_date(&mut one, days);
    json::write_timestamp(&mut other, days * DAY);
    assert_eq!(one, other);
}

/// A document that a database hands over as text stays the document it is.
pub fn document_writer(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let valid = serde_json::from_str::<Value>(text);
    let mut out = String::new();
    // A database hands over valid documents only; any other must do no harm.
    json::write_document(&mut out, text);
    if let Ok(value) = valid {
        assert_eq!(out, text);
        assert_eq!(serde_json::from_str::<Value>(&out).expect("JSON"), value);
    }
}

/// Answers of a MongoDB server, as a whole and as the document in one. What becomes a row is JSON.
pub fn mongodb_answer(bytes: &[u8]) {
    let write = |answer: &[u8]| {
        let mut out = json::Text::new();
        if bridges::writers::mongodb(&mut out, answer) {
            // Deeper than its reader of values goes.
            serde_json::from_str::<Box<serde_json::value::RawValue>>(&out.into_string())
                .expect("JSON");
        }
    };
    write(bytes);
    let length = i32::try_from(bytes.len() + 21).unwrap_or(i32::MAX);
    let mut answer: Vec<u8> = [length, 1, 1, 2013, 0].map(i32::to_le_bytes).concat();
    answer.push(0);
    answer.extend(bytes);
    write(&answer);
}

/// Answers of a name server, behind the question, whose length is the first byte.
pub fn mongodb_service(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first() else {
        return;
    };
    if let Some((question, answer)) = rest.split_at_checked(usize::from(*length)) {
        bridges::writers::is_mongodb_service(answer, question);
    }
}

/// A line of ClickHouse's answer: the first byte says how many members are private.
pub fn clickhouse_row(bytes: &[u8]) {
    let Some((first, line)) = bytes.split_first() else {
        return;
    };
    let hidden = usize::from(*first % 4);
    let mut out = json::Text::new();
    if !bridges::writers::clickhouse(&mut out, line, hidden) {
        return;
    }
    let written: Value = serde_json::from_str(&out.into_string()).expect("a row is JSON");
    let line = String::from_utf8_lossy(line);
    let Ok(Value::Object(mut given)) = serde_json::from_str(&line) else {
        panic!("{line} is no object");
    };
    let whole = given.len();
    for name in given.keys().take(hidden).cloned().collect::<Vec<_>>() {
        given.shift_remove(&name);
    }
    // Of two members under one name a reader keeps one.
    if given.len() + hidden == whole
        && written.as_object().map(|row| row.len()) == Some(given.len())
    {
        assert_eq!(written, Value::Object(given));
    }
}

/// Heads, bodies and chunks of HTTP: however they come in, the answer is the same, and no longer than allowed.
pub fn http_answer(bytes: &[u8]) {
    const MOST: usize = 1000;
    let whole = http::read_answer(bytes, MOST);
    // A byte at a time.
    let slow = http::read_answer(Slow(bytes), MOST);
    match (whole, slow) {
        (Ok((status, body)), Ok(slow)) => {
            assert!(status >= 200 && body.len() <= MOST);
            assert_eq!((status, body), slow);
        }
        (Err(whole), Err(slow)) => assert_eq!(whole.to_string(), slow.to_string()),
        _ => panic!("the way the bytes come in makes a difference"),
    }
}

/// Replies of Redis: read to their end with little memory, and alike whatever is kept of them.
pub fn redis_replies(bytes: &[u8]) {
    let all = bridges::readers::redis(bytes, 1 << 20);
    let few = bridges::readers::redis(bytes, 10);
    assert_eq!(all, few);
}

/// A line of an answer of Turso: what is written of a row is a list of as many values.
pub fn hrana_line(bytes: &[u8]) {
    let Ok(line) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut out = json::Text::new();
    if !bridges::writers::turso(&mut out, line) || out.is_empty() {
        return;
    }
    let written: Value = serde_json::from_str(&out.into_string()).expect("a row is JSON");
    // What it has a limit for is no fault.
    if let Ok(given) = serde_json::from_str::<Value>(line) {
        assert_eq!(
            given["row"].as_array().map(Vec::len),
            written.as_array().map(Vec::len)
        );
    }
}

/// An answer of D1: however it comes in, its rows are those of the document, as they came.
pub fn d1_answer(bytes: &[u8]) {
    let read = |most| bridges::readers::d1(&mut std::io::BufReader::with_capacity(most, bytes));
    let rows = read(4096);
    assert_eq!(rows, read(1));
    let Some(rows) = rows else {
        return;
    };
    let written = serde_json::from_str::<Value>(&format!("[{}]", rows.join(",")));
    // It has limits, and of two members under one name keeps one.
    let (Ok(written), Ok(given)) = (written, serde_json::from_slice::<Value>(bytes)) else {
        return;
    };
    let text = String::from_utf8_lossy(bytes);
    if ["\"result\"", "\"results\"", "\"rows\""]
        .iter()
        .all(|name| text.matches(name).count() == 1)
    {
        let rows = given["result"][0]["results"].get("rows");
        assert_eq!(written, rows.cloned().unwrap_or(json!([])));
    }
}

/// JSON as it came: what serde_json takes is taken, what is taken has parts that are JSON again.
pub fn raw_json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let raw = json::Raw::parse(text);
    match serde_json::from_str::<Value>(text) {
        Ok(value) => {
            let raw = raw.unwrap_or_else(|| panic!("{text} is JSON"));
            let compact = serde_json::from_str::<Value>(&raw.compact());
            if let Value::Object(members) = &value {
                for (name, member) in members {
                    let found = raw.member(name).expect("a member");
                    assert_eq!(
                        &serde_json::from_str::<Value>(found.as_str()).unwrap(),
                        member
                    );
                }
            }
            if let Value::Array(elements) = &value {
                assert_eq!(raw.elements().count(), elements.len());
            }
            assert!(compact.is_ok() || !text.is_ascii());
        }
        // It has a limit of nesting, of numbers, and takes no half of a surrogate pair.
        Err(_) => drop(raw.map(|raw| (raw.js_string().len(), raw.compact(), raw.js_number()))),
    }
}

/// One byte a read.
struct Slow<'a>(&'a [u8]);

impl std::io::Read for Slow<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let count = buf.len().min(1);
        std::io::Read::read(&mut self.0, &mut buf[..count])
    }
}
