//! What a parsed value costs.

use serde_json::Value;

/// Roughly the memory a JSON value takes; what the parser let through is not deep.
pub fn memory(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Array(members) => members.iter().map(memory).sum(),
            Value::Object(entries) => entries
                .iter()
                .map(|(key, value)| 2 * size_of::<String>() + key.len() + memory(value))
                .sum(),
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_weighed_to_the_bottom() {
        let one = size_of::<Value>();
        assert_eq!(memory(&json!(1)), one);
        assert_eq!(memory(&json!("four")), one + 4);
        assert_eq!(memory(&json!([1, [2, 3]])), 5 * one);
        assert!(memory(&json!({"where": {"id": {"$in": ["x".repeat(1000)]}}})) > 1000);
    }
}
