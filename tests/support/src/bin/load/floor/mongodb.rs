//! Over the wire of MongoDB: commands and batches as the runner asks for them. Of a batch only the length of each
//! document is looked at.

use std::time::Duration;

use runner_testkit::bson::{document, field, length, text};
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

/// The number of documents in a batch, and the cursor for the next one.
fn batch(answer: &[u8], name: &str) -> (usize, [u8; 8]) {
    let cursor = field(answer, "cursor").expect("a cursor");
    let id = field(cursor, "id").and_then(|value| value.first_chunk());
    let mut rest = &field(cursor, name).expect("a batch")[4..];
    let mut count = 0;
    // A type, a number as text, and a document.
    while rest[0] == 3 {
        let end = rest.iter().position(|byte| *byte == 0).expect("a name");
        let document = &rest[end + 1..];
        rest = &document[length(document)..];
        count += 1;
    }
    (count, *id.expect("its number"))
}
