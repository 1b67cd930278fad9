//! Statements that the server keeps for a session, by name.
//!
//! A statement that is sent again and again is parsed and planned again and again. Keeping it saves the server
//! two thirds of a look-up and this process a third of what the driver takes (measured with a bare loop: 35 us
//! CPU a look-up unnamed, 24 named). Three rules make it safe:
//!
//! - Only statements that look up one row by its whole key are kept: their plan is the same whatever the values.
//!   Of others the server would after five times make one plan for all values, which may be a bad one.
//! - Only on a connection that the server itself shows to be direct: the process that serves a statement is the
//!   one the connection was opened with. Behind a pooler a name may mean another client's statement.
//! - A name that the server no longer takes is forgotten, and the statement is sent as ever.

use std::collections::HashMap;

use postgres::Statement;
use postgres::error::SqlState;

use crate::limits;

/// The statements of one session.
pub struct Statements {
    /// The process that greeted; taken once it was compared.
    greeted_by: Option<i32>,
    direct: bool,
    /// `None` for what was sent once: most statements are not sent twice.
    known: HashMap<String, Option<Statement>>,
}

/// What to do with a statement.
pub enum Sending {
    /// Send its text.
    Text,
    /// Ask which process serves the session, tell [`Statements::served_by`], and ask again.
    Compare,
    /// Prepare it, tell [`Statements::keep`], and send its name.
    Prepare,
    /// Send the name.
    Name(Statement),
}

impl Statements {
    /// For a session that was opened with this process. Without one, or with `pooled`, none is ever kept.
    pub fn new(greeted_by: Option<i32>, pooled: bool) -> Self {
        Self {
            greeted_by: greeted_by.filter(|_| !pooled),
            direct: false,
            known: HashMap::new(),
        }
    }

    /// How to send a statement that looks up one row by its key.
    pub fn sending(&mut self, sql: &str) -> Sending {
        // Long ones are remembered by nobody: the next one may be another, and there are many connections.
        if !self.direct && self.greeted_by.is_none() || sql.len() > limits::KEPT_STATEMENT {
            return Sending::Text;
        }
        match self.known.get(sql) {
            Some(Some(statement)) => Sending::Name(statement.clone()),
            Some(None) if self.direct => Sending::Prepare,
            Some(None) => Sending::Compare,
            None => {
                if self.known.len() >= limits::KEPT_STATEMENTS {
                    self.known.clear();
                }
                self.known.insert(sql.to_owned(), None);
                Sending::Text
            }
        }
    }

    /// The process that serves statements now.
    pub fn served_by(&mut self, process: i32) {
        self.direct = self.greeted_by.take() == Some(process);
    }

    /// The server keeps this one from now on.
    pub fn keep(&mut self, sql: &str, statement: Statement) {
        self.known.insert(sql.to_owned(), Some(statement));
    }

    /// About how many bytes of memory they take.
    pub fn weight(&self) -> usize {
        let kept = self.known.iter().map(|(sql, statement)| {
            let columns = statement.iter().flat_map(Statement::columns);
            let columns = columns.map(|column| 100 + column.name().len());
            100 + sql.len() + columns.sum::<usize>()
        });
        kept.sum()
    }

    /// True when the server's refusal is about the name and not about the statement, which is forgotten then:
    /// the table was changed, or somebody dropped the session's statements.
    pub fn is_stale(&mut self, sql: &str, error: &postgres::Error) -> bool {
        let stale = error.code().is_some_and(|code| {
            *code == SqlState::FEATURE_NOT_SUPPORTED
                || *code == SqlState::INVALID_SQL_STATEMENT_NAME
        });
        if stale {
            self.known.remove(sql);
        }
        stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(statements: &mut Statements) -> usize {
        (0..5)
            .filter(|_| matches!(statements.sending("SELECT 1"), Sending::Text))
            .count()
    }

    #[test]
    fn only_what_is_sent_twice_on_a_direct_connection_is_prepared() {
        let mut direct = Statements::new(Some(7), false);
        assert!(matches!(direct.sending("SELECT 1"), Sending::Text));
        assert!(matches!(direct.sending("SELECT 1"), Sending::Compare));
        direct.served_by(7);
        assert!(matches!(direct.sending("SELECT 1"), Sending::Prepare));
        assert!(matches!(direct.sending("SELECT 2"), Sending::Text));
    }

    #[test]
    fn another_process_means_a_pooler() {
        let mut through_a_pooler = Statements::new(Some(7), false);
        assert_eq!(texts(&mut through_a_pooler), 1);
        through_a_pooler.served_by(8);
        assert_eq!(texts(&mut through_a_pooler), 5);
        // Chance must not make it direct later.
        through_a_pooler.served_by(7);
        assert_eq!(texts(&mut through_a_pooler), 5);
        assert_eq!(texts(&mut Statements::new(None, false)), 5);
        assert_eq!(texts(&mut Statements::new(Some(7), true)), 5);
    }

    #[test]
    fn a_long_one_is_not_remembered() {
        let mut statements = Statements::new(Some(7), false);
        let long = "x".repeat(limits::KEPT_STATEMENT + 1);
        for _ in 0..3 {
            assert!(matches!(statements.sending(&long), Sending::Text));
        }
        assert!(statements.known.is_empty());
    }

    #[test]
    fn few_are_kept() {
        let mut statements = Statements::new(Some(7), false);
        for n in 0..10 * limits::KEPT_STATEMENTS {
            statements.sending(&format!("SELECT {n}"));
            assert!(statements.known.len() <= limits::KEPT_STATEMENTS);
        }
    }
}
