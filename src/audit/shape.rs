//! What a job asked for, without any value: the columns it names and the shape of its filter.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::audit::Clipped;
use crate::error::JobError;
use crate::json::{Object, members};
use crate::limits;
use crate::options::{ColumnRole, Comparison, NamedColumn, Pattern, Predicate, Request, Target};

/// Longest text of a filter's shape.
const FILTER_BYTES: usize = 4096;

/// The members of an audit line that come from a job's options: `"columns":…,"order":…,"filter":…`. Tables and columns
/// are those that the policy looks at, by the same visit; each is named once in its list. `touched` has those of filters, of
/// measures' own filters, and of what decides between rows.
///
/// # Errors
/// `INVALID_OPTIONS` for names that are longer together than [`limits::AUDIT_LINE`]. They are not left out: what is
/// not told could be what matters.
pub fn details(request: &Request) -> Result<String, JobError> {
    let targets = request.targets();
    let (mut shown, mut order, mut touched) = (Vec::new(), Vec::new(), Vec::new());
    let mut named = HashSet::new();
    let mut visit = |wanted: &dyn Fn(ColumnRole) -> bool, key: u8, names: &mut Vec<_>| {
        request.visit_columns(&mut |column| {
            if wanted(column.role) && named.insert((key, column.join, column.name)) {
                names.push(name_of(&targets, column));
            }
        });
    };
    visit(&|role| role == ColumnRole::Shown, 0, &mut shown);
    visit(&|role| role == ColumnRole::Order, 1, &mut order);
    let of_filters = |role| matches!(role, ColumnRole::Filter | ColumnRole::Tracking);
    visit(&of_filters, 2, &mut touched);
    let tells_targets = matches!(request, Request::Aggregate(options) if options.named || !options.joins.is_empty());
    let targets: Vec<_> = match tells_targets {
        true => targets.iter().map(|t| Cow::Borrowed(t.text())).collect(),
        false => Vec::new(),
    };
    let lists = [&targets, &shown, &order, &touched];
    let told = lists.map(|names| names.iter().take(limits::AUDIT_COLUMNS));
    let bytes: usize = told
        .into_iter()
        .flatten()
        .map(|name| Clipped(name).bytes())
        .sum();
    if bytes > limits::AUDIT_LINE {
        let problem = "the names in it are too long for a line of the audit log";
        return Err(JobError::invalid_options("options", problem));
    }
    Ok(members(|line| {
        list(line, "targets", &targets);
        if request.shows_all() {
            line.string("columns", "*");
        } else {
            list(line, "columns", &shown);
        }
        list(line, "order", &order);
        list(line, "touched", &touched);
        if let Some(filter) = request.filter()
            && !filter.is_always()
        {
            let mut shape = Shape::default();
            shape.predicate(filter);
            line.string("filter", &shape.finish());
        }
    }))
}

/// A column of a joined table has the table's name before it.
fn name_of<'a>(targets: &[&Target], column: NamedColumn<'a>) -> Cow<'a, str> {
    let joined = column.join.and_then(|join| targets.get(join + 1));
    match joined {
        Some(target) => Cow::Owned(format!("{}.{}", target.text(), column.name)),
        None => Cow::Borrowed(column.name),
    }
}

fn list(line: &mut Object<'_>, key: &'static str, names: &[Cow<'_, str>]) {
    if names.is_empty() {
        return;
    }
    let left = names.len().saturating_sub(limits::AUDIT_COLUMNS);
    let note = (left > 0).then(|| format!("… {left} more"));
    let listed = names.iter().take(limits::AUDIT_COLUMNS).map(AsRef::as_ref);
    line.list(key, listed.chain(note.as_deref()), |out, name| {
        Clipped(name).write(out);
    });
}

/// `age > ? and (id in (? × 3) or not name is null)`
#[derive(Default)]
struct Shape {
    text: String,
}

impl Shape {
    fn predicate(&mut self, predicate: &Predicate) {
        if self.is_full() {
            return;
        }
        match predicate {
            Predicate::All(members) => self.members(members, " and ", "true"),
            Predicate::Any(members) => self.members(members, " or ", "false"),
            Predicate::Not(inner) => {
                self.text.push_str("not ");
                self.predicate(inner);
            }
            Predicate::Compare {
                column,
                comparison,
                value: _,
            } => {
                let sign = match comparison {
                    Comparison::Equal => "=",
                    Comparison::NotEqual => "<>",
                    Comparison::Greater => ">",
                    Comparison::GreaterOrEqual => ">=",
                    Comparison::Less => "<",
                    Comparison::LessOrEqual => "<=",
                };
                self.text.push_str(&format!("{column} {sign} ?"));
            }
            Predicate::IsNull { column, negated } => {
                let not = if *negated { " not" } else { "" };
                self.text.push_str(&format!("{column} is{not} null"));
            }
            Predicate::In {
                column,
                values,
                negated,
            } => {
                let not = if *negated { " not" } else { "" };
                self.text
                    .push_str(&format!("{column}{not} in (? × {})", values.len()));
            }
            Predicate::Matches { column, pattern } => {
                let word = match pattern {
                    Pattern::Like(_) => "like",
                    Pattern::Contains(_) => "contains",
                    Pattern::StartsWith(_) => "starts with",
                    Pattern::EndsWith(_) => "ends with",
                };
                self.text.push_str(&format!("{column} {word} ?"));
            }
        }
    }

    fn members(&mut self, members: &[Predicate], word: &str, empty: &str) {
        match members {
            [] => self.text.push_str(empty),
            [only] => self.predicate(only),
            many => {
                self.text.push('(');
                for (n, member) in many.iter().enumerate() {
                    if self.is_full() {
                        break;
                    }
                    if n > 0 {
                        self.text.push_str(word);
                    }
                    self.predicate(member);
                }
                self.text.push(')');
            }
        }
    }

    fn is_full(&self) -> bool {
        self.text.len() >= FILTER_BYTES
    }

    fn finish(self) -> String {
        let cut = (0..=FILTER_BYTES.min(self.text.len()))
            .rev()
            .find(|at| self.text.is_char_boundary(*at));
        match self.text.split_at_checked(cut.unwrap_or(0)) {
            Some((start, rest)) if !rest.is_empty() => format!("{start}…"),
            _ => self.text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{JobKind, RULES};
    use serde_json::{Value, json};

    fn of(kind: &str, options: Value) -> Value {
        let request = Request::parse(JobKind::of(kind), "people", &options, &RULES);
        let text = details(&request.unwrap()).unwrap();
        serde_json::from_str(&format!("{{{text}}}")).unwrap()
    }

    #[test]
    fn shapes_hold_no_values() {
        let found = of(
            "query",
            json!({"select": ["id", "name"], "orderBy": {"age": "desc"}, "limit": 5, "where": {
                "age": {"$gte": 31337}, "$or": [{"id": {"$in": ["s3cret", 2, 3]}},
                {"$not": {"name": {"$contains": "s3cret"}}}, {"mail": null}]}}),
        );
        assert_eq!(found["columns"], json!(["id", "name"]));
        assert_eq!(found["order"], json!(["age"]));
        assert_eq!(
            found["filter"],
            "(age >= ? and (id in (? × 3) or not name contains ? or mail is null))"
        );
        assert!(!found.to_string().contains("s3cret") && !found.to_string().contains("31337"));
    }

    #[test]
    fn everything_is_a_star_and_nothing_is_left_out() {
        assert_eq!(of("read", json!({})), json!({"columns": "*"}));
        assert_eq!(of("count", json!({})), json!({}));
        assert_eq!(of("test", json!({})), json!({}));
    }

    #[test]
    fn every_column_is_named_once_wherever_it_stands() {
        let found = of(
            "aggregate",
            json!({
                "target": "orders", "changeTrackingColumn": "at",
                "joins": [{"target": "people", "alias": "p", "kind": "left",
                           "on": {"local": "person", "foreign": "id"}}],
                "dimensions": [{"field": "name", "from": "p"}],
                "measures": {"m": {"agg": "sum", "column": "price", "where": {"secret": 1}},
                             "n": {"agg": "first", "column": "price"}},
                "candidatesWhere": {"$or": vec![json!({"hidden": 1}); 600]}}),
        );
        assert_eq!(found["targets"], json!(["orders", "people"]));
        assert_eq!(found["columns"], json!(["people.name", "price"]));
        let touched = found["touched"].as_array().unwrap();
        for column in ["hidden", "secret", "at", "person", "people.id"] {
            let named = touched.iter().filter(|name| *name == column).count();
            assert_eq!(named, 1, "{column}: {touched:?}");
        }
    }

    #[test]
    fn names_that_fill_a_line_are_refused() {
        let of = |names: usize, name: &str| {
            let names: Vec<_> = (0..names).map(|n| format!("{n}{name}")).collect();
            let options = json!({"select": names});
            let request = Request::parse(JobKind::of("query"), "t", &options, &RULES);
            details(&request.unwrap())
        };
        // As many as a table may have, as long as they may be.
        assert!(of(4096, &"x".repeat(60)).is_ok());
        let text = of(300, &"\u{1}".repeat(4000)).unwrap();
        assert!(text.len() <= limits::AUDIT_LINE + 300 * "\"\",".len() + 100);
        for (names, name) in [
            (800, "\u{1}"),
            (2500, "\""),
            (4999, "x"),
            (2500, "é"),
            (1200, "\u{10ffff}"),
        ] {
            let refused = of(names, &name.repeat(1000)).unwrap_err();
            assert_eq!(
                refused.code,
                crate::error::ErrorCode::InvalidOptions,
                "{name}"
            );
        }
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<_> = (0..6000).map(|n| format!("é{n}")).collect();
        let clauses: Vec<_> = names
            .iter()
            .map(|name| json!({ name.as_str(): 1 }))
            .collect();
        let found = of("query", json!({"select": names, "where": {"$or": clauses}}));
        let columns = found["columns"].as_array().unwrap();
        assert_eq!(columns.len(), limits::AUDIT_COLUMNS + 1);
        assert_eq!(columns.last().unwrap(), "… 1000 more");
        let filter = found["filter"].as_str().unwrap();
        assert!(
            filter.len() <= FILTER_BYTES + 4 && filter.ends_with('…'),
            "{filter}"
        );
    }
}
