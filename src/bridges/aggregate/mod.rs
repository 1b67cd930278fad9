//! Answering `aggregate`: what is the same for every database. The statements are made by `sql`; the bridges
//! run them and say what the values of their rows are.

mod bucket;
mod geohash;
mod top_k;

use crate::error::JobError;
use crate::job::RowSink;
use crate::options::TimeUnit;
use crate::sql::{Aggregation, Statement};

pub(crate) use geohash::check_geohash;

use bucket::BucketWriter;
use top_k::Lists;

/// A row of an aggregate's statement, on any database.
pub(crate) trait Values {
    /// Appends the value as rows show it.
    fn write(&self, out: &mut String, column: usize) -> Result<(), JobError>;

    /// Appends the value as JavaScript's `Number(x)` has it; `null` for NULL and what is not finite.
    fn write_number(&self, out: &mut String, column: usize) -> Result<(), JobError>;

    /// Appends the label of a time bucket.
    fn write_time(&self, out: &mut String, column: usize, unit: TimeUnit) -> Result<(), JobError>;

    /// The value as JavaScript's `String(x)` has it.
    fn text(&self, column: usize) -> Result<String, JobError>;

    /// A number of rows, or a rank.
    fn whole(&self, column: usize) -> Result<u64, JobError>;
}

/// Runs a statement and hands over its rows.
pub(crate) trait Statements {
    /// Calls `each` with every row, as the database sends them.
    fn rows(
        &mut self,
        statement: &Statement,
        each: &mut dyn FnMut(&dyn Values) -> Result<(), JobError>,
    ) -> Result<(), JobError>;
}

/// Answers an aggregate. The lists of each `top_k` come first and are kept, as compact as they can be, by the
/// rank of their bucket; then the buckets go from the database's stream straight into the frames. The other
/// way round, or with both side by side, the buckets would have to be kept, or every database asked for
/// them in the order of their dimensions, whatever order the job wants.
pub(crate) fn answer(
    aggregation: &Aggregation<'_>,
    database: &mut dyn Statements,
    sink: &mut RowSink,
) -> Result<(), JobError> {
    let options = aggregation.options;
    let mut lists = Vec::new();
    for (_, measure, column, k) in options.top_k() {
        let mut list = Lists::new(&measure.name);
        if k > 0 {
            let used = lists.iter().map(Lists::bytes).sum();
            let statement = aggregation.top_k(measure, column, k);
            database.rows(&statement, &mut |row| {
                if row.whole(0)? == 1 {
                    list.open(used)?;
                }
                match row.whole(2)? {
                    // No row of this bucket passes the measure's filter.
                    0 => Ok(()),
                    count => list.push(&row.text(1)?, count, used),
                }
            })?;
        }
        lists.push(list);
    }
    let writer = BucketWriter::new(options, &lists);
    database.rows(&aggregation.buckets(), &mut |row| {
        sink.row(|out| writer.write(out, row))
    })
}
