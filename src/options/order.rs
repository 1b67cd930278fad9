//! `orderBy`: `{field, dir}`, records such as `{age: "desc"}`, or an array of either.

use serde_json::{Map, Value};

use crate::error::JobError;
use crate::options::Order;
use crate::options::fields::{Options, check_column, check_length};

const PATH: &str = "options.orderBy";

/// Parses the `orderBy` of a job; absent, `{}`, `[]` and `false` mean no order.
pub(crate) fn parse_order(options: Options<'_>) -> Result<Vec<Order>, JobError> {
    let mut order = Vec::new();
    match options.get("orderBy") {
        None | Some(Value::Bool(false)) => {}
        Some(Value::Object(clause)) => parse_clause(clause, PATH, &mut order)?,
        Some(Value::Array(clauses)) => {
            check_length(clauses.len(), PATH)?;
            for (i, clause) in clauses.iter().enumerate() {
                let path = format!("{PATH}[{i}]");
                match clause {
                    Value::Object(clause) => parse_clause(clause, &path, &mut order)?,
                    _ => return Err(JobError::invalid_options(&path, "must be an object")),
                }
            }
        }
        Some(_) => {
            return Err(JobError::invalid_options(
                PATH,
                "must be an object or an array of objects",
            ));
        }
    }
    Ok(order)
}

fn parse_clause(
    clause: &Map<String, Value>,
    path: &str,
    order: &mut Vec<Order>,
) -> Result<(), JobError> {
    // A record whose column is called "field" is taken for this form too, as the official bridges do.
    if let Some(Value::String(column)) = clause.get("field") {
        check_column(column, path)?;
        // The public contract: anything but "desc" is ascending.
        let descending = match clause.get("dir") {
            None | Some(Value::Null) => false,
            Some(Value::String(dir)) => dir == "desc",
            Some(_) => return Err(bad_direction(&format!("{path}.dir"))),
        };
        order.push(Order {
            column: column.clone(),
            descending,
        });
        return Ok(());
    }
    check_length(clause.len(), path)?;
    for (column, direction) in clause {
        check_column(column, path)?;
        let descending = match direction.as_str() {
            Some("asc") => false,
            Some("desc") => true,
            _ => return Err(bad_direction(&format!("{path}.{column}"))),
        };
        order.push(Order {
            column: column.clone(),
            descending,
        });
    }
    Ok(())
}

fn bad_direction(path: &str) -> JobError {
    JobError::invalid_options(path, "must be \"asc\" or \"desc\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(order: Value) -> Result<Vec<(String, bool)>, String> {
        let options = json!({ "orderBy": order });
        parse_order(Options::new(&options).unwrap())
            .map(|order| {
                order
                    .into_iter()
                    .map(|o| (o.column, o.descending))
                    .collect()
            })
            .map_err(|e| e.message)
    }

    #[test]
    fn every_form_is_understood() {
        let id = |descending| ("id".to_owned(), descending);
        let age = |descending| ("age".to_owned(), descending);
        for (order, want) in [
            (json!({"field": "id"}), vec![id(false)]),
            (json!({"field": "id", "dir": "desc"}), vec![id(true)]),
            (json!({"field": "id", "dir": "DESC"}), vec![id(false)]),
            (json!({"field": "id", "dir": null}), vec![id(false)]),
            (
                json!({"age": "desc", "id": "asc"}),
                vec![age(true), id(false)],
            ),
            (
                json!([{"age": "desc"}, {"field": "id"}]),
                vec![age(true), id(false)],
            ),
            (json!({"field": "asc"}), vec![("asc".to_owned(), false)]),
            (json!({}), vec![]),
            (json!([]), vec![]),
            (json!(null), vec![]),
            (json!(false), vec![]),
        ] {
            assert_eq!(parse(order.clone()), Ok(want), "{order}");
        }
    }

    #[test]
    fn what_would_be_dropped_in_silence_is_refused() {
        for (order, path) in [
            (json!("id"), "options.orderBy:"),
            (json!(7), "options.orderBy:"),
            (json!([null]), "options.orderBy[0]:"),
            (json!({"id": 1}), "options.orderBy.id:"),
            (
                json!([{"id": "asc", "age": "nope"}]),
                "options.orderBy[0].age:",
            ),
            (json!({"a\0": "asc"}), "options.orderBy:"),
            (json!({"field": 5}), "options.orderBy.field:"),
            (json!({"field": "id", "dir": 1}), "options.orderBy.dir:"),
        ] {
            let message = parse(order).unwrap_err();
            assert!(message.starts_with(path), "{message}");
        }
    }
}
