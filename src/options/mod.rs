//! What a job asks for, as types. A job's JSON is parsed into these before any SQL is built; what does not
//! parse is refused with `INVALID_OPTIONS` and the JSON path.

mod aggregate;
mod columns;
mod fields;
mod filter;
mod kind;
mod order;
mod predicate;
mod request;

pub use aggregate::{
    Aggregate, AggregateOptions, Bucket, Dimension, GeoPlace, Join, Measure, TimeUnit,
    dimension_column, measure_column,
};
pub use columns::{ColumnRole, NamedColumn};
pub(crate) use fields::is_identifier;
pub use kind::JobKind;
pub use predicate::{Comparison, Pattern, Predicate};
pub use request::{CountOptions, Order, QueryOptions, ReadOptions, Request, RequestContext};
