//! Statements as the service takes them: numbers are doubles there, texts are Unicode, and there are a hundred values.

use crate::bridges::lite::{Value, composed, is_exact, write_value};
use crate::limits;

/// A statement with its values, as JSON. What cannot be bound stands in its text; of more values than a statement may
/// have that is every one.
pub(super) fn compose(sql: &str, params: &[Value<'_>]) -> String {
    let many = params.len() > limits::D1_PARAMETERS;
    let unfit = |value: &Value<'_>| match value {
        _ if many => true,
        Value::Integer(whole) => !is_exact(*whole),
        Value::Blob(_) => true,
        other => !other.has_json(),
    };
    composed(sql, params, "params", unfit, write_value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    #[test]
    fn what_cannot_be_bound_stands_in_the_text() {
        let params = [
            Value::Real(1.0),
            Value::Integer(1),
            Value::text("a\"?"),
            Value::Null,
            Value::Integer(i64::MAX),
            Value::Real(f64::INFINITY),
            Value::Blob(Cow::Borrowed(&[0, 0xab])),
        ];
        assert_eq!(
            compose("SELECT ?, ?, ?, ?, ?, ?, ?", &params),
            r#"{"sql":"SELECT ?, ?, ?, ?, 9223372036854775807, 9e999, X'00ab'","params":[1,1,"a\"?",null]}"#
        );
    }

    #[test]
    fn more_values_than_there_may_be_stand_in_the_text() {
        let fit = vec![Value::Real(0.5); limits::D1_PARAMETERS];
        assert!(compose("SELECT ?", &fit).ends_with(",0.5]}"));
        let mut many = fit;
        many.push(Value::text("é"));
        let sql = vec!["?"; many.len()].join(",");
        let composed = compose(&sql, &many);
        assert!(
            composed.ends_with(",0.5,CAST(X'c3a9' AS TEXT)\",\"params\":[]}"),
            "{composed}"
        );
    }
}
