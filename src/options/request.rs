//! One job's question.

use serde_json::Value;

use crate::error::JobError;
use crate::limits;
use crate::options::fields::Options;
use crate::options::filter::{FilterOf, parse_filter};
use crate::options::order::parse_order;
use crate::options::{AggregateOptions, JobKind, OptionRules, Predicate, Target};

/// What parsing needs to know besides the options, for its error messages.
#[derive(Debug, Clone, Copy)]
pub struct RequestContext<'a> {
    /// The bridge's rules.
    pub rules: &'a OptionRules,
    /// The job's target.
    pub target: &'a str,
}

impl RequestContext<'_> {
    fn target(&self) -> Result<Target, JobError> {
        (self.rules.target)(self.target)
    }
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
    /// The target.
    pub target: Target,
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
    /// What is shown nothing of, though all is asked for. Only bridges without a catalog get any.
    pub hidden: Vec<String>,
}

/// Options of `query` and `batchRead`.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryOptions {
    /// The target.
    pub target: Target,
    /// The filter.
    pub filter: Predicate,
    /// The order, most significant first.
    pub order: Vec<Order>,
    /// Most rows to return.
    pub limit: Option<u64>,
    /// Rows to skip; none in a `batchRead`.
    pub offset: Option<u64>,
    /// Columns to show; all of them when `None`.
    pub select: Option<Vec<String>>,
    /// What is shown nothing of, though all is asked for. Only bridges without a catalog get any.
    pub hidden: Vec<String>,
}

/// Options of `count`.
#[derive(Debug, Clone, PartialEq)]
pub struct CountOptions {
    /// The target.
    pub target: Target,
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
    BatchRead(QueryOptions),
    /// A number of rows.
    Count(CountOptions),
    /// Buckets with their measures.
    Aggregate(Box<AggregateOptions>),
    /// The targets of the source.
    ListTargets,
    /// Columns and row count of one target.
    IntrospectTarget(Target),
    /// Does the source answer?
    Test,
    /// What may the database role do beyond reading? No job asks this; `doctor` does.
    Privileges,
}

impl Request {
    /// Parses a job. Unknown options are ignored, null counts as absent.
    ///
    /// # Errors
    /// `UNSUPPORTED_KIND` for a kind no bridge answers, `INVALID_OPTIONS` with the JSON path,
    /// `UNSUPPORTED_OPERATOR` and `INVALID_TARGET` in the official words.
    pub fn parse(
        kind: JobKind,
        target: &str,
        options: &Value,
        rules: &OptionRules,
    ) -> Result<Self, JobError> {
        let context = RequestContext { rules, target };
        match kind {
            JobKind::Read => ReadOptions::parse(Options::new(options)?, context).map(Self::Read),
            JobKind::Query => QueryOptions::parse(Options::new(options)?, context).map(Self::Query),
            JobKind::BatchRead => {
                QueryOptions::parse_batch(Options::new(options)?, context).map(Self::BatchRead)
            }
            JobKind::Count => CountOptions::parse(Options::new(options)?, context).map(Self::Count),
            JobKind::Aggregate => AggregateOptions::parse(Options::new(options)?, context)
                .map(|options| Self::Aggregate(Box::new(options))),
            JobKind::ListTargets => Ok(Self::ListTargets),
            JobKind::IntrospectTarget => (rules.target)(target).map(Self::IntrospectTarget),
            JobKind::Test => Ok(Self::Test),
            JobKind::Other => Err(JobError::unsupported_kind(rules.package, kind.as_str())),
        }
    }
}

impl ReadOptions {
    fn parse(options: Options<'_>, context: RequestContext<'_>) -> Result<Self, JobError> {
        Ok(Self {
            fields: options.columns("fields", context.rules)?,
            cursor: cursor(options, context.rules)?,
            limit: options.count("limit")?.unwrap_or(limits::READ_LIMIT),
            changed_since: changed_since(options)?,
            tracking_column: options
                .text("changeTrackingColumn")?
                .unwrap_or("updated_at")
                .to_owned(),
            hidden: Vec::new(),
            target: context.target()?,
        })
    }
}

/// A cursor is text, and where the bridge says so it must be the text it was given out as.
fn cursor(options: Options<'_>, rules: &OptionRules) -> Result<Option<String>, JobError> {
    match options.position("cursor")? {
        Some(_) if !rules.numeric_cursor && options.get("cursor").is_some_and(Value::is_number) => {
            Err(JobError::invalid_options(
                "options.cursor",
                "must be a string",
            ))
        }
        cursor => Ok(cursor),
    }
}

/// An instant is text on the wire; what JavaScript takes for false asks for nothing.
fn changed_since(options: Options<'_>) -> Result<Option<String>, JobError> {
    match options.get("changedSince") {
        Some(Value::Number(number)) if number.as_f64() != Some(0.0) => Err(
            JobError::invalid_options("options.changedSince", "must be an ISO 8601 text"),
        ),
        _ => options.position("changedSince"),
    }
}

impl QueryOptions {
    fn parse(options: Options<'_>, context: RequestContext<'_>) -> Result<Self, JobError> {
        let limit = options.count("limit")?;
        let offset = options.count("offset")?;
        if offset.is_some() && limit.is_none() && !context.rules.offset_alone {
            return Err(JobError::invalid_options(
                "options.offset",
                "needs a limit on this bridge",
            ));
        }
        Ok(Self {
            filter: filter(options, context, FilterOf::Rows)?,
            order: parse_order(options)?,
            limit,
            offset,
            select: options.columns("select", context.rules)?,
            hidden: Vec::new(),
            target: context.target()?,
        })
    }

    fn parse_batch(options: Options<'_>, context: RequestContext<'_>) -> Result<Self, JobError> {
        let select = match options.get("select") {
            Some(Value::String(all)) if all == "*" => None,
            _ => options.columns("select", context.rules)?,
        };
        Ok(Self {
            filter: filter(options, context, FilterOf::Rows)?,
            order: parse_order(options)?,
            limit: options.count("limit")?,
            offset: None,
            select,
            hidden: Vec::new(),
            target: context.target()?,
        })
    }

    /// The number of rows the filter lets through, when the `rows` that came back tell it: counting them
    /// would cost a scan.
    pub fn known_total(&self, rows: u64) -> Option<u64> {
        let offset = self.offset.unwrap_or(0);
        let complete = self.limit.is_none_or(|limit| rows < limit);
        // An empty page may lie far beyond the last row.
        (complete && (rows > 0 || offset == 0)).then(|| offset.saturating_add(rows))
    }
}

impl CountOptions {
    fn parse(options: Options<'_>, context: RequestContext<'_>) -> Result<Self, JobError> {
        Ok(Self {
            filter: filter(options, context, FilterOf::Count)?,
            target: context.target()?,
        })
    }
}

fn filter(
    options: Options<'_>,
    context: RequestContext<'_>,
    of: FilterOf,
) -> Result<Predicate, JobError> {
    parse_filter(options.get("where"), "options.where", context, of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::options::RULES;
    use serde_json::json;

    fn parse(kind: &str, options: Value) -> Result<Request, JobError> {
        Request::parse(JobKind::of(kind), "people", &options, &RULES)
    }

    #[test]
    fn absent_options_have_their_defaults() {
        for options in [
            json!(null),
            json!({}),
            json!({"limit": null, "fields": null, "cursor": null, "changedSince": null,
                   "changeTrackingColumn": null, "where": 5, "unknown": true}),
        ] {
            assert_eq!(
                parse("read", options).unwrap(),
                Request::Read(ReadOptions {
                    fields: None,
                    cursor: None,
                    limit: 1000,
                    changed_since: None,
                    tracking_column: "updated_at".to_owned(),
                    hidden: Vec::new(),
                    target: Target::whole("people"),
                })
            );
        }
        assert!(parse("read", json!([])).is_err());
    }

    #[test]
    fn a_page_that_is_not_full_tells_the_total() {
        let total = |rows, limit: Value, offset: Value| match parse(
            "query",
            json!({"limit": limit, "offset": offset}),
        ) {
            Ok(Request::Query(options)) => options.known_total(rows),
            other => panic!("{other:?}"),
        };
        assert_eq!(total(1, json!(2), json!(4)), Some(5));
        assert_eq!(total(2, json!(2), json!(4)), None);
        assert_eq!(total(0, json!(2), json!(4)), None);
        assert_eq!(total(0, json!(2), json!(null)), Some(0));
        assert_eq!(total(7, json!(null), json!(null)), Some(7));
    }

    #[test]
    fn since_is_text() {
        let since = |value| match parse("read", json!({ "changedSince": value })) {
            Ok(Request::Read(read)) => Ok(read.changed_since),
            Ok(_) => panic!("not a read"),
            Err(error) => Err(error.code),
        };
        assert_eq!(since(json!("2025-01-01")), Ok(Some("2025-01-01".into())));
        assert_eq!(since(json!(0)), Ok(None));
        assert_eq!(since(json!(1e12)), Err(ErrorCode::InvalidOptions));
        assert_eq!(since(json!({})), Err(ErrorCode::InvalidOptions));
    }

    #[test]
    fn a_number_is_no_cursor_where_it_compares_as_one() {
        let options = json!({"cursor": 10});
        assert!(parse("read", options.clone()).is_ok());
        let rules = OptionRules {
            numeric_cursor: false,
            ..RULES
        };
        let read = |options| Request::parse(JobKind::Read, "t", &options, &rules);
        assert!(read(options).is_err());
        assert!(read(json!({"cursor": 0})).is_ok());
        assert!(read(json!({"cursor": "10"})).is_ok());
    }

    #[test]
    fn a_star_is_only_known_to_batch_read() {
        assert!(parse("batchRead", json!({"select": "*"})).is_ok());
        assert!(parse("batchRead", json!({"select": "id"})).is_err());
        assert!(parse("query", json!({"select": "*"})).is_err());
    }

    #[test]
    fn offset_alone_is_for_some() {
        let options = json!({"offset": 40});
        assert!(parse("query", options.clone()).is_err());
        let rules = OptionRules {
            offset_alone: true,
            ..RULES
        };
        assert!(Request::parse(JobKind::Query, "t", &options, &rules).is_ok());
        assert!(parse("query", json!({"limit": 1, "offset": 40})).is_ok());
        // batchRead has no offset, so it cannot be wrong.
        assert!(parse("batchRead", options).is_ok());
    }

    #[test]
    fn kinds_without_an_answer_are_refused() {
        for kind in ["search", "similar", "aggregat", ""] {
            let error = parse(kind, json!({})).unwrap_err();
            assert_eq!(error.code, ErrorCode::UnsupportedKind);
        }
        assert_eq!(parse("test", json!(5)).unwrap(), Request::Test);
    }
}
