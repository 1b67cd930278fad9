//! Over the wire of Redis. Every value is read as the document it is.

use std::time::Duration;

use runner_testkit::databases::{RedisClient, RedisReply};

use super::{Floor, repeat, twice, values};
use crate::database::Source;
use crate::tables::Tables;

/// Values of one MGET, as the runner asks for them when they are small.
const BATCH: usize = 512;

/// Looks up values by their keys.
pub(super) fn points(source: &Source, tables: &Tables, number: u64, time: Duration) -> Floor {
    let mut client = RedisClient::connect(&source.url);
    repeat(number, time, |key| {
        let values = texts(client.ask(&["GET", &tables.points.key(key)]));
        values.iter().for_each(|value| values::read(value));
        values.len()
    })
}

/// Scans the keys of the target and reads their values, in no order.
pub(super) fn rows(source: &Source, tables: &Tables) -> Floor {
    let mut client = RedisClient::connect(&source.url);
    let pattern = format!("{}:*", tables.rows);
    twice(|| {
        let mut cursor = b"0".to_vec();
        let mut count = 0;
        loop {
            let scan: [&[u8]; 6] = [
                b"SCAN",
                &cursor,
                b"MATCH",
                pattern.as_bytes(),
                b"COUNT",
                b"1000",
            ];
            let RedisReply::List(mut step) = client.ask(&scan) else {
                panic!("no step of a scan");
            };
            let keys = step.pop().map(texts).expect("keys");
            cursor = step.pop().map(texts).expect("a cursor").remove(0);
            for keys in keys.chunks(BATCH) {
                let command: Vec<&[u8]> = [&b"MGET"[..]]
                    .into_iter()
                    .chain(keys.iter().map(Vec::as_slice))
                    .collect();
                let values = texts(client.ask(&command));
                values.iter().for_each(|value| values::read(value));
                count += values.len();
            }
            if cursor == b"0" {
                return count;
            }
        }
    })
}

fn texts(reply: RedisReply) -> Vec<Vec<u8>> {
    match reply {
        RedisReply::Bytes(bytes) => vec![bytes],
        RedisReply::List(members) => members.into_iter().flat_map(texts).collect(),
        other => panic!("no text but {other:?}"),
    }
}
