//! Over the wire of MongoDB: commands and batches as the runner asks for them, of whose documents every value is read.

use std::hint::black_box;
use std::time::Duration;

use runner_testkit::bson::{document, field, fields, text};
use runner_testkit::databases::MongodbClient;

use super::{Floor, repeat, twice};
use crate::database::Source;
use crate::tables::Tables;

/// Documents of a batch; with these that is what the runner asks for.
const BATCH: i32 = 1000;

/// Looks up documents by their `_id`.
pub(super) fn points(source: &Source, tables: &Tables, number: u64, time: Duration) -> Floor {
    let mut client = MongodbClient::connect(&source.url);
    let collection = text(&tables.points.target);
    repeat(number, time, |key| {
        let filter = document(&[(16, "_id", &(key as i32).to_le_bytes())]);
        let answer = client.run(&[(2, "find", &collection), (3, "filter", &filter)]);
        batch(answer, "firstBatch").0
    })
}

/// Reads the documents of one `batchRead`.
pub(super) fn rows(source: &Source, tables: &Tables) -> Floor {
    let mut client = MongodbClient::connect(&source.url);
    let collection = text(&tables.rows);
    twice(|| {
        let limit = (tables.bulk as i64).to_le_bytes();
        let size = BATCH.to_le_bytes();
        let answer = client.run(&[
            (2, "find", &collection),
            (18, "limit", &limit),
            (16, "batchSize", &size),
        ]);
        let (mut count, mut cursor) = batch(answer, "firstBatch");
        while cursor != [0; 8] {
            let answer = client.run(&[
                (18, "getMore", &cursor),
                (2, "collection", &collection),
                (16, "batchSize", &size),
            ]);
            let (more, next) = batch(answer, "nextBatch");
            count += more;
            cursor = next;
        }
        count
    })
}

/// The number of documents in a batch, all of which are read, and the cursor for the next one.
fn batch(answer: &[u8], name: &str) -> (usize, [u8; 8]) {
    let cursor = field(answer, "cursor").expect("a cursor");
    let id = field(cursor, "id").map(bytes);
    let documents = fields(field(cursor, name).expect("a batch"));
    let count = documents.inspect(|(_, _, document)| read(document)).count();
    (count, id.expect("its number"))
}

/// Reads every value of a document or list as what it is, and throws it away.
fn read(document: &[u8]) {
    for (kind, name, value) in fields(document) {
        black_box(str::from_utf8(name).expect("a name"));
        match kind {
            1 => _ = black_box(f64::from_le_bytes(bytes(value))),
            2 => _ = black_box(str::from_utf8(&value[4..]).expect("a text")),
            3 | 4 => read(value),
            8 => _ = black_box(value != [0]),
            9 | 17 | 18 => _ = black_box(i64::from_le_bytes(bytes(value))),
            16 => _ = black_box(i32::from_le_bytes(bytes(value))),
            _ => _ = black_box(value),
        }
    }
}

fn bytes<const LENGTH: usize>(value: &[u8]) -> [u8; LENGTH] {
    value.try_into().expect("a value of this length")
}
