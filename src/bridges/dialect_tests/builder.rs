use super::{MYSQL, POSTGRES, SQLITE};
use crate::error::ErrorCode;
use crate::limits;
use crate::sql::{Builder, Dialect};
use serde_json::json;

#[test]
fn text_stays_text_on_mysql() {
    let mut builder = Builder::new(&MYSQL);
    builder.bind(json!("a")).bind(json!("1")).bind(json!(1));
    assert_eq!(builder.finish().unwrap().sql, "CONCAT(?)?/*text*/?");
}

#[test]
fn an_endless_statement_is_none() {
    let mut builder = Builder::new(&SQLITE);
    let name = "c".repeat(limits::STATEMENT_BYTES / 2 + 1);
    builder.push("SELECT ").column(&name);
    builder.push(", ").column(&name).bind(json!(1));
    let error = builder.finish().unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidOptions);
    assert!(error.message.contains("statement"), "{error}");
}

#[test]
fn windows_follow_the_dialect() {
    let window = |dialect: &dyn Dialect, limit, offset| {
        let mut builder = Builder::new(dialect);
        builder.window(limit, offset);
        builder.finish().unwrap()
    };
    let statement = window(&POSTGRES, Some(5), Some(10));
    assert_eq!(statement.sql, " LIMIT $1 OFFSET $2");
    assert_eq!(statement.params, [json!(5), json!(10)]);
    assert_eq!(window(&POSTGRES, None, Some(1)).sql, " OFFSET $1");
    assert_eq!(window(&SQLITE, None, Some(1)).sql, " LIMIT -1 OFFSET ?");
    assert_eq!(window(&MYSQL, None, None).sql, "");
}
