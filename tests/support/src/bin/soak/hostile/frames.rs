//! Frames that no honest gateway sends. Ids of jobs in them begin with `STRANGE`.

use serde_json::{Map, Value, json};

use crate::random::Random;

/// How the ids begin of jobs that nobody has dispatched.
pub const STRANGE: &str = "strange-";

/// What `texts` are, by their number.
const NAMES: [&str; 17] = [
    "cancels of nothing",
    "ids that are none",
    "the same job again and again",
    "types that nobody knows",
    "what is no frame",
    "deep, wide and long frames",
    "a frame that is too large",
    "a job with a huge target",
    "a job with a huge configuration",
    "a job with very many ids",
    "a job with very many conditions",
    "a job with very many percentiles",
    "more jobs and sources than may wait",
    "thousands of assigned sources",
    "tens of thousands of assigned sources",
    "a job with long names of many edges",
    "a job with names that grow in what is written of it",
];

/// Frames of a text each, and what they are.
pub fn texts(source: &Value, random: &mut Random) -> (&'static str, Vec<String>) {
    let number = random.below(NAMES.len() as u64) as usize;
    (NAMES[number], of_number(number, source, random))
}

fn of_number(number: usize, source: &Value, random: &mut Random) -> Vec<String> {
    let id = format!("{STRANGE}{}", random.below(1 << 40));
    let job = |id: Value, source: &Value, kind: &str, target: &str, options: Value| {
        let job = json!({ "kind": kind, "target": target, "options": options });
        let params = json!({ "source": source, "job": job });
        json!({ "id": id, "type": "job", "params": params, "deadlineMs": 2000 }).to_string()
    };
    match number {
        // To cancel what is not there.
        0 => (0..2000)
            .map(|n| format!(r#"{{"id":"{STRANGE}{n}","type":"cancel"}}"#))
            .collect(),
        // Cancels and jobs whose ids are none.
        1 => [json!(null), json!(1), json!(""), json!({}), json!([]), json!("\u{0}")]
            .into_iter()
            .flat_map(|id| {
                let cancel = json!({ "id": id, "type": "cancel" }).to_string();
                // A job that cannot be answered.
                let strange = id.is_string().then_some(json!(format!("{STRANGE}odd")));
                [cancel, job(strange.unwrap_or(id), source, "count", "t", json!({}))]
            })
            .collect(),
        // The same id again and again, live and ended.
        2 => vec![job(json!(id), source, "batchRead", "t", json!({})); 50],
        // Types that nobody knows.
        3 => (0..2000)
            .map(|n| format!(r#"{{"type":"t{n}","k{n}":{{"a":[1,2,3]}},"id":"{STRANGE}{n}"}}"#))
            .collect(),
        // No frames at all.
        4 => [
            "", "{", "[]", "null", "1", "\"job\"", "{}", r#"{"type":5}"#, r#"{"type":null}"#,
            r#"{"type":"job"}"#, r#"{"type":"job","params":[]}"#, r#"{"type":"hello-ack","assignedSources":7}"#,
            r#"{"type":"job","id":"strange-x","params":{"source":{},"job":{}}}"#,
            r#"{"type":"job","id":"strange-y","params":{"source":null,"job":null},"deadlineMs":-1}"#,
        ]
        .map(str::to_owned)
        .to_vec(),
        // Deep, wide, long.
        5 => vec![
            "[".repeat(1_000_000),
            format!(r#"{{"type":"job","x":{}1{}}}"#, "[".repeat(90_000), "]".repeat(90_000)),
            format!(r#"{{"type":"ping","x":[{}0]}}"#, "0,".repeat(300_000)),
        ],
        6 => vec![format!(r#"{{"type":"ping","x":"{}"}}"#, "x".repeat(17 << 20))],
        // Jobs as heavy as a frame may be.
        7 => vec![job(json!(id), source, "batchRead", &"t".repeat(15 << 20), json!({}))],
        8 => {
            let mut source = source.clone();
            source["config"]["large"] = "x".repeat(14 << 20).into();
            vec![job(json!(id), &source, "batchRead", "t", json!({}))]
        }
        9 => {
            let ids: Vec<_> = (0..100_000).map(|n| format!("id-{n:0>30}")).collect();
            let options = json!({ "where": { "id": { "$in": ids } } });
            vec![job(json!(id), source, "batchRead", "t", options)]
        }
        10 => {
            let keys: Map<String, Value> = (0..20_000).map(|n| (format!("c{n}"), json!(n))).collect();
            vec![job(json!(id), source, "query", "t", json!({ "where": keys }))]
        }
        11 => {
            let measures: Map<String, Value> = (0..1000)
                .map(|n| (format!("m{n}"), json!({ "agg": "percentile", "column": "c", "p": 0.5 })))
                .collect();
            let dimensions: Vec<_> = (0..20).map(|n| json!({ "field": "c", "as": format!("d{n}") })).collect();
            let options = json!({ "dimensions": dimensions, "measures": measures });
            vec![job(json!(id), source, "aggregate", "t", options)]
        }
        // More jobs than may wait, and a source of its own for each.
        12 => (0..1500)
            .map(|n| {
                let mut source = source.clone();
                source["config"]["ignored"] = n.into();
                source["id"] = format!("hostile-{n}").into();
                job(json!(format!("{id}-{n}")), &source, "count", "t", json!({}))
            })
            .collect(),
        // Thousands of assigned sources, and another word for the same.
        13 => {
            let sources: Vec<_> = (0..5000)
                .map(|n| json!({ "id": format!("s{n}"), "name": "x".repeat(200), "bridge": "none", "config": { "url": "u" } }))
                .collect();
            let sources = |kind: &str| json!({ "type": kind, "assignedSources": sources }).to_string();
            vec![sources("assignments-changed"), sources("hello-ack"), r#"{"type":"assignments-changed","assignedSources":{}}"#.to_owned()]
        }
        14 => {
            let sources: Vec<_> = (0..60_000)
                .map(|n| json!({ "id": format!("s-{n}"), "bridge": "sqlite" }))
                .collect();
            vec![json!({ "type": "assignments-changed", "assignedSources": sources }).to_string()]
        }
        15 => {
            let bucket = json!({ "type": "numeric", "breaks": (0..49).collect::<Vec<_>>() });
            let dimensions: Vec<_> = (0..20)
                .map(|n| json!({ "field": "f".repeat(4000), "as": format!("d{n}"), "bucket": bucket }))
                .collect();
            let measures = json!({ "m": { "agg": "percentile", "column": "c", "p": 0.5 } });
            let options = json!({ "dimensions": dimensions, "measures": measures });
            (0..16).map(|n| job(json!(format!("{id}-{n}")), source, "aggregate", "t", options.clone())).collect()
        }
        _ => {
            let names: Vec<_> = (0..5000).map(|n| format!("{n}{}", "\u{1}".repeat(255))).collect();
            let order: Map<String, Value> = names.iter().map(|name| (name.clone(), json!("asc"))).collect();
            let options = json!({ "select": names, "orderBy": order });
            vec![job(json!(id), source, "query", "t", options)]
        }
    }
}

/// Bytes that break the framing.
pub fn broken(random: &mut Random) -> Vec<u8> {
    match random.below(8) {
        // All reserved bits.
        0 => vec![0xf1, 1, b'x'],
        // With a mask, as only clients send it.
        1 => vec![0x81, 0x82, 1, 2, 3, 4, b'a', b'b'],
        // Said to be as long as can be.
        2 => [&[0x81, 127][..], &[0x7f; 8], &[b'x'; 4000]].concat(),
        // The rest of nothing.
        3 => vec![0x80, 1, b'x'],
        // A ping in two parts, and one that is too long.
        4 => vec![0x09, 1, b'x'],
        5 => [&[0x89, 126, 0xff, 0xff][..], &[0; 65_535]].concat(),
        // A text that is none.
        6 => vec![0x81, 2, 0xff, 0xfe],
        // A message in endless parts, each of a byte.
        _ => [&[0x01, 1, b'{'][..], &[0x00, 1, b'x'].repeat(400_000)].concat(),
    }
}
