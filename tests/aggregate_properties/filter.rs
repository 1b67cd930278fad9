//! Filters over rows, with SQL's three answers: yes, no, and `None` where NULL leaves it open.

use std::cmp::Ordering;

use serde_json::Value;

use crate::table::{Cell, Row, cell_of};

/// Does a row pass?
pub fn passes(row: &Row, filter: &Value) -> bool {
    clause(row, filter) == Some(true)
}

fn clause(row: &Row, filter: &Value) -> Option<bool> {
    let members = filter.as_object().into_iter().flatten();
    all(members.map(|(key, value)| match key.as_str() {
        "$and" => all(list(value).iter().map(|member| clause(row, member))),
        "$or" if list(value).is_empty() => Some(true),
        "$or" => any(list(value).iter().map(|member| clause(row, member))),
        // A clause that says nothing is true, also when negated.
        "$not" if says_nothing(value) => Some(true),
        "$not" => clause(row, value).map(|holds| !holds),
        column => field(&row.cell(column), value),
    }))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn says_nothing(filter: &Value) -> bool {
    filter.as_object().is_some_and(|members| {
        members.iter().all(|(key, value)| match key.as_str() {
            "$and" | "$or" => list(value).iter().all(says_nothing),
            "$not" => says_nothing(value),
            _ => false,
        })
    })
}

fn field(cell: &Cell, condition: &Value) -> Option<bool> {
    match condition {
        Value::Object(operators) => all(operators
            .iter()
            .map(|(name, value)| operator(cell, name, value))),
        Value::Array(_) => operator(cell, "$in", condition),
        value => operator(cell, "$eq", value),
    }
}

fn operator(cell: &Cell, name: &str, value: &Value) -> Option<bool> {
    match name {
        "$eq" if value.is_null() => Some(*cell == Cell::Null),
        "$ne" if value.is_null() => Some(*cell != Cell::Null),
        "$in" => any(list(value).iter().map(|member| equal(cell, member))),
        "$nin" => any(list(value).iter().map(|member| equal(cell, member))).map(|found| !found),
        "$contains" | "$startsWith" | "$endsWith" | "$ilike" => {
            let Cell::Text(text) = cell else { return None };
            let wanted = value.as_str().unwrap().to_lowercase();
            Some(match name {
                "$contains" => text.contains(&wanted),
                "$startsWith" => text.starts_with(&wanted),
                "$endsWith" => text.ends_with(&wanted),
                // The only pattern with a wildcard here is "%".
                _ => wanted == "%" || *text == wanted,
            })
        }
        "$eq" => equal(cell, value),
        "$ne" => equal(cell, value).map(|equal| !equal),
        "$gt" => order(cell, value).map(Ordering::is_gt),
        "$gte" => order(cell, value).map(Ordering::is_ge),
        "$lt" => order(cell, value).map(Ordering::is_lt),
        "$lte" => order(cell, value).map(Ordering::is_le),
        other => panic!("no operator {other}"),
    }
}

fn equal(cell: &Cell, value: &Value) -> Option<bool> {
    order(cell, value).map(Ordering::is_eq)
}

fn order(cell: &Cell, value: &Value) -> Option<Ordering> {
    match (cell, cell_of(value)) {
        (Cell::Number(one), Cell::Number(other)) => one.partial_cmp(&other),
        (Cell::Text(one), Cell::Text(other)) => Some(one.cmp(&other)),
        _ => None,
    }
}

fn all(terms: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let terms: Vec<_> = terms.collect();
    if terms.contains(&Some(false)) {
        Some(false)
    } else if terms.contains(&None) {
        None
    } else {
        Some(true)
    }
}

fn any(terms: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    all(terms.map(|term| term.map(|holds| !holds))).map(|none| !none)
}
