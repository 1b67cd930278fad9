//! SQL from typed options, by shared code that knows a dialect. Values are always bound, identifiers always
//! quoted. What is asked of a database is decided here; how it is sent and answered is the bridge's business.

mod aggregate;
mod builder;
mod cursor;
mod dialect;
mod keyset;
mod pattern;
mod predicate;
mod select;

pub use aggregate::{Aggregation, ColumnFacts, RowOrder, Table};
pub use builder::{Builder, Statement, overlong};
pub use cursor::Cursor;
pub use dialect::{Dialect, Parameter, TABLE_ALIAS};
pub use keyset::{Bound, KeyPart, Page};
pub(crate) use pattern::like_text;
pub use select::{Selection, count};
