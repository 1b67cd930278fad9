//! Values of the three drivers as JSON.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use mysql::consts::ColumnType as T;
use mysql::{Column, Value};
use rusqlite::types::ValueRef;
use semilayer_runner::bridges::writers;
use semilayer_runner::json::Text;

const PLAIN: &str = "a note of some length about this account";
const ESCAPED: &str = "a \"quoted\" note,\nas people – or others – write them";

pub fn bench(criterion: &mut Criterion) {
    postgres(criterion);
    mysql(criterion);
    sqlite(criterion);
}

fn postgres(criterion: &mut Criterion) {
    let values: [(&str, u32, Vec<u8>); 10] = [
        ("int4", 23, 123_456_i32.to_be_bytes().to_vec()),
        ("int8", 20, 123_456_789_012_i64.to_be_bytes().to_vec()),
        ("float8", 701, 17_345.678_f64.to_be_bytes().to_vec()),
        // 12345.67: two groups of four digits before the point, one after it.
        ("numeric", 1700, numeric(&[1, 2345, 6700], 1, 2)),
        ("bool", 16, vec![1]),
        (
            "timestamptz",
            1184,
            757_382_400_123_456_i64.to_be_bytes().to_vec(),
        ),
        ("text", 25, PLAIN.into()),
        ("text with escapes", 25, ESCAPED.into()),
        (
            "jsonb",
            3802,
            b"\x01{\"a\": [1, 2.5, \"three\"], \"b\": null}".to_vec(),
        ),
        ("uuid", 2950, (0..16).collect()),
    ];
    let mut group = criterion.benchmark_group("postgres");
    let mut out = Text::new();
    for (name, oid, bytes) in &values {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                out.truncate(0);
                assert!(writers::postgres(
                    &mut out,
                    black_box(*oid),
                    black_box(bytes)
                ));
            });
        });
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("row of ten", |bencher| {
        bencher.iter(|| {
            out.truncate(0);
            for (name, oid, bytes) in black_box(&values) {
                out.push_str(name);
                assert!(writers::postgres(&mut out, *oid, bytes));
            }
        });
    });
    group.finish();
}

fn numeric(groups: &[i16], weight: i16, scale: u16) -> Vec<u8> {
    let mut bytes = (groups.len() as u16).to_be_bytes().to_vec();
    bytes.extend(weight.to_be_bytes());
    bytes.extend(0_u16.to_be_bytes());
    bytes.extend(scale.to_be_bytes());
    bytes.extend(groups.iter().flat_map(|group| group.to_be_bytes()));
    bytes
}

fn mysql(criterion: &mut Criterion) {
    let text = |text: &str| Value::Bytes(text.into());
    let values = [
        ("int", T::MYSQL_TYPE_LONG, Value::Int(123_456)),
        ("double", T::MYSQL_TYPE_DOUBLE, Value::Double(17_345.678)),
        ("decimal", T::MYSQL_TYPE_NEWDECIMAL, text("12345.67")),
        (
            "datetime",
            T::MYSQL_TYPE_DATETIME,
            Value::Date(2024, 1, 1, 12, 34, 56, 123_000),
        ),
        (
            "time",
            T::MYSQL_TYPE_TIME,
            Value::Time(false, 1, 2, 3, 4, 0),
        ),
        ("text", T::MYSQL_TYPE_VAR_STRING, text(PLAIN)),
        ("text with escapes", T::MYSQL_TYPE_VAR_STRING, text(ESCAPED)),
        (
            "json",
            T::MYSQL_TYPE_JSON,
            text("{\"a\": [1, 2.5, \"three\"], \"b\": null}"),
        ),
    ]
    .map(|(name, kind, value)| (name, Column::new(kind).with_character_set(45), value));
    let mut group = criterion.benchmark_group("mysql");
    let mut out = Text::new();
    for (name, column, value) in &values {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                out.truncate(0);
                writers::mysql(&mut out, black_box(column), black_box(value));
            });
        });
    }
    group.finish();
}

fn sqlite(criterion: &mut Criterion) {
    let values = [
        ("integer", ValueRef::Integer(123_456)),
        ("real", ValueRef::Real(17_345.678)),
        ("text", ValueRef::Text(PLAIN.as_bytes())),
        ("blob", ValueRef::Blob(&[0, 127, 255])),
    ];
    let mut group = criterion.benchmark_group("sqlite");
    let mut out = Text::new();
    for (name, value) in values {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.truncate(0);
                writers::sqlite(&mut out, black_box(value));
            });
        });
    }
    group.finish();
}
