//! `changedSince`: documents whose tracking field is later. A field may hold a date, or full ISO text, which counts
//! by its time; anything else has no time and never matches.

use super::bson::{Bson, Fields, fields, list};
use super::filter::condition;
use super::instant::parse_since;
use super::path::{check_path, value_of};
use crate::error::JobError;
use crate::options::ReadOptions;

/// Full ISO text.
const ISO: &str = r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?\z";

/// The filter; `None` when nothing is asked.
pub fn changed_since(options: &ReadOptions) -> Result<Option<Fields>, JobError> {
    let Some(since) = &options.changed_since else {
        return Ok(None);
    };
    let column = options.tracking_column.as_str();
    check_path(column, "options.changeTrackingColumn")?;
    let since = parse_since(since)
        .ok_or_else(|| JobError::invalid_options("options.changedSince", "is not a date"))?;
    let since = Bson::Date(since);
    let is_text = fields! { "$eq": list![fields! { "$type": value_of(column) }, "string"] };
    let time = fields! {
        "$dateFromString": fields! { "dateString": value_of(column), "onError": Bson::Null, "onNull": Bson::Null },
    };
    // In what order conditions are looked at is the server's choice, so the conversion guards itself.
    let time = fields! { "$cond": list![is_text, time, Bson::Null] };
    let text = fields! {
        "$and": list![
            condition(column, "$regex", Bson::Regex(ISO.to_owned(), "")),
            fields! { "$expr": fields! { "$gt": list![time, since.clone()] } },
        ],
    };
    Ok(Some(
        fields! { "$or": list![condition(column, "$gt", since), text] },
    ))
}
