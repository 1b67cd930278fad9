use serde_json::Value;

use super::{MYSQL, POSTGRES, SQLITE};
use crate::sql::{Bound, Dialect, KeyPart, Page, Statement};
use serde_json::json;

fn page(dialect: &dyn Dialect, keys: &[&str], after: &[Value], since: &[Bound]) -> Statement {
    let key: Vec<_> = keys
        .iter()
        .map(|name| KeyPart {
            expression: dialect.column(name),
            cast: KeyPart::AS_IT_IS,
        })
        .collect();
    Page {
        dialect,
        select: "*",
        from: "x",
        key: &key,
        after,
        since,
        fetch: 3,
    }
    .statement()
    .unwrap()
}

#[test]
fn the_first_page_has_no_condition() {
    let statement = page(&POSTGRES, &["a", "b"], &[], &[]);
    assert_eq!(
        statement.sql,
        "SELECT * FROM x AS t ORDER BY t.\"a\" ASC, t.\"b\" ASC LIMIT $1"
    );
    assert_eq!(statement.params, [json!(3)]);
}

#[test]
fn later_pages_begin_after_the_whole_key() {
    let since = Bound {
        before: "t.`u` > ".to_owned(),
        value: json!("soon"),
        after: String::new(),
    };
    let statement = page(
        &MYSQL,
        &["a", "b", "c"],
        &[json!(1), json!(2), json!(3)],
        &[since],
    );
    assert_eq!(
        statement.sql,
        "SELECT * FROM x AS t WHERE (t.`a` >= ? AND (t.`a` > ? OR (t.`b` >= ? AND \
         (t.`b` > ? OR t.`c` > ?)))) AND t.`u` > CONCAT(?) \
         ORDER BY t.`a` ASC, t.`b` ASC, t.`c` ASC LIMIT ?"
    );
    let params = json!([1, 1, 2, 2, 3, "soon", 3]);
    assert_eq!(Value::Array(statement.params), params);
}

#[test]
fn a_shorter_position_skips_the_whole_group() {
    let statement = page(&POSTGRES, &["a", "b"], &[json!("3")], &[]);
    assert!(statement.sql.contains("WHERE t.\"a\" > $1 ORDER BY"));
}

#[test]
fn null_comes_first() {
    let statement = page(&SQLITE, &["a", "b"], &[Value::Null, json!(4)], &[]);
    assert!(
        statement
            .sql
            .contains("WHERE (t.\"a\" IS NOT NULL OR t.\"b\" > ?) ORDER")
    );
    let statement = page(&SQLITE, &["a", "b"], &[json!(4), Value::Null], &[]);
    assert!(
        statement
            .sql
            .contains("(t.\"a\" >= ? AND (t.\"a\" > ? OR t.\"b\" IS NOT NULL))")
    );
}

#[test]
fn a_value_may_be_cast() {
    let key = [KeyPart {
        expression: "t.\"a\"".to_owned(),
        cast: ("(", "::text)::timestamptz".to_owned()),
    }];
    let page = Page {
        dialect: &POSTGRES,
        select: "1",
        from: "x",
        key: &key,
        after: &[json!("2025-01-01")],
        since: &[],
        fetch: 1,
    };
    assert_eq!(
        page.statement().unwrap().sql,
        "SELECT 1 FROM x AS t WHERE t.\"a\" > ($1::text)::timestamptz ORDER BY t.\"a\" ASC LIMIT $2"
    );
}
