//! Filters as SQL.

use serde_json::Value;

use crate::options::{Comparison, Pattern, Predicate};
use crate::sql::pattern::like_text;
use crate::sql::{Builder, Dialect};

impl Comparison {
    fn sql(self) -> &'static str {
        match self {
            Self::Equal => " = ",
            Self::NotEqual => " <> ",
            Self::Greater => " > ",
            Self::GreaterOrEqual => " >= ",
            Self::Less => " < ",
            Self::LessOrEqual => " <= ",
        }
    }
}

impl Builder {
    /// Appends ` WHERE …`, or nothing when every row passes.
    pub fn filter(&mut self, predicate: &Predicate) -> &mut Self {
        if !predicate.is_always() {
            self.push(" WHERE ").predicate(predicate);
        }
        self
    }

    /// Appends a condition that can stand between `AND`s. Recursion is bounded by the parser's depth.
    pub fn predicate(&mut self, predicate: &Predicate) -> &mut Self {
        match predicate {
            Predicate::All(terms) => self.joined(terms, " AND ", "1 = 1"),
            Predicate::Any(terms) => self.joined(terms, " OR ", "1 = 0"),
            Predicate::Not(inner) => {
                self.push("NOT (").predicate(inner).push(")");
                self
            }
            Predicate::Compare {
                column,
                comparison,
                value,
            } => {
                self.column(column).push(comparison.sql());
                match value {
                    Value::Null => self.push("NULL"),
                    value => self.bind(value.clone()),
                }
            }
            Predicate::IsNull { column, negated } => {
                self.column(column)
                    .push(if *negated { " IS NOT NULL" } else { " IS NULL" })
            }
            Predicate::In {
                column,
                values,
                negated,
            } => self.membership(column, values, *negated),
            Predicate::Matches { column, pattern } => self.like(column, pattern),
        }
    }

    fn joined(&mut self, terms: &[Predicate], between: &str, empty: &str) -> &mut Self {
        match terms {
            [] => self.push(empty),
            [only] => self.predicate(only),
            terms => {
                self.push("(");
                for (i, term) in terms.iter().enumerate() {
                    if i > 0 {
                        self.push(between);
                    }
                    self.predicate(term);
                }
                self.push(")")
            }
        }
    }

    fn membership(&mut self, column: &str, values: &[Value], negated: bool) -> &mut Self {
        self.column(column);
        if self.dialect == Dialect::Postgres {
            // One parameter however long the list is: the server's limit is 65,535 of them.
            return self
                .push(if negated { " <> ALL(" } else { " = ANY(" })
                .bind(Value::Array(values.to_vec()))
                .push(")");
        }
        self.push(if negated { " NOT IN (" } else { " IN (" });
        for (i, value) in values.iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            self.bind(value.clone());
        }
        self.push(")")
    }

    fn like(&mut self, column: &str, pattern: &Pattern) -> &mut Self {
        let text = Value::String(like_text(pattern, self.dialect.like_escape()));
        match self.dialect {
            // E'' reads the same whatever standard_conforming_strings says.
            Dialect::Postgres => self
                .column(column)
                .push(" ILIKE ")
                .bind(text)
                .push(" ESCAPE E'\\\\'"),
            Dialect::MySql => self
                .push("LOWER(")
                .column(column)
                .push(") LIKE LOWER(")
                .bind(text)
                .push(") ESCAPE '|'"),
            Dialect::Sqlite => self
                .push("LOWER(")
                .column(column)
                .push(") LIKE LOWER(")
                .bind(text)
                .push(") ESCAPE '\\'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{QueryOptions, Request};
    use crate::sql::Statement;
    use serde_json::json;

    fn statement(dialect: Dialect, filter: Value) -> Statement {
        let options = json!({ "where": filter });
        let request = Request::parse(
            crate::options::JobKind::Query,
            "t",
            &options,
            "@semilayer/bridge-x",
        )
        .unwrap();
        let Request::Query(QueryOptions { filter, .. }) = request else {
            panic!("not a query");
        };
        let mut builder = Builder::new(dialect);
        builder.filter(&filter);
        builder.finish()
    }

    fn sqlite(filter: Value) -> String {
        statement(Dialect::Sqlite, filter).sql
    }

    #[test]
    fn nothing_asked_for_is_no_where() {
        assert_eq!(sqlite(json!({})), "");
        assert_eq!(sqlite(json!({"a": {"$nin": []}})), "");
        assert_eq!(sqlite(json!({"a": []})), " WHERE 1 = 0");
    }

    #[test]
    fn lists_of_conditions_are_in_parentheses() {
        assert_eq!(
            sqlite(
                json!({"a": 1, "$or": [{"b": 2, "c": null}, {"$not": {"d": 1, "e": {"$ne": 2}}}]})
            ),
            " WHERE (t.\"a\" = ? AND ((t.\"b\" = ? AND t.\"c\" IS NULL) OR \
             NOT ((t.\"d\" = ? AND t.\"e\" <> ?))))"
        );
        assert_eq!(
            sqlite(json!({"$or": [{}, {"a": {"$gt": null}}]})),
            " WHERE (1 = 1 OR t.\"a\" > NULL)"
        );
    }

    #[test]
    fn a_list_is_one_parameter_on_postgres_and_many_elsewhere() {
        let filter = json!({"a": [1, null], "b": {"$nin": ["x", "y"]}});
        let postgres = statement(Dialect::Postgres, filter.clone());
        assert_eq!(
            postgres.sql,
            " WHERE (t.\"a\" = ANY($1) AND t.\"b\" <> ALL($2))"
        );
        assert_eq!(postgres.params, [json!([1, null]), json!(["x", "y"])]);
        let mysql = statement(Dialect::MySql, filter);
        assert_eq!(
            mysql.sql,
            " WHERE (t.`a` IN (?, ?) AND t.`b` NOT IN (CONCAT(?), CONCAT(?)))"
        );
        assert_eq!(
            mysql.params,
            [json!(1), json!(null), json!("x"), json!("y")]
        );
    }

    #[test]
    fn string_operators_ignore_case_everywhere() {
        let filter = json!({"a": {"$contains": "5%"}});
        for (dialect, sql, param) in [
            (
                Dialect::Postgres,
                " WHERE t.\"a\" ILIKE $1 ESCAPE E'\\\\'",
                "%5\\%%",
            ),
            (
                Dialect::MySql,
                " WHERE LOWER(t.`a`) LIKE LOWER(CONCAT(?)) ESCAPE '|'",
                "%5|%%",
            ),
            (
                Dialect::Sqlite,
                " WHERE LOWER(t.\"a\") LIKE LOWER(?) ESCAPE '\\'",
                "%5\\%%",
            ),
        ] {
            let statement = statement(dialect, filter.clone());
            assert_eq!(statement.sql, sql);
            assert_eq!(statement.params, [json!(param)]);
        }
    }

    #[test]
    fn nothing_of_a_job_is_spliced_into_the_text() {
        let statement = statement(
            Dialect::Postgres,
            json!({"a\" = 1 OR \"1\"=\"1": "'; DROP TABLE people; --"}),
        );
        assert_eq!(
            statement.sql,
            " WHERE t.\"a\"\" = 1 OR \"\"1\"\"=\"\"1\" = $1"
        );
    }
}
