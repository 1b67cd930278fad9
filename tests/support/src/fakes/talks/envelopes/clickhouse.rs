//! ClickHouse.

use std::sync::Arc;

use serde_json::json;

use super::{Body, LONG, SHORT, filled, joined, list_of, numbered, text, villain};
use crate::fakes::Villain;

/// What is said to a statement; `None` for what honest servers say.
type Talk = fn(&Asks) -> Option<Body>;

/// What a statement is about.
#[derive(PartialEq)]
enum Asks {
    Columns,
    SortingKey,
    Tables,
    Types,
    Count,
    Rows,
}

/// So much that no job is to hold it.
const FLOOD: usize = 512 << 20;

const TALKS: [(&str, Talk); 16] = [
    ("columns without end", |asks| {
        let column = column("\"a\"", "\"String\"");
        (*asks == Asks::Columns).then(|| filled(column, FLOOD))
    }),
    ("types without end", |asks| {
        let column = column("\"a\"", "\"String\"");
        (*asks == Asks::Types).then(|| filled(column, FLOOD))
    }),
    ("a type of commas", |asks| {
        let kind = joined([text("\"Decimal("), filled(",", LONG), text(")\"")]);
        matches!(asks, Asks::Columns | Asks::Types).then(|| around(kind))
    }),
    ("a short type of commas", |asks| {
        let kind = joined([text("\"Decimal("), filled(",", SHORT), text(")\"")]);
        matches!(asks, Asks::Columns | Asks::Types).then(|| around(kind))
    }),
    ("a type in types", |asks| {
        let kind = joined([
            text("\""),
            filled("SimpleAggregateFunction(a,", SHORT / 2),
            text("Int8"),
            filled(")", SHORT / 2 / 26),
            text("\""),
        ]);
        matches!(asks, Asks::Columns | Asks::Types).then(|| around(kind))
    }),
    ("a sorting key of commas", |asks| {
        (*asks == Asks::SortingKey).then(|| sorting_key(filled("a,", LONG)))
    }),
    ("a short sorting key of commas", |asks| {
        (*asks == Asks::SortingKey).then(|| sorting_key(filled("a,", SHORT)))
    }),
    ("a sorting key of many parts", |asks| match asks {
        Asks::SortingKey => Some(sorting_key(filled("a,", 200 << 10))),
        Asks::Types => Some(filled(column("\"a\"", "\"Int8\""), 8 << 20)),
        _ => None,
    }),
    ("a name of a column of megabytes", |asks| {
        let name = joined([text("{\"name\":\""), filled("x", LONG), text("\"")]);
        let rest = text(",\"type\":\"Int8\",\"default_type\":\"\"}\n");
        (*asks == Asks::Columns).then(|| joined([name, rest]))
    }),
    ("a key of megabytes", |asks| {
        let row = joined([
            text("{\"_k0\":\""),
            filled("x", LONG),
            text("\",\"_kh\":\"\"}\n"),
        ]);
        (*asks == Asks::Rows).then_some(row)
    }),
    ("as many columns as may be", |asks| {
        (*asks == Asks::Columns).then(|| filled(column("\"a\"", "\"Int8\""), 1 << 20))
    }),
    ("rows of members without number", |asks| {
        (*asks == Asks::Rows).then(|| list_of("\"\":1", LONG, ("{", "}\n")))
    }),
    ("rows of half a megabyte of members", |asks| {
        let row = list_of("\"\":1", SHORT, ("{", "}\n"));
        (*asks == Asks::Rows).then(|| joined((0..20).map(|_| row.clone())))
    }),
    ("a row of bytes that are no text", |asks| {
        let row = joined([text("{\"a\":\""), filled(b"\xff", LONG), text("\"}\n")]);
        (*asks == Asks::Rows).then_some(row)
    }),
    ("tables of megabytes", |asks| {
        let row = joined([text("{\"name\":\""), filled("\\u0001", LONG), text("\"}\n")]);
        (*asks == Asks::Tables).then_some(row)
    }),
    ("many buckets", |asks| {
        let row = |number: usize| format!("{{\"a\":\"{number}\",\"b\":\"{number}\"}}\n");
        let rows = numbered(SHORT, row).replace("\n,", "\n");
        (*asks == Asks::Rows).then(|| text(rows))
    }),
];

pub(super) fn villains() -> Vec<Villain> {
    let each = TALKS.into_iter().map(|(name, talk)| {
        let says = move |path: &str, body: &str| {
            let asks = Asks::of(&format!("{path} {body}"));
            talk(&asks).unwrap_or_else(|| honest(&asks))
        };
        villain(
            "clickhouse",
            name,
            Arc::new(says),
            |url| json!({ "url": url }),
        )
    });
    each.collect()
}

impl Asks {
    fn of(request: &str) -> Self {
        let has = |words: &str| request.contains(words);
        match () {
            () if has("DESCRIBE TABLE (") => Self::Types,
            () if has("DESCRIBE TABLE") => Self::Columns,
            () if has("sorting_key") => Self::SortingKey,
            () if has("SHOW TABLES") => Self::Tables,
            () if has("SELECT count()") || has("SELECT count(*)") => Self::Count,
            () => Self::Rows,
        }
    }
}

fn honest(asks: &Asks) -> Body {
    text(match asks {
        Asks::Columns | Asks::Types => column("\"id\"", "\"Int64\""),
        Asks::SortingKey => "{\"sorting_key\":\"id\"}\n".to_owned(),
        Asks::Tables => "{\"name\":\"t\"}\n".to_owned(),
        Asks::Count => "{\"count()\":\"5\"}\n".to_owned(),
        Asks::Rows => "{\"id\":1}\n".to_owned(),
    })
}

fn column(name: &str, kind: &str) -> String {
    format!("{{\"name\":{name},\"type\":{kind},\"default_type\":\"\"}}\n")
}

/// A column of this type.
fn around(kind: Body) -> Body {
    joined([
        text("{\"name\":\"a\",\"type\":"),
        kind,
        text(",\"default_type\":\"\"}\n"),
    ])
}

fn sorting_key(key: Body) -> Body {
    joined([text("{\"sorting_key\":\""), key, text("a\"}\n")])
}
