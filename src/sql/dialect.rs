//! What differs between the databases' languages.

/// Name every statement gives the table it reads. All columns of `WHERE` and `ORDER BY` are qualified with
/// it: a select list may hold casts under a column's own name, and an unqualified `ORDER BY` would sort by
/// those instead.
pub const TABLE_ALIAS: &str = "t";

/// A family of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL, CockroachDB, Neon.
    Postgres,
    /// MySQL, MariaDB, PlanetScale.
    MySql,
    /// SQLite.
    Sqlite,
}

impl Dialect {
    /// Quotes an identifier; quotes inside it are doubled.
    pub fn quote(self, name: &str) -> String {
        let mut quoted = String::with_capacity(name.len() + 2);
        self.write_quoted(name, &mut quoted);
        quoted
    }

    /// Appends a quoted identifier.
    pub fn write_quoted(self, name: &str, out: &mut String) {
        let quote = match self {
            Self::Postgres | Self::Sqlite => '"',
            Self::MySql => '`',
        };
        out.push(quote);
        for (i, part) in name.split(quote).enumerate() {
            if i > 0 {
                out.push(quote);
                out.push(quote);
            }
            out.push_str(part);
        }
        out.push(quote);
    }

    /// A column of the statement's own table: `t."name"`.
    pub fn column(self, name: &str) -> String {
        let mut column = String::with_capacity(TABLE_ALIAS.len() + name.len() + 3);
        self.write_column(name, &mut column);
        column
    }

    /// Appends a column of the statement's own table.
    pub fn write_column(self, name: &str, out: &mut String) {
        out.push_str(TABLE_ALIAS);
        out.push('.');
        self.write_quoted(name, out);
    }

    /// Columns of the statement's own table, as a select list.
    pub fn columns<'a>(self, names: impl IntoIterator<Item = &'a str>) -> String {
        let columns: Vec<_> = names.into_iter().map(|name| self.column(name)).collect();
        columns.join(", ")
    }

    /// The character that makes the next one of a LIKE pattern literal. MySQL reads a backslash in its own
    /// literals differently under NO_BACKSLASH_ESCAPES, so another one is used there.
    pub(crate) fn like_escape(self) -> char {
        match self {
            Self::Postgres | Self::Sqlite => '\\',
            Self::MySql => '|',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_inside_names_are_doubled() {
        assert_eq!(Dialect::Postgres.quote("a\"b`c"), "\"a\"\"b`c\"");
        assert_eq!(Dialect::Sqlite.quote("\""), "\"\"\"\"");
        assert_eq!(Dialect::MySql.quote("a\"b`c"), "`a\"b``c`");
        assert_eq!(Dialect::MySql.columns(["id", "é"]), "t.`id`, t.`é`");
    }
}
