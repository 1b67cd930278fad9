//! Filters in the server's query language. Everything a job says is an operand there, never an operator; the one
//! way to an operator is a [`Predicate`].
//!
//! Two kinds of text stand for other values too. Text in the form of an instant means dates at that instant and that
//! very text, since documents hold either. And text compared with `_id` means every key that rows show as it.

use super::bson::{Bson, Fields, fields, list, parse_decimal};
use super::instant::parse_instant;
use super::path::check_filter_path;
use crate::error::JobError;
use crate::json::js_number;
use crate::options::{Comparison, Pattern, Predicate};
use crate::text::unhex;

/// The filter of a job.
pub fn filter(predicate: &Predicate) -> Result<Fields, JobError> {
    match predicate {
        Predicate::All(members) => Ok(all(members.iter().map(filter).collect::<Result<_, _>>()?)),
        Predicate::Any(members) if members.is_empty() => Ok(never()),
        Predicate::Any(members) => {
            let members = members.iter().map(filter).collect::<Result<Vec<_>, _>>()?;
            Ok(fields! { "$or": members })
        }
        Predicate::Not(inner) => Ok(not(filter(inner)?)),
        Predicate::Compare {
            column,
            comparison,
            value,
        } => {
            check(column)?;
            Ok(compare(column, *comparison, value))
        }
        Predicate::IsNull { column, negated } => {
            check(column)?;
            let operator = if *negated { "$ne" } else { "$eq" };
            Ok(condition(column, operator, Bson::Null))
        }
        Predicate::In {
            column,
            values,
            negated,
        } => {
            check(column)?;
            let operator = if *negated { "$nin" } else { "$in" };
            let values: Vec<_> = values
                .iter()
                .flat_map(|value| meanings(column, value))
                .collect();
            Ok(condition(column, operator, values))
        }
        Predicate::Matches { column, pattern } => {
            check(column)?;
            let pattern = Bson::Regex(expression(pattern), "is");
            Ok(condition(column, "$regex", pattern))
        }
    }
}

/// True of every document.
pub fn always() -> Fields {
    Fields::default()
}

/// True of no document.
pub fn never() -> Fields {
    not(always())
}

/// True where all are.
pub fn all(filters: Vec<Fields>) -> Fields {
    let mut filters: Vec<_> = filters
        .into_iter()
        .filter(|filter| !filter.is_empty())
        .collect();
    match filters.pop() {
        None => always(),
        Some(only) if filters.is_empty() => only,
        Some(last) => {
            filters.push(last);
            fields! { "$and": filters }
        }
    }
}

fn not(filter: Fields) -> Fields {
    fields! { "$nor": list![filter] }
}

/// A field under one operator.
pub fn condition(name: &str, operator: &str, operand: impl Into<Bson>) -> Fields {
    Fields::one(name, Fields::one(operator, operand))
}

fn check(column: &str) -> Result<(), JobError> {
    check_filter_path(column, "options")
}

fn compare(column: &str, comparison: Comparison, value: &serde_json::Value) -> Fields {
    let mut meanings = meanings(column, value);
    let operator = match comparison {
        Comparison::Equal => "$eq",
        Comparison::NotEqual => "$ne",
        Comparison::Greater => "$gt",
        Comparison::GreaterOrEqual => "$gte",
        Comparison::Less => "$lt",
        Comparison::LessOrEqual => "$lte",
    };
    match (meanings.pop(), comparison) {
        (Some(only), _) if meanings.is_empty() => condition(column, operator, only),
        (last, comparison) => {
            meanings.extend(last);
            match comparison {
                Comparison::Equal => condition(column, "$in", meanings),
                Comparison::NotEqual => condition(column, "$nin", meanings),
                // Each inside of its own type.
                _ => {
                    let ranges = meanings
                        .into_iter()
                        .map(|value| condition(column, operator, value));
                    fields! { "$or": ranges.collect::<Vec<_>>() }
                }
            }
        }
    }
}

/// Everything that an operand of a job means: itself, and what text stands for besides.
fn meanings(column: &str, value: &serde_json::Value) -> Vec<Bson> {
    let mut meanings = vec![Bson::from(value)];
    if let serde_json::Value::String(text) = value {
        meanings.extend(parse_instant(text).map(Bson::Date));
        if column == "_id" {
            meanings.extend(keys(text));
        }
    }
    meanings
}

/// The keys, other than texts and dates, that rows show as this text.
fn keys(text: &str) -> Vec<Bson> {
    let mut keys = Vec::new();
    keys.extend(object_id(text).map(Bson::ObjectId));
    keys.extend(uuid(text).map(|bytes| Bson::Binary(4, bytes.to_vec())));
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => keys.push(Bson::Long(number)),
        _ => {
            let number = text
                .parse::<f64>()
                .ok()
                .filter(|number| js_number(*number) == text);
            if let Some(number) = number {
                keys.push(Bson::Double(number));
                // What is 0.1 to a decimal is not what it is to a double.
                keys.extend(parse_decimal(text).map(Bson::Decimal));
            }
        }
    }
    keys
}

/// The identifier that 24 hexadecimal digits are.
pub fn object_id(text: &str) -> Option<[u8; 12]> {
    unhex(text)?.try_into().ok()
}

/// The bytes of a UUID's usual form.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let dashes = text
        .char_indices()
        .filter(|(_, c)| *c == '-')
        .map(|(at, _)| at);
    if text.len() != 36 || !dashes.eq([8, 13, 18, 23]) {
        return None;
    }
    unhex(&text.replace('-', ""))?.try_into().ok()
}

/// The regular expression of a string operator. A dot matches newlines too, and the ends are those of the text.
fn expression(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Contains(text) => literal(text),
        Pattern::StartsWith(text) => format!("\\A{}", literal(text)),
        Pattern::EndsWith(text) => format!("{}\\z", literal(text)),
        Pattern::Like(text) => {
            let mut out = String::from("\\A");
            let mut rest = text.chars();
            while let Some(c) = rest.next() {
                match c {
                    '%' => out.push_str(".*"),
                    '_' => out.push('.'),
                    '\\' if rest.as_str().starts_with(['%', '_']) => {
                        rest.next().iter().for_each(|c| push_literal(&mut out, *c));
                    }
                    c => push_literal(&mut out, c),
                }
            }
            out.push_str("\\z");
            out
        }
    }
}

fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push_literal(&mut out, c));
    out
}

fn push_literal(out: &mut String, c: char) {
    match c {
        // The pattern's own end, on the wire.
        '\0' => out.push_str("\\x{0}"),
        c if c.is_ascii_punctuation() => {
            out.push('\\');
            out.push(c);
        }
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compared(column: &str, comparison: Comparison, value: serde_json::Value) -> Fields {
        let column = column.to_owned();
        filter(&Predicate::Compare {
            column,
            comparison,
            value,
        })
        .unwrap()
    }

    #[test]
    fn operands_are_operands() {
        let operand = json!({"$gt": 1, "$where": "true"});
        let inner = fields! {"$gt": 1_i64, "$where": "true"};
        assert_eq!(
            compared("a", Comparison::Equal, operand),
            fields! {"a": fields! {"$eq": inner}}
        );
        assert!(
            filter(&Predicate::IsNull {
                column: "$where".into(),
                negated: false
            })
            .is_err()
        );
    }

    #[test]
    fn truth_and_its_negation() {
        assert_eq!(filter(&Predicate::always()).unwrap(), fields! {});
        assert_eq!(
            filter(&Predicate::never()).unwrap(),
            fields! {"$nor": list![fields! {}]}
        );
        let null = |negated| Predicate::IsNull {
            column: "a".into(),
            negated,
        };
        let both = filter(&Predicate::All(vec![null(false), null(true)])).unwrap();
        let is = fields! {"a": fields! {"$eq": Bson::Null}};
        let is_not = fields! {"a": fields! {"$ne": Bson::Null}};
        assert_eq!(both, fields! {"$and": list![is, is_not]});
    }

    #[test]
    fn an_instant_is_a_date_or_its_text() {
        let text = "1970-01-01T00:00:00.001Z";
        let both = list![text, Bson::Date(1)];
        assert_eq!(
            compared("a", Comparison::Equal, json!(text)),
            fields! {"a": fields! {"$in": both.clone()}}
        );
        assert_eq!(
            compared("a", Comparison::NotEqual, json!(text)),
            fields! {"a": fields! {"$nin": both}}
        );
        assert_eq!(
            compared("a", Comparison::Less, json!(text)),
            fields! {"$or": list![fields! {"a": fields! {"$lt": text}}, fields! {"a": fields! {"$lt": Bson::Date(1)}}]}
        );
    }

    #[test]
    fn a_text_is_every_key_shown_as_it() {
        let hex = "65F000000000000000000001";
        let mut id = [0; 12];
        (id[0], id[1], id[11]) = (0x65, 0xf0, 1);
        assert_eq!(keys(hex), [Bson::ObjectId(id)]);
        assert_eq!(keys("-12"), [Bson::Long(-12)]);
        assert_eq!(
            keys("1.5"),
            [
                Bson::Double(1.5),
                Bson::Decimal(parse_decimal("1.5").unwrap())
            ]
        );
        assert_eq!(keys("c56a4180-65aa-42ec-a945-5fd21dec0538").len(), 1);
        for text in [
            "01",
            "+1",
            " 1",
            "1.0",
            "1.50",
            "x",
            "",
            "c56a418065aa-42ec-a945-5fd21dec0538-",
        ] {
            assert_eq!(keys(text), [], "{text}");
        }
        // Only the key is shown as text.
        assert_eq!(
            compared("a", Comparison::Equal, json!("1")),
            fields! {"a": fields! {"$eq": "1"}}
        );
    }

    #[test]
    fn patterns_are_literal_but_for_their_own_signs() {
        let like = |text: &str| expression(&Pattern::Like(text.into()));
        assert_eq!(like(r"a%b_\%\_\x"), r"\Aa.*b.\%\_\\x\z");
        assert_eq!(expression(&Pattern::Contains("a.\0".into())), r"a\.\x{0}");
        assert_eq!(expression(&Pattern::StartsWith("^".into())), r"\A\^");
        assert_eq!(expression(&Pattern::EndsWith("é".into())), r"é\z");
    }
}
