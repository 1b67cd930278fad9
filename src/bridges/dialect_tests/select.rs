use super::{MYSQL, POSTGRES};
use crate::options::{Order, Predicate};
use crate::sql::{Selection, count};
use serde_json::json;

#[test]
fn parameters_are_numbered_in_their_order() {
    let filter = Predicate::In {
        column: "id".to_owned(),
        values: vec![json!(1)],
        negated: false,
    };
    let order = [
        Order {
            column: "id".to_owned(),
            descending: true,
        },
        Order {
            column: "n".to_owned(),
            descending: false,
        },
    ];
    let selection = Selection {
        dialect: &POSTGRES,
        select: "t.\"id\", t.\"x\"::text AS \"x\"",
        from: "\"public\".\"people\"",
        filter: &filter,
        order: &order,
        limit: Some(2),
        offset: Some(4),
    };
    let statement = selection.statement().unwrap();
    assert_eq!(
        statement.sql,
        "SELECT t.\"id\", t.\"x\"::text AS \"x\" FROM \"public\".\"people\" AS t \
         WHERE t.\"id\" = ANY($1) ORDER BY t.\"id\" DESC, t.\"n\" ASC LIMIT $2 OFFSET $3"
    );
    assert_eq!(statement.params, [json!([1]), json!(2), json!(4)]);
    assert_eq!(
        count(&MYSQL, "`people`", &filter).unwrap().sql,
        "SELECT COUNT(*) FROM `people` AS t WHERE t.`id` IN (?)"
    );
}
