use serde_json::Value;

use super::{MYSQL, POSTGRES, SQLITE};
use crate::options::RULES;
use crate::options::{JobKind, QueryOptions, Request};
use crate::sql::Statement;
use crate::sql::{Builder, Dialect};
use serde_json::json;

fn statement(dialect: &dyn Dialect, filter: Value) -> Statement {
    let options = json!({ "where": filter });
    let request = Request::parse(JobKind::Query, "t", &options, &RULES).unwrap();
    let Request::Query(QueryOptions { filter, .. }) = request else {
        panic!("not a query");
    };
    let mut builder = Builder::new(dialect);
    builder.filter(&filter);
    builder.finish().unwrap()
}

fn sqlite(filter: Value) -> String {
    statement(&SQLITE, filter).sql
}

#[test]
fn nothing_asked_for_is_no_where() {
    assert_eq!(sqlite(json!({})), "");
    assert_eq!(sqlite(json!({"a": {"$nin": []}})), "");
    assert_eq!(sqlite(json!({"a": []})), " WHERE 1 = 0");
}

#[test]
fn lists_of_conditions_are_in_parentheses() {
    assert_eq!(
        sqlite(json!({"a": 1, "$or": [{"b": 2, "c": null}, {"$not": {"d": 1, "e": {"$ne": 2}}}]})),
        " WHERE (t.\"a\" = ? AND ((t.\"b\" = ? AND t.\"c\" IS NULL) OR \
         NOT ((t.\"d\" = ? AND t.\"e\" <> ?))))"
    );
    assert_eq!(
        sqlite(json!({"$or": [{}, {"a": {"$gt": null}}]})),
        " WHERE (1 = 1 OR t.\"a\" > NULL)"
    );
}

#[test]
fn a_list_is_one_parameter_on_postgres_and_many_elsewhere() {
    let filter = json!({"a": [1, null], "b": {"$nin": ["x", "y"]}});
    let postgres = statement(&POSTGRES, filter.clone());
    assert_eq!(
        postgres.sql,
        " WHERE (t.\"a\" = ANY($1) AND t.\"b\" <> ALL($2))"
    );
    assert_eq!(postgres.params, [json!([1, null]), json!(["x", "y"])]);
    let mysql = statement(&MYSQL, filter);
    assert_eq!(
        mysql.sql,
        " WHERE (t.`a` IN (?, ?) AND t.`b` NOT IN (CONCAT(?), CONCAT(?)))"
    );
    assert_eq!(
        mysql.params,
        [json!(1), json!(null), json!("x"), json!("y")]
    );
}

#[test]
fn string_operators_ignore_case_everywhere() {
    let filter = json!({"a": {"$contains": "5%"}});
    for (dialect, sql, param) in [
        (
            &POSTGRES as &dyn Dialect,
            " WHERE t.\"a\" ILIKE $1 ESCAPE E'\\\\'",
            "%5\\%%",
        ),
        (
            &MYSQL,
            " WHERE LOWER(t.`a`) LIKE LOWER(CONCAT(?)) ESCAPE '|'",
            "%5|%%",
        ),
        (
            &SQLITE,
            " WHERE LOWER(t.\"a\") LIKE LOWER(?) ESCAPE '\\'",
            "%5\\%%",
        ),
    ] {
        let statement = statement(dialect, filter.clone());
        assert_eq!(statement.sql, sql);
        assert_eq!(statement.params, [json!(param)]);
    }
}

#[test]
fn nothing_of_a_job_is_spliced_into_the_text() {
    let statement = statement(
        &POSTGRES,
        json!({"a\" = 1 OR \"1\"=\"1": "'; DROP TABLE people; --"}),
    );
    assert_eq!(
        statement.sql,
        " WHERE t.\"a\"\" = 1 OR \"\"1\"\"=\"\"1\" = $1"
    );
}
