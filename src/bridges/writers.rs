//! How single values become JSON, and options SQL, apart from the bridges that read them: for measuring, and for
//! tests that have bytes and no database. Rows go through the same functions.

#[cfg(any(
    feature = "postgres",
    feature = "mysql",
    feature = "sqlite",
    feature = "mongodb",
    feature = "clickhouse",
    feature = "turso"
))]
use crate::json::Text;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use crate::sql::Dialect;

/// The language of PostgreSQL.
#[cfg(feature = "postgres")]
pub fn postgres_dialect() -> &'static dyn Dialect {
    &super::postgres::POSTGRES
}

/// The language of MySQL.
#[cfg(feature = "mysql")]
pub fn mysql_dialect() -> &'static dyn Dialect {
    &super::mysql::MYSQL
}

/// Appends a value of PostgreSQL as it comes over the wire, of the type with this number. False, with a part
/// of it perhaps written, when the bytes are none of that type, or the type is one that is asked for as text.
#[cfg(feature = "postgres")]
pub fn postgres(out: &mut Text, oid: u32, value: &[u8]) -> bool {
    use super::postgres::form;
    let written = form(oid).map(|(form, array)| match array {
        true => form.write_array(out, value),
        false => form.write(out, value),
    });
    written.flatten().is_some()
}

/// Appends a value of MySQL's driver that belongs to a column like this.
#[cfg(feature = "mysql")]
pub fn mysql(out: &mut Text, column: &mysql::Column, value: &mysql::Value) {
    super::mysql::write_value_of(out, column, value);
}

/// Appends a value of SQLite.
#[cfg(feature = "sqlite")]
pub fn sqlite(out: &mut Text, value: rusqlite::types::ValueRef<'_>) {
    super::lite::write_value(out, &value.into());
}

/// Appends a row of MongoDB: the document that an answer of a server holds. False, with a part of it perhaps written,
/// when it is no answer.
#[cfg(feature = "mongodb")]
pub fn mongodb(out: &mut Text, answer: &[u8]) -> bool {
    super::mongodb::write_answer(out, answer)
}

/// True when this is an answer of a name server to that question about a service of MongoDB.
#[cfg(feature = "mongodb")]
pub fn is_mongodb_service(answer: &[u8], question: &[u8]) -> bool {
    super::mongodb::is_service(answer, question)
}

/// Appends a row of ClickHouse as it comes over the wire, without its first members. False for what is none, or has
/// fewer of them.
#[cfg(feature = "clickhouse")]
pub fn clickhouse(out: &mut Text, line: &[u8], hidden: usize) -> bool {
    super::clickhouse::write_row(out, line, hidden)
}

/// Appends the values of a row of Turso as it comes over the wire, as a list. False for what is no line of an answer.
#[cfg(feature = "turso")]
pub fn turso(out: &mut Text, line: &str) -> bool {
    super::turso::write_line(out, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "postgres")]
    #[test]
    fn bytes_of_another_type_are_refused() {
        let mut out = Text::new();
        assert!(postgres(&mut out, 23, &7_i32.to_be_bytes()));
        assert_eq!(out.as_str(), "7");
        assert!(!postgres(&mut out, 23, &[7]));
        assert!(!postgres(&mut out, 790, &[0; 8]));
    }

    #[cfg(feature = "mysql")]
    #[test]
    fn a_column_decides_how_a_value_is_written() {
        use ::mysql::consts::ColumnType;
        use ::mysql::{Column, Value};
        let mut out = Text::new();
        let decimal = Column::new(ColumnType::MYSQL_TYPE_NEWDECIMAL);
        mysql(&mut out, &decimal, &Value::Bytes(b"1.50".to_vec()));
        assert_eq!(out.as_str(), "\"1.50\"");
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn storage_classes_have_their_json() {
        let mut out = Text::new();
        sqlite(&mut out, rusqlite::types::ValueRef::Real(0.5));
        assert_eq!(out.as_str(), "0.5");
    }

    #[cfg(feature = "turso")]
    #[test]
    fn a_row_of_turso_is_a_list() {
        let mut out = Text::new();
        let row = r#"{"type":"row","row":[{"type":"integer","value":"1"},{"type":"null"}]}"#;
        assert!(turso(&mut out, row) && turso(&mut out, r#"{"type":"row","row":[]}"#));
        assert_eq!(out.as_str(), "[1,null][]");
        assert!(turso(&mut out, r#"{"type":"step_end"}"#) && !turso(&mut out, "[]"));
    }

    #[cfg(feature = "clickhouse")]
    #[test]
    fn a_line_is_a_row_as_it_is() {
        let mut out = Text::new();
        assert!(clickhouse(&mut out, b"{\"k\":1,\"a\":\"\xff\"}", 1));
        assert_eq!(out.as_str(), "{\"a\":\"\u{fffd}\"}");
        assert!(!clickhouse(&mut out, b"Code: 60", 0));
    }
}
