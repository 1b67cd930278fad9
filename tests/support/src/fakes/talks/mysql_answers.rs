//! MySQL, in place of the answers to statements: they read well, and there is no end to what they say.

use serde_json::json;

use super::Villain;
use crate::fakes::{FakeMySql, Told};

/// What a statement of this text is answered with.
type Answer = fn(&str) -> Told;

/// One short row of three columns.
const SHORT: Told = Told {
    columns: 3,
    name: 2,
    parameters: 0,
    rows: 1,
    value: 1,
};

const ANSWERS: [(&str, Answer); 6] = [
    ("columns with names of kilobytes", |_| Told {
        columns: 4096,
        name: 3000,
        ..SHORT
    }),
    ("columns of a quarter megabyte", |_| Told {
        columns: 1500,
        name: 60,
        ..SHORT
    }),
    ("tables of a million columns", |asked| Told {
        rows: if about_tables(asked) { 1_000_000 } else { 1 },
        value: 50,
        ..SHORT
    }),
    ("tables of columns with long names", |asked| Told {
        rows: if about_tables(asked) { 2000 } else { 1 },
        value: if about_tables(asked) { 60_000 } else { 1 },
        ..SHORT
    }),
    ("parameters that nobody sent", |_| Told {
        parameters: 18_000,
        ..SHORT
    }),
    ("rows of half a megabyte", |asked| Told {
        rows: 10,
        value: if about_tables(asked) { 1 } else { 160 << 10 },
        ..SHORT
    }),
];

fn about_tables(asked: &str) -> bool {
    asked.contains("information_schema")
}

pub(super) fn villains() -> Vec<Villain> {
    let each = ANSWERS.iter().map(|(name, answer)| {
        let url = FakeMySql::answering(answer).url();
        Villain::of("mysql", "at every statement", name, json!({ "url": url }))
    });
    each.collect()
}
