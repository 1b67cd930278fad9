//! The statements of the shared builder in the languages of the engines.

mod aggregate;
mod builder;
mod keyset;
mod predicate;
mod select;

use super::lite::SQLITE;
use super::mysql::MYSQL;
use super::postgres::POSTGRES;
use crate::sql::Dialect;

#[test]
fn quotes_inside_names_are_doubled() {
    let (postgres, mysql, sqlite): (&dyn Dialect, &dyn Dialect, &dyn Dialect) =
        (&POSTGRES, &MYSQL, &SQLITE);
    assert_eq!(postgres.quote("a\"b`c"), "\"a\"\"b`c\"");
    assert_eq!(sqlite.quote("\""), "\"\"\"\"");
    assert_eq!(mysql.quote("a\"b`c"), "`a\"b``c`");
    let names = ["id".to_owned(), "é".to_owned()];
    assert_eq!(mysql.select_list(Some(&names)), "t.`id`, t.`é`");
    assert_eq!(mysql.select_list(None), "t.*");
}
