//! When two names mean the same thing to a database. Where databases differ or are surprising, a rule that
//! denies matches too much rather than too little, and a rule that allows too little rather than too much.

/// The rules of one family of databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRules {
    /// Quoted names are exact; a table may be named with its schema or without.
    Postgres,
    /// Columns in any case; tables too on some systems.
    MySql,
    /// Everything in any case, as far as ASCII goes.
    Sqlite,
}

impl NameRules {
    /// Those of a bridge; of one that is not known the most cautious.
    pub fn of(bridge: &str) -> Self {
        match bridge.strip_prefix("@semilayer/bridge-") {
            Some("postgres" | "cockroachdb" | "neon") => Self::Postgres,
            Some("sqlite") => Self::Sqlite,
            _ => Self::MySql,
        }
    }

    /// True when a job that names `name` may get the column `column` of the database. What the catalog does
    /// not have under this rule, such as a row id or a whole row, is never allowed.
    pub fn is_column(self, column: &str, name: &str) -> bool {
        match self {
            Self::Postgres => column == name,
            // MySQL knows more capitals, but in a way of its own.
            Self::MySql | Self::Sqlite => column.eq_ignore_ascii_case(name),
        }
    }

    /// True when a rule that denies `rule` denies the column.
    pub fn denies_column(self, rule: &str, column: &str) -> bool {
        match self {
            Self::Postgres => rule == column,
            Self::MySql | Self::Sqlite => fold(rule) == fold(column),
        }
    }

    /// True when a rule that allows `rule` allows the column.
    pub fn allows_column(self, rule: &str, column: &str) -> bool {
        self.is_column(rule, column)
    }

    /// True when a rule about the target `rule` concerns a job on `target`: without a schema on either side
    /// it may be the same table.
    pub fn concerns_target(self, rule: &str, target: &str) -> bool {
        match self {
            Self::Postgres => match (rule.split_once('.'), target.split_once('.')) {
                (Some((schema, rule)), Some((other, table))) => {
                    cut(schema) == cut(other) && cut(rule) == cut(table)
                }
                (Some((_, rule)), None) => cut(rule) == cut(target),
                (None, Some((_, table))) => cut(rule) == cut(table),
                (None, None) => cut(rule) == cut(target),
            },
            Self::MySql | Self::Sqlite => fold(rule) == fold(target),
        }
    }

    /// True when a rule that allows `rule` allows a job on `target`. Which schema a bare name is in depends on
    /// the search path, so `users` does not stand for `public.users`, nor the other way round.
    pub fn allows_target(self, rule: &str, target: &str) -> bool {
        match self {
            Self::Postgres | Self::MySql => rule == target,
            Self::Sqlite => rule.eq_ignore_ascii_case(target),
        }
    }

    /// True for the database's own tables. Some of them hold samples of other tables' values.
    pub fn is_system(self, target: &str) -> bool {
        match self {
            Self::Postgres => match target.split_once('.') {
                Some((schema, _)) => {
                    schema.starts_with("pg_")
                        || matches!(schema, "information_schema" | "crdb_internal" | "system")
                }
                None => target.starts_with("pg_"),
            },
            Self::MySql => false,
            Self::Sqlite => fold(target).starts_with("sqlite_"),
        }
    }
}

/// PostgreSQL cuts longer names and goes on.
fn cut(name: &str) -> &str {
    name.get(..63).unwrap_or(name)
}

/// Coarser than any database's comparison: case, and marks that case changes leave behind.
fn fold(name: &str) -> String {
    name.chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .filter(|c| !('\u{300}'..='\u{36f}').contains(c))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    use NameRules::{MySql, Postgres, Sqlite};

    #[test]
    fn case_follows_the_database() {
        for (rules, same) in [(Postgres, false), (MySql, true), (Sqlite, true)] {
            assert_eq!(rules.is_column("ssn", "SSN"), same);
            assert_eq!(rules.denies_column("ssn", "SSN"), same);
            assert_eq!(rules.concerns_target("people", "People"), same);
        }
        for rules in [MySql, Sqlite] {
            assert!(!rules.is_column("É", "é") && rules.denies_column("É", "é"));
        }
    }

    #[test]
    fn letters_that_fold_oddly_are_denied_and_never_allowed() {
        // MySQL takes the dotted capital I for an i, and the Kelvin sign for a k.
        for (odd, plain) in [("İd", "id"), ("\u{212a}ey", "key"), ("ſsn", "ssn")] {
            assert!(MySql.denies_column(plain, odd), "{odd}");
        }
        assert!(!MySql.is_column("id", "İd"));
        assert!(!Sqlite.is_column("ssn", "ſsn"));
    }

    #[test]
    fn a_bare_name_may_be_in_any_schema_for_a_denial_and_in_none_for_a_permission() {
        for (rule, target, concerned) in [
            ("users", "users", true),
            ("users", "app.users", true),
            ("app.users", "users", true),
            ("app.users", "public.users", false),
            ("users", "Users", false),
        ] {
            assert_eq!(Postgres.concerns_target(rule, target), concerned);
            assert_eq!(Postgres.allows_target(rule, target), rule == target);
        }
        let long = "x".repeat(63);
        assert!(Postgres.concerns_target(&long, &format!("{long}y")));
        assert!(Postgres.concerns_target(&long, &format!("public.{long}y")));
        // One name, dot and all.
        assert!(!MySql.concerns_target("users", "app.users"));
        assert!(!MySql.allows_target("users", "Users"));
        assert!(Sqlite.allows_target("users", "Users"));
    }

    #[test]
    fn system_tables_are_known() {
        for system in [
            "pg_stats",
            "pg_catalog.pg_stats",
            "information_schema.columns",
        ] {
            assert!(Postgres.is_system(system), "{system}");
        }
        assert!(!Postgres.is_system("public.pg_like"));
        assert!(Sqlite.is_system("SQLITE_stat4") && !Sqlite.is_system("people"));
    }

    #[test]
    fn an_unknown_bridge_is_treated_with_caution() {
        assert_eq!(NameRules::of("@semilayer/bridge-neon"), Postgres);
        assert_eq!(NameRules::of("@semilayer/bridge-sqlite"), Sqlite);
        assert_eq!(NameRules::of("@semilayer/bridge-mariadb"), MySql);
        assert_eq!(NameRules::of("else"), MySql);
    }
}
