//! When two names mean the same thing to a database. Where databases differ or are surprising, a rule that
//! denies matches too much rather than too little, and a rule that allows too little rather than too much.

use crate::options::Target;

/// What the case of letters means in names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Names are exact.
    Matters,
    /// It depends on how the database was set up.
    MayMatter,
    /// Names are the same in any case, as far as ASCII goes at least.
    Ignored,
}

/// The rules of one family of databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameRules {
    /// Case in names of columns.
    pub columns: Case,
    /// Case in names of tables and schemas.
    pub tables: Case,
    /// Bytes after which names are cut, at a character's boundary.
    pub longest: Option<usize>,
    /// The schema in which the bridge looks for a table without one. `None` where the connection decides.
    pub default_schema: Option<&'static str>,
    /// Schemas of the database's own tables, in lower case. Some of them hold samples of other tables' values.
    pub system_schemas: &'static [&'static str],
    /// What names of the database's own schemas and tables begin with, in lower case.
    pub system_prefixes: &'static [&'static str],
    /// What targets end with that hold all keys which begin so: `users` holds what `users:old` holds.
    pub nested_by: Option<char>,
}

/// A name as one may read it: a table, perhaps behind its schema.
type Reading<'a> = (Option<&'a str>, &'a str);

impl NameRules {
    /// Names are exact, and nothing is the database's own.
    pub const EXACT: Self = Self {
        columns: Case::Matters,
        tables: Case::Matters,
        longest: None,
        default_schema: None,
        system_schemas: &[],
        system_prefixes: &[],
        nested_by: None,
    };

    /// Names of keys, and targets that are what they begin with, up to a colon.
    pub const KEYS: Self = Self {
        nested_by: Some(':'),
        ..Self::EXACT
    };

    /// Columns in any case; tables too on some systems.
    pub const LOOSE: Self = Self {
        columns: Case::Ignored,
        tables: Case::MayMatter,
        ..Self::EXACT
    };

    /// Everything in any case.
    pub const ANY_CASE: Self = Self {
        tables: Case::Ignored,
        ..Self::LOOSE
    };

    /// True when a job that names `name` may get the column `column` of the database. What the catalog does
    /// not have under this rule, such as a row id or a whole row, is never allowed.
    pub fn is_column(&self, column: &str, name: &str) -> bool {
        allows(self.columns, column, name)
    }

    /// True when a rule that denies `rule` denies the column.
    pub fn denies_column(&self, rule: &str, column: &str) -> bool {
        match self.columns {
            Case::Matters => rule == column,
            Case::MayMatter | Case::Ignored => fold(rule) == fold(column),
        }
    }

    /// True when a rule about the target `rule` concerns a job on `target`: without a schema on either side it
    /// may be the same table, and a catalog tells nothing apart. A name with a dot is read both ways. Of nested
    /// targets a rule concerns those around and inside, too.
    pub fn concerns_target(&self, rule: &str, target: &Target) -> bool {
        if self.are_nested(rule, target.table()) {
            return true;
        }
        let mut rules = [Some((None, rule)), split(rule)].into_iter().flatten();
        rules.any(|(schema, table)| {
            readings(target).any(|(other, name)| {
                let one_schema = match (schema, other) {
                    (Some(schema), Some(other)) => self.may_be(schema, other),
                    _ => true,
                };
                one_schema && self.may_be(table, name)
            })
        })
    }

    /// True when a rule that allows `rule` allows a job on `target`. Which schema a bare name is in may depend
    /// on the connection, and then `users` does not stand for `public.users`, nor the other way round.
    pub fn allows_target(&self, rule: &str, target: &Target) -> bool {
        let is = |schema: Option<&str>, table: &str| {
            let one_schema = match (schema, target.schema()) {
                (Some(schema), Some(other)) => allows(self.tables, schema, other),
                (None, None) => true,
                _ => false,
            };
            target.catalog().is_none() && one_schema && allows(self.tables, table, target.table())
        };
        let by_default = self.default_schema.filter(|_| !rule.contains('.'));
        is(None, rule)
            || by_default.is_some_and(|schema| is(Some(schema), rule))
            || rule
                .split_once('.')
                .is_some_and(|(schema, table)| is(Some(schema), table))
    }

    /// True for the database's own tables.
    pub fn is_system(&self, target: &Target) -> bool {
        let own = |name: &str| {
            let name = fold(name);
            self.system_prefixes
                .iter()
                .any(|prefix| name.starts_with(prefix))
        };
        readings(target).any(|(schema, table)| {
            own(table)
                || schema.is_some_and(|schema| {
                    own(schema) || self.system_schemas.contains(&fold(schema).as_str())
                })
        })
    }

    /// True when all that one target holds is held by the other one.
    fn are_nested(&self, one: &str, other: &str) -> bool {
        self.nested_by.is_some_and(|mark| {
            let holds = |outer: &str, inner: &str| {
                let rest = inner.strip_prefix(outer);
                rest.is_some_and(|rest| rest.starts_with(mark))
            };
            holds(one, other) || holds(other, one)
        })
    }

    /// True when two names of tables or schemas may be one.
    fn may_be(&self, one: &str, other: &str) -> bool {
        let (one, other) = (self.cut(one), self.cut(other));
        match self.tables {
            Case::Matters => one == other,
            Case::MayMatter | Case::Ignored => fold(one) == fold(other),
        }
    }

    fn cut<'a>(&self, name: &'a str) -> &'a str {
        let most = self.longest.unwrap_or(usize::MAX).min(name.len());
        let end = (0..=most).rev().find(|end| name.is_char_boundary(*end));
        end.and_then(|end| name.get(..end)).unwrap_or(name)
    }
}

fn allows(case: Case, rule: &str, name: &str) -> bool {
    match case {
        Case::Matters | Case::MayMatter => rule == name,
        Case::Ignored => rule.eq_ignore_ascii_case(name),
    }
}

/// The table behind the last dot, and the schema that stands before it.
fn split(name: &str) -> Option<Reading<'_>> {
    let (before, table) = name.rsplit_once('.')?;
    let schema = before.rsplit_once('.').map_or(before, |(_, schema)| schema);
    Some((Some(schema), table))
}

fn readings(target: &Target) -> impl Iterator<Item = Reading<'_>> {
    [
        Some((target.schema(), target.table())),
        split(target.table()),
    ]
    .into_iter()
    .flatten()
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
    use crate::options::{parts_of_name, schema_and_table, whole_name};

    const SERVER: NameRules = NameRules {
        longest: Some(63),
        default_schema: Some("public"),
        system_schemas: &["information_schema", "crdb_internal"],
        system_prefixes: &["pg_"],
        ..NameRules::EXACT
    };
    const LOOSE: NameRules = NameRules {
        system_schemas: &["sys", "information_schema"],
        ..NameRules::LOOSE
    };

    fn parts(text: &str) -> Target {
        parts_of_name(text).unwrap()
    }

    #[test]
    fn however_a_target_is_spelt_a_rule_that_denies_it_finds_it() {
        for target in [
            "users",
            "public.users",
            "db.public.users",
            "a.db.other.users",
        ] {
            for rules in [SERVER, LOOSE, NameRules::ANY_CASE] {
                assert!(rules.concerns_target("users", &parts(target)), "{target}");
                assert!(!rules.concerns_target("user", &parts(target)));
            }
        }
        for rule in ["public.users", "db.public.users"] {
            assert!(SERVER.concerns_target(rule, &parts("users")));
            assert!(SERVER.concerns_target(rule, &schema_and_table("users").unwrap()));
            assert!(SERVER.concerns_target(rule, &parts("x.public.users")));
            assert!(!SERVER.concerns_target(rule, &parts("app.users")));
        }
        for target in ["USERS", "Db.users", "db.ÜSERS"] {
            let concerned = LOOSE.concerns_target("users", &parts(target));
            assert_eq!(concerned, !target.contains('Ü'), "{target}");
        }
        // A table whose name has a dot.
        assert!(LOOSE.concerns_target("db.users", &whole_name("db.users").unwrap()));
        assert!(LOOSE.concerns_target("users", &whole_name("db.users").unwrap()));
    }

    #[test]
    fn a_rule_that_allows_a_target_allows_no_other() {
        assert!(SERVER.allows_target("users", &schema_and_table("users").unwrap()));
        assert!(SERVER.allows_target("users", &schema_and_table("public.users").unwrap()));
        assert!(SERVER.allows_target("public.users", &schema_and_table("users").unwrap()));
        // The search path decides which one this is.
        assert!(!SERVER.allows_target("public.users", &parts("users")));
        for target in ["app.users", "db.public.users", "users2", "Users"] {
            assert!(!SERVER.allows_target("users", &parts(target)), "{target}");
        }
        assert!(!LOOSE.allows_target("users", &parts("db.users")));
        assert!(LOOSE.allows_target("db.users", &parts("db.users")));
        assert!(!LOOSE.allows_target("users", &parts("Users")));
        assert!(NameRules::ANY_CASE.allows_target("users", &parts("Users")));
        assert!(!NameRules::ANY_CASE.allows_target("users", &parts("main.users")));
    }

    #[test]
    fn keys_lie_within_targets() {
        for (rule, target, concerned) in [
            ("users:old", "users", true),
            ("users", "users:old", true),
            ("users", "users:old:1", true),
            ("users", "users", true),
            ("users", "users2", false),
            ("users:old", "users:new", false),
            ("", ":a", true),
        ] {
            let target = Target::whole(target);
            assert_eq!(NameRules::KEYS.concerns_target(rule, &target), concerned);
        }
        let inner = Target::whole("users:old");
        assert!(!NameRules::EXACT.concerns_target("users", &inner));
        assert!(!NameRules::KEYS.allows_target("users", &inner));
    }

    #[test]
    fn names_are_cut_at_a_characters_boundary() {
        let long = format!("{}é{}", "a".repeat(62), "b".repeat(10));
        let cut = "a".repeat(62);
        for name in [&long, &cut, &format!("{cut}éz")] {
            assert!(SERVER.concerns_target(&cut, &parts(name)), "{name}");
            assert!(SERVER.concerns_target(name, &parts(&cut)), "{name}");
        }
        assert!(!SERVER.concerns_target(&cut, &parts(&format!("{cut}c"))));
        assert!(!LOOSE.concerns_target(&cut, &parts(&long)));
    }

    #[test]
    fn the_databases_own_tables_are_known_by_any_name() {
        for target in [
            "pg_user",
            "pg_catalog.pg_user",
            "db.pg_catalog.users",
            "information_schema.columns",
            "crdb_internal.x",
        ] {
            assert!(SERVER.is_system(&parts(target)), "{target}");
        }
        assert!(!SERVER.is_system(&parts("page.users")));
        for target in ["sys.x", "SYS.x", "def.sys.x"] {
            assert!(LOOSE.is_system(&parts(target)), "{target}");
        }
        assert!(LOOSE.is_system(&whole_name("sys.x").unwrap()));
        assert!(!LOOSE.is_system(&parts("sys")));
    }

    #[test]
    fn columns() {
        assert!(SERVER.is_column("a", "a") && !SERVER.is_column("a", "A"));
        assert!(LOOSE.is_column("a", "A") && !LOOSE.is_column("é", "É"));
        assert!(LOOSE.denies_column("É", "é") && !SERVER.denies_column("A", "a"));
    }
}
