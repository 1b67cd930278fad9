//! Jobs on a store in memory that scans as a real one may: in no order, some keys twice, others coming and going.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::Answer;
use super::key::Key;
use super::scan::{self, KeySource};
use super::unordered::Unordered;
use super::walks::Walks;
use super::{Command, Reading, Reply, Store, Trouble, rules};
use crate::error::{ErrorCode, JobError};
use crate::job::{
    ChunkLimits, JobControl, Privileges, QueueSender, RowSink, ServerFacts, Slot, Summary, Wakeup,
};
use crate::limits;
use crate::options::{JobKind, OptionRules, Request};

const RULES: OptionRules = rules("bridge-of-a-test");

#[derive(Clone)]
enum Stored {
    Text(Vec<u8>),
    Hash(Vec<(&'static str, &'static str)>),
    List(usize),
}

/// What happens between two commands.
type Meanwhile = Box<dyn FnMut(&mut BTreeMap<Vec<u8>, Stored>)>;

struct Memory {
    keys: BTreeMap<Vec<u8>, Stored>,
    asked: Vec<String>,
    meanwhile: Meanwhile,
}

impl Memory {
    fn new<K: Into<Vec<u8>>>(keys: impl IntoIterator<Item = (K, Stored)>) -> Self {
        Self {
            keys: keys
                .into_iter()
                .map(|(key, value)| (key.into(), value))
                .collect(),
            asked: Vec::new(),
            meanwhile: Box::new(|_| {}),
        }
    }

    fn numbered(count: usize) -> Self {
        let key = |n| format!("t:{n:06}");
        Self::new((0..count).map(|n| (key(n), Stored::Text(n.to_string().into_bytes()))))
    }

    fn count(&self, name: &str) -> usize {
        self.asked.iter().filter(|asked| *asked == name).count()
    }

    fn reply(&mut self, command: &Command) -> Reply {
        let parts: Vec<_> = command.0.iter().map(Vec::as_slice).collect();
        let name = String::from_utf8(parts[0].to_vec()).unwrap();
        self.asked.push(name.clone());
        let number = |at: usize| {
            std::str::from_utf8(parts[at])
                .unwrap()
                .parse::<i64>()
                .unwrap()
        };
        let bytes = |text: &str| Reply::Bytes(text.into());
        let wrong = || Reply::Error("WRONGTYPE not of that kind".into());
        let value = |key: &[u8]| self.keys.get(key);
        match name.as_str() {
            // By a hash, so that the order is none; every third key of a step is named again in the next one.
            "SCAN" => {
                let from = number(1) as usize;
                let mut keys: Vec<_> = self.keys.keys().cloned().collect();
                keys.sort_by_cached_key(|key| {
                    key.iter().take(12).fold(7_u64, |hash, byte| {
                        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
                    })
                });
                let to = from + 100;
                let mut found: Vec<_> = keys.iter().skip(from).take(100).cloned().collect();
                found.extend(
                    keys.iter()
                        .skip(from.saturating_sub(100))
                        .take(100)
                        .step_by(3)
                        .cloned(),
                );
                let next = if to < keys.len() { to } else { 0 };
                let found = found.into_iter().map(Reply::Bytes).collect();
                Reply::List(vec![bytes(&next.to_string()), Reply::List(found)])
            }
            "MGET" => Reply::List(
                parts[1..]
                    .iter()
                    .map(|key| match value(key) {
                        Some(Stored::Text(text)) => Reply::Bytes(text.clone()),
                        _ => Reply::Nil,
                    })
                    .collect(),
            ),
            "TYPE" => Reply::Status(
                match value(parts[1]) {
                    None => "none",
                    Some(Stored::Text(_)) => "string",
                    Some(Stored::Hash(_)) => "hash",
                    Some(Stored::List(_)) => "list",
                }
                .into(),
            ),
            "HLEN" => match value(parts[1]) {
                Some(Stored::Hash(fields)) => Reply::Int(fields.len() as i64),
                _ => wrong(),
            },
            "LLEN" => match value(parts[1]) {
                Some(Stored::List(length)) => Reply::Int(*length as i64),
                _ => wrong(),
            },
            "HGETALL" => match value(parts[1]) {
                Some(Stored::Hash(fields)) => Reply::List(
                    fields
                        .iter()
                        .flat_map(|(n, v)| [bytes(n), bytes(v)])
                        .collect(),
                ),
                _ => wrong(),
            },
            "LRANGE" => match value(parts[1]) {
                Some(Stored::List(length)) => {
                    let last = if number(3) < 0 {
                        *length as i64 - 1
                    } else {
                        number(3)
                    };
                    let range = number(2)..=last.min(*length as i64 - 1);
                    Reply::List(range.map(|n| bytes(&n.to_string())).collect())
                }
                _ => wrong(),
            },
            "GET" => match value(parts[1]) {
                Some(Stored::Text(text)) => Reply::Bytes(text.clone()),
                Some(_) => wrong(),
                None => Reply::Nil,
            },
            other => panic!("{other}"),
        }
    }
}

fn size(reply: &Reply) -> usize {
    match reply {
        Reply::Bytes(bytes) => bytes.len(),
        Reply::List(members) => members.iter().map(size).sum(),
        _ => 0,
    }
}

impl Store for Memory {
    fn ask(&mut self, commands: &[Command], most: usize) -> Result<Vec<Reply>, Trouble> {
        let replies: Vec<_> = commands.iter().map(|command| self.reply(command)).collect();
        (self.meanwhile)(&mut self.keys);
        if replies.iter().map(size).sum::<usize>() > most {
            return Err(Trouble::TooLarge);
        }
        Ok(replies)
    }

    fn refused(&self, error: &str) -> JobError {
        JobError::new(ErrorCode::QueryFailed, error)
    }

    fn facts(&mut self) -> Result<ServerFacts, JobError> {
        Err(self.refused("not asked in these tests"))
    }

    fn privileges(&mut self) -> Result<Privileges, JobError> {
        Err(self.refused("not asked in these tests"))
    }

    fn reading(&self) -> Reading {
        Reading::Once
    }
}

/// Runs a request: its rows, or its buckets, as JSON.
fn answer(
    store: &mut Memory,
    walks: &Walks,
    request: &Request,
) -> Result<(Vec<Value>, Summary), JobError> {
    let deadline = Instant::now() + Duration::from_secs(60);
    let job = Arc::new(JobControl::new("j", deadline));
    let (frames, taken) = QueueSender::queue(1, &Wakeup::default());
    let whole = ChunkLimits {
        rows: usize::MAX,
        bytes: usize::MAX,
    };
    let mut sink = RowSink::new(Arc::clone(&job), frames, whole, Slot::of(request));
    let mut answer = Answer {
        job: &job,
        walks,
        store,
        sink: &mut sink,
    };
    let summary = answer.run(request)?;
    sink.flush()?;
    let mut rows = Vec::new();
    if let Ok(frame) = taken.try_recv() {
        let frame: Value = serde_json::from_slice(&frame.text).unwrap();
        for slot in ["rows", "agg"] {
            rows.extend(frame[slot].as_array().into_iter().flatten().cloned());
        }
        rows.extend(frame.get("total").cloned());
    }
    Ok((rows, summary))
}

fn run(
    store: &mut Memory,
    walks: &Walks,
    kind: JobKind,
    options: Value,
) -> Result<(Vec<Value>, Summary), JobError> {
    answer(store, walks, &Request::parse(kind, "t", &options, &RULES)?)
}

fn keys(rows: &[Value]) -> Vec<&str> {
    rows.iter()
        .map(|row| row["_key"].as_str().unwrap())
        .collect()
}

/// The keys of all pages.
fn walk(store: &mut Memory, limit: u64) -> Vec<String> {
    let walks = Walks::default();
    let mut found = Vec::new();
    let mut options = json!({ "limit": limit });
    loop {
        let (rows, summary) = run(store, &walks, JobKind::Read, options.clone()).unwrap();
        found.extend(keys(&rows).into_iter().map(str::to_owned));
        match summary.next_cursor {
            Some(cursor) => options["cursor"] = json!(cursor),
            None => return found,
        }
    }
}

#[test]
fn a_walk_gives_every_key_once_and_scans_once() {
    let mut store = Memory::numbered(1000);
    let found = walk(&mut store, 7);
    assert_eq!(found.len(), 1000);
    assert!(found.is_sorted());
    assert_eq!(store.count("SCAN"), 10);
}

#[test]
fn a_walk_gives_every_key_that_stayed_once_whatever_comes_and_goes() {
    let mut store = Memory::numbered(600);
    let mut turn = 0;
    store.meanwhile = Box::new(move |keys| {
        turn += 1;
        // Even keys stay. Others go and come back, and new ones come everywhere.
        let odd = format!("t:{:06}", ((turn * 37) % 600) | 1);
        if keys.remove(odd.as_bytes()).is_none() {
            keys.insert(odd.into_bytes(), Stored::Text(b"back".to_vec()));
        }
        keys.insert(
            format!("t:{:06}+", turn % 600).into_bytes(),
            Stored::Text(b"new".to_vec()),
        );
    });
    let found = walk(&mut store, 10);
    for n in (0..600).step_by(2) {
        let key = format!("t:{n:06}");
        assert_eq!(
            found.iter().filter(|found| **found == key).count(),
            1,
            "{key}"
        );
    }
    assert!(found.is_sorted());
    let mut once = found.clone();
    once.dedup();
    assert_eq!(once.len(), found.len());
}

#[test]
fn a_page_is_filled_though_keys_vanish_before_they_are_fetched() {
    let mut store = Memory::numbered(200);
    let mut scanned = false;
    store.meanwhile = Box::new(move |keys| {
        if !std::mem::replace(&mut scanned, true) {
            return;
        }
        keys.retain(|key, _| key.ends_with(b"7"));
    });
    let (rows, summary) = run(
        &mut store,
        &Walks::default(),
        JobKind::Read,
        json!({"limit": 5}),
    )
    .unwrap();
    assert_eq!(
        keys(&rows),
        ["t:000007", "t:000017", "t:000027", "t:000037", "t:000047"]
    );
    assert_eq!(summary.next_cursor.as_deref(), Some("t:000047"));
}

#[test]
fn windows_are_bounded_and_leave_nothing_out() {
    // Two windows full of long keys.
    let long = "x".repeat(4000);
    let count = 2 * limits::WINDOW_BYTES / 4000;
    let mut store =
        Memory::new((0..count).map(|n| (format!("t:{n:06}{long}"), Stored::Text(b"1".to_vec()))));
    let (window, _held) = scan::window(&mut store, "t", None, None).unwrap();
    assert!(window.keys.room() <= limits::WINDOW_BYTES && !window.complete);
    assert_eq!(window.total, count as u64);
    assert!(window.keys.len() > count / 4);
    let place = window.keys.last();
    let (next, _held) = scan::window(&mut store, "t", place, None).unwrap();
    let behind = Key::new(format!("t:{:06}{long}", window.keys.len()).as_bytes());
    assert_eq!(next.keys.get(0), Some(behind));
    let found = run(
        &mut store,
        &Walks::default(),
        JobKind::Query,
        json!({"select": ["value"]}),
    )
    .unwrap();
    assert_eq!((found.0.len(), found.1.total), (count, Some(count as u64)));
}

/// Keys so long that two windows do not hold them, and how many there are. Each has its number, a tenth of it and one of
/// three letters.
fn long_keys() -> (Memory, usize) {
    let long = "x".repeat(4000);
    let count = 2 * limits::WINDOW_BYTES / 4000;
    let store = Memory::new((0..count).map(|n| {
        let letter = ["a", "b", "c"][n * 7 % 3];
        let text = json!({"n": n, "letter": letter, "tenth": n as f64 / 10.0});
        let text = Stored::Text(text.to_string().into_bytes());
        (format!("t:{n:06}{long}"), text)
    }));
    (store, count)
}

/// Steps of a scan of so many keys.
fn one_scan(keys: usize) -> usize {
    keys.div_ceil(100)
}

#[test]
fn a_filtered_count_scans_once_however_many_keys_there_are() {
    let (mut store, keys) = long_keys();
    let filter = json!({"where": {"n": {"$gte": 100}}});
    let walks = Walks::default();
    let options = Request::parse(JobKind::Count, "t", &filter, &RULES).unwrap();
    let (rows, _) = answer(&mut store, &walks, &options).unwrap();
    assert_eq!(rows, [json!(keys - 100)]);
    assert_eq!(store.count("SCAN"), one_scan(keys));
    // A query that shows no rows counts them.
    let none = json!({"where": {"n": {"$gte": 100}}, "limit": 0});
    let (_, summary) = run(&mut store, &walks, JobKind::Query, none).unwrap();
    assert_eq!(summary.total, Some(keys as u64 - 100));
    assert_eq!(store.count("SCAN"), 2 * one_scan(keys));
}

#[test]
fn sorted_rows_take_one_scan_however_many_keys_there_are() {
    let (mut store, keys) = long_keys();
    let options = json!({"orderBy": {"letter": "desc"}, "limit": 3, "select": ["n"]});
    let (rows, summary) = run(&mut store, &Walks::default(), JobKind::Query, options).unwrap();
    assert_eq!(rows, [json!({"n": 2}), json!({"n": 5}), json!({"n": 8})]);
    assert_eq!(summary.total, Some(keys as u64));
    assert_eq!(store.count("SCAN"), one_scan(keys));
}

#[test]
fn an_aggregate_of_many_keys_is_as_if_they_came_in_their_order() {
    let (mut store, keys) = long_keys();
    let mut ask = |measures: Value| {
        let dimensions = json!([{"field": "letter"}]);
        let options = json!({"dimensions": dimensions, "measures": measures});
        let scans = store.count("SCAN");
        let walks = Walks::default();
        let (buckets, _) = run(&mut store, &walks, JobKind::Aggregate, options).unwrap();
        let third = &buckets[2];
        let letters: Vec<_> = buckets
            .iter()
            .map(|b| b["dims"]["letter"].clone())
            .collect();
        assert_eq!(letters, ["a", "b", "c"]);
        let scans = store.count("SCAN") - scans;
        (third["measures"].clone(), scans)
    };
    let thirds = (2..keys).step_by(3);
    let found = ask(json!({
        "first": {"agg": "first", "column": "n"}, "last": {"agg": "last", "column": "n"},
        "top": {"agg": "top_k", "column": "n", "k": 2}, "max": {"agg": "max", "column": "tenth"},
        "different": {"agg": "count_distinct", "column": "n"},
    }));
    let last = thirds.clone().next_back().unwrap();
    let measures = json!({
        "first": 2, "last": last, "max": last as f64 / 10.0, "different": thirds.clone().count(),
        "top": [{"key": "2", "count": 1}, {"key": "5", "count": 1}],
    });
    assert_eq!(found, (measures, one_scan(keys)));
    // One window finds that it is not all there is.
    let (measures, scans) = ask(json!({"sum": {"agg": "sum", "column": "tenth"}}));
    let tenths: usize = thirds.sum();
    assert_eq!(measures["sum"].as_f64(), Some(tenths as f64 / 10.0));
    assert_eq!(scans, 2 * one_scan(keys));
}

#[test]
fn keys_beyond_what_is_remembered_are_taken_by_parts_of_their_hashes() {
    // Room for 320 keys. Where too few are expected, one scan more finds out how many are named; some of them twice.
    let mut store = Memory::numbered(2000);
    for (about, scans) in [(0, 10), (2400, 8), (500, 10)] {
        let before = store.count("SCAN");
        let mut keys = Unordered::with_room("t", about, 400 * 12);
        let mut taken = loop {
            let mut taken = Vec::new();
            loop {
                let batch = keys.take(&mut store, 64).unwrap();
                if batch.is_empty() {
                    break;
                }
                taken.extend(batch);
            }
            if !keys.starts_over() {
                break taken;
            }
        };
        taken.sort();
        let names: Vec<_> = taken.iter().map(|key| key.text().into_owned()).collect();
        let want: Vec<_> = (0..2000).map(|n| format!("t:{n:06}")).collect();
        assert!(names == want, "{} keys", names.len());
        assert_eq!(store.count("SCAN") - before, scans * one_scan(2000));
    }
}

#[test]
fn a_key_that_is_named_is_asked_for_alone() {
    let mut store = Memory::numbered(500);
    let mut ask = |filter: Value| {
        let options = json!({ "where": filter });
        let found = run(&mut store, &Walks::default(), JobKind::Query, options).unwrap();
        (keys(&found.0).join(" "), found.1.total, store.count("SCAN"))
    };
    let one = json!({"_key": "t:000007"});
    assert_eq!(ask(one), ("t:000007".into(), Some(1), 0));
    let several = json!({"_key": {"$in": ["t:000009", "t:none", "t:000007"]}, "value": {"$gt": 8}});
    assert_eq!(ask(several), ("t:000009".into(), Some(1), 0));
    // It may be a member of that name, in any row.
    assert_eq!(ask(json!({"_key": "u:1"})), (String::new(), Some(0), 5));
}

#[test]
fn a_page_without_a_filter_asks_for_no_more_values_than_it_shows() {
    let mut store = Memory::numbered(500);
    let options = json!({"limit": 3, "offset": 100});
    let (rows, summary) = run(&mut store, &Walks::default(), JobKind::Query, options).unwrap();
    assert_eq!(keys(&rows), ["t:000100", "t:000101", "t:000102"]);
    assert_eq!((summary.total, store.count("MGET")), (Some(500), 1));
    let (_, summary) = run(
        &mut store,
        &Walks::default(),
        JobKind::Query,
        json!({"limit": 0}),
    )
    .unwrap();
    assert_eq!((summary.total, store.count("MGET")), (Some(500), 1));
}

#[test]
fn rows_are_sorted_and_ties_keep_the_order_of_keys() {
    let mut store = Memory::numbered(50);
    store
        .keys
        .insert(b"t:z".to_vec(), Stored::Hash(vec![("value", "7")]));
    let mut sorted = |options: Value| {
        let found = run(&mut store, &Walks::default(), JobKind::Query, options).unwrap();
        keys(&found.0).join(" ")
    };
    assert_eq!(
        sorted(json!({"orderBy": {"value": "desc"}, "limit": 2})),
        "t:000049 t:000048"
    );
    assert_eq!(
        sorted(json!({"orderBy": {"value": "asc"}, "limit": 2, "offset": 7})),
        "t:000007 t:z"
    );
    assert_eq!(
        sorted(json!({"orderBy": {"value": "desc"}, "limit": 2, "offset": 42})),
        "t:000007 t:z"
    );
    assert_eq!(
        sorted(json!({"orderBy": {"nope": "desc"}, "limit": 2})),
        "t:000000 t:000001"
    );
}

#[test]
fn large_values_come_in_slices_and_huge_ones_are_refused() {
    let length = 2 * limits::SLICE_PARTS as usize + 5;
    let mut store = Memory::new([
        ("t:1", Stored::List(length)),
        ("t:2", Stored::Hash(vec![("a", "{}")])),
    ]);
    let (rows, _) = run(&mut store, &Walks::default(), JobKind::Read, json!({})).unwrap();
    assert_eq!(rows[0]["value"].as_array().unwrap().len(), length);
    assert_eq!(rows[1], json!({"_key": "t:2", "a": {}}));
    assert_eq!(store.count("LRANGE"), 3);
    let huge = Stored::Text(vec![b'x'; limits::VALUE_BYTES + 1]);
    store.keys.insert(b"t:3".to_vec(), huge);
    let error = run(&mut store, &Walks::default(), JobKind::Read, json!({})).unwrap_err();
    assert!(error.message.contains("larger than 32 MB"), "{error}");
}

#[test]
fn values_that_are_large_together_come_in_smaller_batches() {
    let megabyte = Stored::Text(vec![b'x'; 1 << 20]);
    let mut store = Memory::new((0..70).map(|n| (format!("t:{n:02}"), megabyte.clone())));
    let options = json!({"select": ["_key"]});
    let (rows, _) = run(&mut store, &Walks::default(), JobKind::Query, options).unwrap();
    assert_eq!(rows.len(), 70);
}

#[test]
fn a_value_that_changes_its_type_is_read_as_what_it_became() {
    let mut store = Memory::new([("t:1", Stored::Hash(vec![("a", "1")]))]);
    let mut turn = 0;
    store.meanwhile = Box::new(move |keys| {
        turn += 1;
        // After the scan, the first look and the type.
        if turn == 3 {
            keys.insert(b"t:1".to_vec(), Stored::List(2));
        }
    });
    let (rows, _) = run(&mut store, &Walks::default(), JobKind::Read, json!({})).unwrap();
    assert_eq!(rows, [json!({"_key": "t:1", "value": [0, 1]})]);
}

#[test]
fn what_is_hidden_is_not_filtered_but_not_shown() {
    let mut store = Memory::new([(
        "t:1",
        Stored::Hash(vec![("a", "{\"b\":1,\"c\":2}"), ("d", "3")]),
    )]);
    let mut request = Request::parse(JobKind::Read, "t", &json!({}), &RULES).unwrap();
    request
        .hidden()
        .unwrap()
        .extend(["a.b".to_owned(), "d".to_owned()]);
    let (rows, _) = answer(&mut store, &Walks::default(), &request).unwrap();
    assert_eq!(rows, [json!({"_key": "t:1", "a": {"c": 2}})]);
}

#[test]
fn aggregates_name_rows_by_id_or_key() {
    let hash = |id: &'static str| Stored::Hash(vec![("id", id), ("n", "1")]);
    let mut store = Memory::new([
        ("t:1", hash("7")),
        ("t:2", hash("\"8\"")),
        ("t:3", Stored::List(1)),
    ]);
    let mut count = |ids: Value| {
        let options = json!({"dimensions": [], "measures": {}, "ids": ids});
        let (buckets, _) = run(&mut store, &Walks::default(), JobKind::Aggregate, options).unwrap();
        buckets
            .first()
            .map_or(0, |bucket| bucket["count"].as_u64().unwrap())
    };
    assert_eq!(count(json!(["7", "8"])), 2);
    assert_eq!(count(json!([7, "t:3", "t:1"])), 2);
    assert_eq!(count(json!(["nope"])), 0);
    assert_eq!(count(json!([])), 3);
}
