//! SQL from typed options, by shared code that knows a dialect. Values are always bound, identifiers always
//! quoted. What is asked of a database is decided here; how it is sent and answered is the bridge's business.

mod aggregate;
mod builder;
mod cursor;
mod dialect;
mod keyset;
mod literal;
mod pattern;
mod predicate;
mod select;
mod target;

pub use aggregate::{Aggregation, ColumnFacts, Columns};
pub use builder::{Builder, Statement};
pub use cursor::Cursor;
pub use dialect::{Dialect, TABLE_ALIAS};
pub use keyset::{Bound, KeyPart, Page};
pub use select::{Selection, count};
pub use target::{parts_of_name, schema_and_table, whole_name};
