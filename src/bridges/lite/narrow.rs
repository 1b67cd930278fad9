//! The language within the limits of a service: statements have few parameters, patterns few bytes, and expressions few
//! levels.

use serde_json::Value as Json;

use super::dialect::SQLITE;
use super::value::{Value, bind, is_exact};
use crate::json::write_lossy;
use crate::limits;
use crate::options::{Aggregate, Pattern, TimeUnit};
use crate::sql::{Builder, ColumnFacts, Dialect};

/// The language.
pub(in crate::bridges) struct NarrowDialect;

impl Dialect for NarrowDialect {
    /// One parameter, whatever the length of the list.
    fn membership(&self, builder: &mut Builder<'_>, column: &str, values: &[Json], negated: bool) {
        let Ok(values) = values.iter().map(bind).collect::<Result<Vec<_>, _>>() else {
            // Refused where it is bound.
            return SQLITE.membership(builder, column, values, negated);
        };
        builder
            .column(column)
            .push(if negated { " NOT" } else { "" })
            .push(" IN (SELECT value FROM json_each(")
            .bind(list(&values).into())
            .push("))");
    }

    /// Without a pattern, unless one is given.
    fn like(&self, builder: &mut Builder<'_>, column: &str, pattern: &Pattern) {
        let (text, function, compared) = match pattern {
            Pattern::Like(_) => return SQLITE.like(builder, column, pattern),
            Pattern::StartsWith(text) => {
                let length = text.chars().count();
                (text, "substr(LOWER(", format!("), 1, {length}) = LOWER("))
            }
            Pattern::EndsWith(text) if !text.is_empty() => {
                let length = text.chars().count();
                (text, "substr(LOWER(", format!("), -{length}) = LOWER("))
            }
            Pattern::Contains(text) | Pattern::EndsWith(text) => {
                (text, "0 < instr(LOWER(", "), LOWER(".to_owned())
            }
        };
        builder.push(function).column(column).push(&compared);
        builder.bind(text.as_str().into());
        builder.push(if function.starts_with('0') { "))" } else { ")" });
    }

    fn most_joined(&self) -> usize {
        limits::NARROW_CHAIN
    }

    fn no_limit(&self) -> &'static str {
        SQLITE.no_limit()
    }

    fn time_bucket(&self, unit: TimeUnit, column: &str, facts: ColumnFacts) -> String {
        SQLITE.time_bucket(unit, column, facts)
    }

    fn step(&self, builder: &mut Builder<'_>, column: &str, step: f64) {
        SQLITE.step(builder, column, step);
    }

    fn measured(&self, column: String, aggregate: &Aggregate) -> String {
        SQLITE.measured(column, aggregate)
    }

    fn floor(&self) -> (&'static str, &'static str) {
        SQLITE.floor()
    }
}

/// A list, as JSON, whose members compare like bound values: what is a double has its point.
fn list(values: &[Value<'_>]) -> String {
    let mut out = String::from("[");
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        match value {
            Value::Integer(whole) if is_exact(*whole) => out.push_str(&format!("{whole}.0")),
            Value::Integer(whole) => out.push_str(&whole.to_string()),
            Value::Real(float) => out.push_str(&format!("{float:?}")),
            Value::Text(bytes) => write_lossy(&mut out, bytes),
            Value::Null | Value::Blob(_) => out.push_str("null"),
        }
    }
    out.push(']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Predicate;
    use serde_json::json;

    fn filter(predicate: &Predicate) -> (String, Vec<Json>) {
        let mut builder = Builder::new(&NarrowDialect);
        builder.predicate(predicate);
        let statement = builder.finish().unwrap();
        (statement.sql, statement.params)
    }

    #[test]
    fn a_list_is_one_parameter_whose_members_compare_like_bound_values() {
        let is_in = |values: &[Json], negated| {
            filter(&Predicate::In {
                column: "a".to_owned(),
                values: values.to_vec(),
                negated,
            })
        };
        let values = [
            json!(1),
            json!(true),
            json!(0.1),
            json!(1e21),
            json!(i64::MIN),
            json!("\0'"),
            json!(null),
        ];
        let (sql, params) = is_in(&values, true);
        assert_eq!(sql, "t.\"a\" NOT IN (SELECT value FROM json_each(?))");
        let list = "[1.0,1.0,0.1,1e21,-9223372036854775808,\"\\u0000'\",null]";
        assert_eq!(params, [json!(list)]);
        // What cannot be bound is refused where it is bound.
        let (sql, params) = is_in(&[json!(1), json!([2])], false);
        assert_eq!((sql.as_str(), params.len()), ("t.\"a\" IN (?, ?)", 2));
    }

    #[test]
    fn only_a_pattern_that_is_given_is_one() {
        let like = |pattern| {
            filter(&Predicate::Matches {
                column: "a".to_owned(),
                pattern,
            })
        };
        let text = || "é%".to_owned();
        for (pattern, sql) in [
            (
                Pattern::Contains(text()),
                "0 < instr(LOWER(t.\"a\"), LOWER(?))",
            ),
            (
                Pattern::StartsWith(text()),
                "substr(LOWER(t.\"a\"), 1, 2) = LOWER(?)",
            ),
            (
                Pattern::EndsWith(text()),
                "substr(LOWER(t.\"a\"), -2) = LOWER(?)",
            ),
            (
                Pattern::EndsWith(String::new()),
                "0 < instr(LOWER(t.\"a\"), LOWER(?))",
            ),
            (
                Pattern::Like(text()),
                "LOWER(t.\"a\") LIKE LOWER(?) ESCAPE '\\'",
            ),
        ] {
            let (found, params) = like(pattern);
            assert_eq!((found.as_str(), params.len()), (sql, 1));
        }
    }

    #[test]
    fn a_long_filter_is_no_deep_one() {
        let term = || Predicate::IsNull {
            column: "a".to_owned(),
            negated: false,
        };
        let depth = |count| {
            let terms = (0..count).map(|_| term()).collect();
            let (sql, _) = filter(&Predicate::Any(terms));
            assert_eq!(sql.matches(" OR ").count(), count - 1);
            let mut depth = 0_usize;
            let deeper = sql.chars().map(|c| {
                match c {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                depth
            });
            deeper.max().unwrap()
        };
        assert_eq!(depth(limits::NARROW_CHAIN), 1);
        assert_eq!(depth(limits::NARROW_CHAIN + 1), 2);
        assert_eq!(depth(limits::NARROW_CHAIN * 64), 7);
    }
}
