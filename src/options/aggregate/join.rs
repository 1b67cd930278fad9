//! Joined tables, whose columns may be dimensions.

use crate::error::JobError;
use crate::options::fields::Options;
use crate::options::{RequestContext, Target, is_identifier};

/// A table joined to the target; rows of the target without a partner stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// The table.
    pub target: Target,
    /// What dimensions call it.
    pub alias: String,
    /// Column of the target.
    pub local: String,
    /// Column of this table that equals it.
    pub foreign: String,
}

/// Parses `joins`; what is wrong is said in the official words.
pub(super) fn parse(
    options: Options<'_>,
    context: RequestContext<'_>,
) -> Result<Vec<Join>, JobError> {
    let mut joins: Vec<Join> = Vec::new();
    if context.rules.in_memory.is_some() && !options.parts("joins")?.is_empty() {
        return Err(options.refuse("joins", "this bridge has no joins"));
    }
    for (i, value) in options.parts("joins")?.iter().enumerate() {
        let path = format!("{}[{i}]", options.path("joins"));
        let join = Options::at(value, &path)?;
        let alias = join.required_text("alias")?;
        if !is_identifier(alias) {
            let problem =
                format!("Invalid join alias \"{alias}\" — must match /^[A-Za-z_][A-Za-z0-9_]*$/");
            return Err(join.refuse("alias", problem));
        }
        if alias == "t" {
            let problem = "Join alias \"t\" collides with the reserved base alias";
            return Err(join.refuse("alias", problem));
        }
        if joins.iter().any(|other| other.alias == alias) {
            let problem = format!(
                "Duplicate join alias \"{alias}\" — aliases must be unique within an aggregate"
            );
            return Err(join.refuse("alias", problem));
        }
        match join.text("kind")? {
            Some("left") => {}
            kind => {
                let kind = kind.unwrap_or("undefined");
                let problem = format!("Unsupported join kind \"{kind}\" — only 'left' is allowed");
                return Err(join.refuse("kind", problem));
            }
        }
        let Some(on) = join.get("on") else {
            return Err(join.refuse("on", format_args!("Join \"{alias}\" missing \"on\"")));
        };
        let on_path = join.path("on");
        let on = Options::at(on, &on_path)?;
        let (Some(local), Some(foreign)) = (on.column("local")?, on.column("foreign")?) else {
            let problem = format!("Join \"{alias}\" requires both on.local and on.foreign");
            return Err(join.refuse("on", problem));
        };
        joins.push(Join {
            target: (context.rules.aggregate_target)(join.required_text("target")?)?,
            alias: alias.to_owned(),
            local,
            foreign,
        });
    }
    Ok(joins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::RULES;
    use serde_json::{Value, json};

    fn message(joins: Value) -> String {
        let options = json!({ "joins": joins });
        let context = RequestContext {
            rules: &RULES,
            target: "sales",
        };
        let parsed = parse(Options::new(&options).unwrap(), context);
        parsed.unwrap_err().message
    }

    #[test]
    fn what_is_wrong_is_said_in_the_official_words() {
        let on = json!({"local": "a", "foreign": "b"});
        let join = |alias: &str, kind: &str, on: &Value| json!({"target": "x", "alias": alias, "kind": kind, "on": on});
        for (joins, want) in [
            (
                json!([join("a b", "left", &on)]),
                "options.joins[0].alias: Invalid join alias \"a b\" — must match /^[A-Za-z_][A-Za-z0-9_]*$/",
            ),
            (
                json!([join("t", "left", &on)]),
                "options.joins[0].alias: Join alias \"t\" collides with the reserved base alias",
            ),
            (
                json!([join("a", "left", &on), join("a", "left", &on)]),
                "options.joins[1].alias: Duplicate join alias \"a\" — aliases must be unique within an aggregate",
            ),
            (
                json!([join("a", "inner", &on)]),
                "options.joins[0].kind: Unsupported join kind \"inner\" — only 'left' is allowed",
            ),
            (
                json!([join("a", "left", &Value::Null)]),
                "options.joins[0].on: Join \"a\" missing \"on\"",
            ),
            (
                json!([join("a", "left", &json!({"local": "x"}))]),
                "options.joins[0].on: Join \"a\" requires both on.local and on.foreign",
            ),
        ] {
            assert_eq!(message(joins), want);
        }
    }
}
