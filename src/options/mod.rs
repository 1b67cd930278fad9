//! What a job asks for, as types. A job's JSON is parsed into these before any SQL is built; what does not
//! parse is refused with `INVALID_OPTIONS` and the JSON path.

mod aggregate;
mod columns;
mod condition;
mod fields;
mod filter;
mod kind;
mod order;
mod predicate;
mod request;
mod rules;
mod target;

pub use aggregate::{
    Aggregate, AggregateOptions, Bucket, Dimension, GeoPlace, Join, Measure, RowIds, TimeUnit,
    dimension_column, measure_column,
};
pub use columns::{ColumnRole, NamedColumn};
pub use kind::JobKind;
pub use predicate::{Comparison, Pattern, Predicate};
pub use request::{CountOptions, Order, QueryOptions, ReadOptions, Request, RequestContext};
pub use rules::OptionRules;
#[cfg(test)]
pub(crate) use rules::RULES;
pub(crate) use target::is_identifier;
pub use target::{Target, parts_of_name, schema_and_table, whole_name};
