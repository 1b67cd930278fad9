//! Statements as the service takes them: numbers are doubles there, texts are Unicode, and there are a hundred values.

use crate::bridges::lite::{Value, is_exact, spelled_out};
use crate::json::{object, write_f64, write_lossy};
use crate::limits;

/// A statement with its values, as JSON. What cannot be bound stands in its text; of more values than a statement may
/// have that is every one.
pub(super) fn compose(sql: &str, params: &[Value<'_>]) -> String {
    let many = params.len() > limits::D1_PARAMETERS;
    let (sql, params) = spelled_out(sql, params, |value| many || !is_plain(value));
    object(|object| {
        object.string("sql", &sql).member("params", |out| {
            out.push('[');
            for (i, value) in params.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                match value {
                    Value::Integer(whole) => write_f64(out, *whole as f64),
                    Value::Real(float) => write_f64(out, *float),
                    Value::Text(bytes) => write_lossy(out, bytes),
                    Value::Null | Value::Blob(_) => out.push_str("null"),
                }
            }
            out.push(']');
        });
    })
}

fn is_plain(value: &Value<'_>) -> bool {
    match value {
        Value::Null => true,
        Value::Integer(whole) => is_exact(*whole),
        Value::Real(float) => float.is_finite(),
        Value::Text(bytes) => std::str::from_utf8(bytes).is_ok(),
        Value::Blob(_) => false,
    }
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
