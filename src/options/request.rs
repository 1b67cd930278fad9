//! One job's question.

use crate::options::Predicate;

/// What parsing needs to know besides the options, for its error messages.
#[derive(Debug, Clone, Copy)]
pub struct RequestContext<'a> {
    /// Package name of the bridge, such as `@semilayer/bridge-postgres`.
    pub bridge: &'a str,
    /// The job's target.
    pub target: &'a str,
}

/// One clause of an `orderBy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Column name as the job gave it.
    pub column: String,
    /// `desc`; anything else is ascending.
    pub descending: bool,
}

/// Options of `read`, the page-by-page walk of a whole target.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadOptions {
    /// Columns to show; all of them when `None`.
    pub fields: Option<Vec<String>>,
    /// Where the page before this one ended.
    pub cursor: Option<String>,
    /// Rows a page.
    pub limit: u64,
    /// Only rows whose tracking column is later than this ISO text.
    pub changed_since: Option<String>,
    /// The tracking column; the filter is dropped when the target has no such column.
    pub tracking_column: String,
}

/// Options of `query`.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryOptions {
    /// The filter.
    pub filter: Predicate,
    /// The order, most significant first.
    pub order: Vec<Order>,
    /// Most rows to return.
    pub limit: Option<u64>,
    /// Rows to skip.
    pub offset: Option<u64>,
    /// Columns to show; all of them when `None`.
    pub select: Option<Vec<String>>,
}

/// Options of `batchRead`.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchReadOptions {
    /// The filter.
    pub filter: Predicate,
    /// The order, most significant first.
    pub order: Vec<Order>,
    /// Most rows to return.
    pub limit: Option<u64>,
    /// Columns to show; all of them when `None` (absent or `'*'`).
    pub select: Option<Vec<String>>,
}

/// Options of `count`.
#[derive(Debug, Clone, PartialEq)]
pub struct CountOptions {
    /// The filter.
    pub filter: Predicate,
}

/// A job's kind with its options, parsed.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// A page of a walk over the whole target.
    Read(ReadOptions),
    /// Rows by filter, with the total.
    Query(QueryOptions),
    /// Rows by filter, without the total.
    BatchRead(BatchReadOptions),
    /// A number of rows.
    Count(CountOptions),
    /// The targets of the source.
    ListTargets,
    /// Columns and row count of one target.
    IntrospectTarget,
    /// Does the source answer?
    Test,
}
