//! `aggregate`, as one pipeline.
//!
//! * `pipeline`: all of it: the groups, what is told of them, which are shown
//! * `dimension`: what documents are grouped by
//! * `measure`: what is told of a group
//! * `row`: a group as JSON

mod dimension;
mod measure;
mod pipeline;
mod row;

use super::answer;
use super::session::Operation;
use crate::error::{ErrorCode, JobError};
use crate::job::{RowSink, Summary};
use crate::options::AggregateOptions;
use pipeline::pipeline;
use row::GroupWriter;

/// Answers an aggregate.
pub fn aggregate(
    operation: &mut Operation<'_>,
    options: &AggregateOptions,
    sink: &mut RowSink,
) -> Result<Summary, JobError> {
    if !options.joins.is_empty() {
        let problem = "this bridge joins no collections";
        return Err(JobError::new(ErrorCode::UnsupportedOperator, problem));
    }
    let target = &options.target;
    let pipeline = pipeline(target.table(), options)?;
    if options.limit == Some(0) {
        return Ok(Summary::default());
    }
    let writer = GroupWriter::new(options);
    let command = answer::aggregate(target, pipeline);
    operation.documents(target.table(), command, &mut |group| {
        sink.row(|out| writer.write(out, group))
    })?;
    Ok(Summary::default())
}
