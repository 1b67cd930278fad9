//! Turso and D1.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Body, HELD, LONG, Says, filled, joined, list_of, text, villain};
use crate::fakes::Villain;

const LIST: (&str, &str) = ("[", "]");

/// What a statement comes to: the list of the columns' names, and the list of the rows.
struct Table {
    names: Body,
    rows: Body,
}

/// Makes a table of about so many bytes. The first argument makes a name what the service tells of a column.
type Makes = fn(fn(&str) -> String, usize) -> Table;

const TABLES: [(&str, Makes); 10] = [
    ("columns without number", |named, length| Table {
        names: list_of(&named(""), length, LIST),
        rows: text("[]"),
    }),
    ("as many values as columns", |named, length| {
        let count = length / 2 / named("").len();
        Table {
            names: list_of(&named(""), count * (named("").len() + 1), LIST),
            rows: list_of("1", count * 2, ("[[", "]]")),
        }
    }),
    ("names of megabytes", |named, length| {
        let column = named("|");
        let (before, after) = column.split_once('|').expect("a name");
        let name = || joined([text(before), filled("x", length / 5), text(after)]);
        let next = || joined([text(","), name()]);
        Table {
            names: joined([text("["), name(), next(), next(), next(), text("]")]),
            rows: text("[[1,1,1,1]]"),
        }
    }),
    ("values without number", |named, length| Table {
        names: text(format!("[{}]", named("a"))),
        rows: list_of("1", length, ("[[", "]]")),
    }),
    ("rows of nothing", |_, length| Table {
        names: text("[]"),
        rows: list_of("[]", length, LIST),
    }),
    ("a list of bytes", |named, length| Table {
        names: text(format!("[{}]", named("a"))),
        rows: list_of("1", length, ("[[[", "]]]")),
    }),
    ("a blob", |named, length| Table {
        names: text(format!("[{}]", named("a"))),
        rows: joined([
            text(r#"[[{"type":"blob","base64":""#),
            filled("////", length),
            text(r#""}]]"#),
        ]),
    }),
    ("a key of megabytes", |named, length| Table {
        names: text(format!("[{}]", named("a"))),
        rows: joined([
            text(r#"[[{"type":"text","value":"t"#),
            filled("x", length),
            text(r#""}]]"#),
        ]),
    }),
    ("columns of a table without number", |named, length| Table {
        names: list_of(&named("a"), 3 * named("a,").len(), LIST),
        rows: list_of("[1,\"\",1,1]", length, LIST),
    }),
    ("a text that is none", |named, length| Table {
        names: text(format!("[{}]", named("a"))),
        rows: joined([
            text(r#"[[{"type":"text","value":""#),
            filled(b"\xff", length),
            text(r#""}]]"#),
        ]),
    }),
];

/// Answers that are errors, of about so many bytes.
const ERROR: &str = "words of an error";

pub(super) fn villains() -> Vec<Villain> {
    let each = TABLES.into_iter().map(Some).chain([None]);
    each.flat_map(|table| {
        let name = table.map_or(ERROR, |(name, _)| name);
        let makes = table.map(|(_, makes)| makes);
        let turso: Says = Arc::new(move |path, body| turso(path, body, makes));
        let d1: Says = Arc::new(move |_, body| d1(body, makes));
        [
            villain("turso", name, turso, |url| json!({ "url": url, "authToken": "t" })),
            villain("d1", name, d1, |url| {
                json!({ "accountId": "a", "databaseId": "b", "apiToken": "t", "baseUrl": url })
            }),
        ]
    })
    .collect()
}

/// What is said about a table's columns, so that jobs come to their rows: a list of the values of one row.
fn catalog(sql: &str, value: fn(Value) -> Value) -> Option<(usize, Value)> {
    let row = match sql {
        _ if sql.contains("SELECT name, pk > 0") => vec![json!("id"), json!(1), json!(0)],
        _ if sql.contains("SELECT c.name") => {
            vec![json!("id"), json!("INTEGER"), json!(1), Value::Null]
        }
        _ => return None,
    };
    Some((row.len(), row.into_iter().map(value).collect()))
}

fn turso(path: &str, body: &str, makes: Option<Makes>) -> Body {
    let named: fn(&str) -> String = |name| json!({ "name": name }).to_string();
    let typed = |value: Value| match value {
        Value::String(text) => json!({ "type": "text", "value": text }),
        Value::Number(number) => json!({ "type": "integer", "value": number.to_string() }),
        _ => json!({ "type": "null" }),
    };
    let request: Value = serde_json::from_str(body).unwrap_or_default();
    let error = |length| {
        joined([
            text(r#""error":{"message":""#),
            filled("no", length),
            text(r#"","code":"X"}"#),
        ])
    };
    if path.ends_with("/cursor") {
        let steps = request["batch"]["steps"].as_array().map_or(0, Vec::len);
        let Some(makes) = makes else {
            return joined([text(r#"{"type":"error","#), error(LONG), text("}\n")]);
        };
        let each = (0..steps).flat_map(|step| {
            let table = makes(named, LONG);
            // A line is one row; of several it has the first.
            let row: Body = table.rows.into_iter().map(strip_list).collect();
            joined([
                text(format!(r#"{{"type":"step_begin","step":{step},"cols":"#)),
                table.names,
                text("}\n{\"type\":\"row\",\"row\":"),
                row,
                text("}\n{\"type\":\"step_end\"}\n"),
            ])
        });
        return joined([
            text("{\"baton\":\"b\",\"base_url\":null}\n"),
            each.collect(),
        ]);
    }
    let requests = request["requests"].as_array().cloned().unwrap_or_default();
    let results = requests.iter().flat_map(|request| {
        let sql = request["stmt"]["sql"].as_str().unwrap_or_default();
        if let Some((width, row)) = catalog(sql, typed) {
            let columns = vec![json!({ "name": "c" }); width];
            let result = json!({ "cols": columns, "rows": [row] });
            return text(format!(
                r#"{{"type":"ok","response":{{"result":{result}}}}},"#
            ));
        }
        let Some(makes) = makes else {
            return joined([text(r#"{"type":"error","#), error(HELD), text("},")]);
        };
        let table = makes(named, HELD);
        joined([
            text(r#"{"type":"ok","response":{"result":{"cols":"#),
            table.names,
            text(r#","rows":"#),
            table.rows,
            text("}}},"),
        ])
    });
    let results: Body = results.collect();
    joined([
        text(r#"{"baton":null,"results":["#),
        results,
        text("null]}"),
    ])
}

/// Without the brackets of the list around it.
fn strip_list((bytes, times): (Vec<u8>, usize)) -> (Vec<u8>, usize) {
    let bytes = match bytes.as_slice() {
        b"[]" => b"[]".to_vec(),
        [b'[', b'[', ..] => bytes[1..].to_vec(),
        [.., b']', b']'] => bytes[..bytes.len() - 1].to_vec(),
        _ => bytes,
    };
    (bytes, times)
}

fn d1(body: &str, makes: Option<Makes>) -> Body {
    let request: Value = serde_json::from_str(body).unwrap_or_default();
    let statements = match request["batch"].as_array() {
        Some(statements) => statements.clone(),
        None => vec![request],
    };
    let results = statements
        .iter()
        .enumerate()
        .flat_map(|(place, statement)| {
            let sql = statement["sql"].as_str().unwrap_or_default();
            let comma = text(if place > 0 { "," } else { "" });
            let table = match (catalog(sql, |value| value), makes) {
                (Some((width, row)), _) => Table {
                    names: text(json!(vec!["c"; width]).to_string()),
                    rows: text(json!([row]).to_string()),
                },
                (None, Some(makes)) => makes(|name| json!(name).to_string(), LONG),
                (None, None) => Table {
                    names: text("[]"),
                    rows: text("[]"),
                },
            };
            joined([
                comma,
                text(r#"{"results":{"columns":"#),
                table.names,
                text(r#","rows":"#),
                table.rows,
                text(r#"},"success":true}"#),
            ])
        });
    let results: Body = results.collect();
    let catalog_only = statements
        .iter()
        .all(|s| catalog(s["sql"].as_str().unwrap_or_default(), |value| value).is_some());
    let end = match makes.is_some() || catalog_only {
        true => text(r#"],"success":true,"errors":[]}"#),
        false => joined([
            text(r#"],"success":false,"errors":[{"code":1,"message":""#),
            filled("no", LONG),
            text(r#""}]}"#),
        ]),
    };
    joined([text(r#"{"result":["#), results, end])
}
