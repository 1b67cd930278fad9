//! PostgreSQL, in place of the answers to statements: they read well, and there is no end to what they say.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::Villain;
use crate::fakes::FakePostgres;

const BOOL: u32 = 16;
const INT8: u32 = 20;
const INT4: u32 = 23;
const TEXT: u32 = 25;
const OID: u32 = 26;
const NAME: u32 = 19;
const CHAR: u32 = 18;

/// What a statement of this text is answered with: columns, and rows.
type Answer = fn(&str) -> (Vec<u8>, Vec<u8>);

const ANSWERS: [(&str, Answer); 9] = [
    ("sixty-five thousand columns", |_| {
        (text_columns(usize::from(u16::MAX), 0), nulls(u16::MAX))
    }),
    ("columns with names of kilobytes", |_| {
        (text_columns(1600, 2500), nulls(1600))
    }),
    ("twenty thousand columns in half a megabyte", |_| {
        (text_columns(20_000, 1), nulls(20_000))
    }),
    ("tables of a million columns", |asked| {
        match catalog_of(asked) {
            Some(columns) => (columns, column("c", 100).repeat(1_000_000)),
            None => one_row(asked),
        }
    }),
    (
        "tables of columns with long names",
        |asked| match catalog_of(asked) {
            Some(columns) => (columns, column("c", 60_000).repeat(1600)),
            None => one_row(asked),
        },
    ),
    ("types of types", |asked| match type_of(asked) {
        Some(answer) => answer,
        None => (FakePostgres::described(&[70_000], |_| "a".into()), vec![]),
    }),
    ("errors of megabytes", |_| {
        let text = "x".repeat(4 << 20);
        let error = format!("SERROR\0VERROR\0C42601\0M{}\0\0", &text[..text.len() - 64]);
        (vec![], FakePostgres::message(b'E', error.as_bytes()))
    }),
    ("notices of megabytes", |_| {
        let text = "x".repeat(3 << 20);
        let notice = format!("SNOTICE\0VNOTICE\0C00000\0M{text}\0\0");
        let notice = FakePostgres::message(b'N', notice.as_bytes());
        (notice, vec![])
    }),
    ("rows of half a megabyte", |asked| match catalog_of(asked) {
        Some(columns) => (columns, column("a", 0)),
        None => {
            let text = vec![b'x'; 500 << 10];
            let (columns, row) = one_row(asked);
            match row.len() > 40 {
                true => (
                    columns,
                    FakePostgres::row(&[text.as_slice(), b"x", b"x", b"x"]).repeat(3),
                ),
                false => (columns, row),
            }
        }
    }),
];

/// So many columns of text, with names of so many bytes.
fn text_columns(count: usize, name: usize) -> Vec<u8> {
    FakePostgres::described(&vec![TEXT; count], |n| match name {
        0 => String::new(),
        width => format!("{n:0>width$}"),
    })
}

fn nulls(count: u16) -> Vec<u8> {
    let body = [&count.to_be_bytes()[..], &vec![255; 4 * usize::from(count)]].concat();
    FakePostgres::message(b'D', &body)
}

/// What is asked is answered by a number if it is one, else by some texts.
fn one_row(asked: &str) -> (Vec<u8>, Vec<u8>) {
    if asked.to_lowercase().contains("count(") {
        let columns = FakePostgres::described(&[INT8], |_| "n".into());
        return (columns, FakePostgres::row(&[&7_i64.to_be_bytes()]));
    }
    (text_columns(4, 1), FakePostgres::row(&[b"x".as_slice(); 4]))
}

/// The columns of the answer to what a table's columns are, if that is asked.
fn catalog_of(asked: &str) -> Option<Vec<u8>> {
    let types = [TEXT, OID, BOOL, INT4, TEXT, BOOL];
    asked
        .contains("conkey")
        .then(|| FakePostgres::described(&types, |n| format!("c{n}")))
}

/// A row that tells of a column, with this much more in its name.
fn column(name: &str, more: usize) -> Vec<u8> {
    let name = format!("{name}{}", "x".repeat(more));
    FakePostgres::row(&[
        name.as_bytes(),
        &TEXT.to_be_bytes(),
        &[0],
        &1_i32.to_be_bytes(),
        b"public",
        &[0],
    ])
}

pub(super) fn villains() -> Vec<Villain> {
    let each = ANSWERS.iter().map(|(name, answer)| {
        let made: Mutex<HashMap<String, _>> = Mutex::default();
        let url = FakePostgres::answering(move |asked| {
            let mut made = made.lock().expect("a lock");
            let new = || Arc::new(answer(asked));
            // Types have no end.
            match type_of(asked) {
                Some(_) => new(),
                None => Arc::clone(made.entry(asked.to_owned()).or_insert_with(new)),
            }
        });
        let url = url.url();
        Villain::of(
            "postgres",
            "at every statement",
            name,
            json!({ "url": url }),
        )
    });
    each.collect()
}

/// A type that is a domain over the next type, if it is asked what a type is.
fn type_of(asked: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    static NEXT: AtomicU32 = AtomicU32::new(70_000);
    let types = [NAME, CHAR, OID, OID, OID, NAME, OID];
    let next = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let row = FakePostgres::row(&[b"t", b"d", &[0; 4], &[0; 4], &next, b"s", &[0; 4]]);
    asked
        .contains("t.typbasetype, n.nspname")
        .then(|| (FakePostgres::described(&types, |n| format!("c{n}")), row))
}
