//! Answering `aggregate`. The statements are made by `sql`; sessions run them and say what the values of their rows
//! are.

mod bucket;
mod geohash;
mod top_k;

use crate::bridges::sql::Needs;
use crate::bridges::sql::answer::Answer;
use crate::error::JobError;
use crate::limits;
use crate::options::AggregateOptions;
use crate::sql::{Aggregation, Table};

pub(super) use geohash::check_geohash;

use bucket::BucketWriter;
use top_k::Lists;

impl Answer<'_> {
    /// Buckets of rows.
    pub(super) fn aggregate(&mut self, options: &AggregateOptions) -> Result<(), JobError> {
        let answered = if options.needs_snapshot() {
            self.session.begin_snapshot()?;
            let answered = self.buckets(options);
            // A failed statement ends in the same rollback; a dead connection needs none.
            let ended = self.session.end_snapshot();
            answered.and(ended)
        } else {
            self.buckets(options)
        };
        answered.inspect_err(|_| self.session.forget(&options.target))
    }

    /// The lists of each `top_k` come first and are kept, as compact as they can be, by the rank of their bucket;
    /// then the buckets go from the database's stream straight into the frames. The other way round, or with both
    /// side by side, the buckets would have to be kept, or every database asked for them in the order of their
    /// dimensions, whatever order the job wants.
    fn buckets(&mut self, options: &AggregateOptions) -> Result<(), JobError> {
        let list = self.session.prepare_aggregate(options)?;
        let tables = self.tables(options)?;
        let mut lists = Vec::new();
        for (_, measure, column, k) in options.top_k() {
            let mut of_buckets = Lists::new(&measure.name);
            if k > 0 {
                let used = lists.iter().map(Lists::bytes).sum();
                let statement = self
                    .aggregation(options, &tables)
                    .top_k(measure, column, k)?;
                let sink = &mut *self.sink;
                self.session.rows(&statement, &*list, &mut |row| {
                    if row.whole(0)? == 1 {
                        of_buckets.open(used)?;
                    }
                    match row.whole(2)? {
                        // No row of this bucket passes the measure's filter.
                        0 => Ok(()),
                        count => {
                            sink.member()?;
                            if used + of_buckets.bytes() > limits::LARGE_ROW {
                                sink.hold_large()?;
                            }
                            of_buckets.push(&row.text(1)?, count, used)
                        }
                    }
                })?;
            }
            lists.push(of_buckets);
        }
        let writer = BucketWriter::new(options, &lists);
        let statement = self.aggregation(options, &tables).buckets()?;
        let sink = &mut *self.sink;
        self.session.rows(&statement, &*list, &mut |row| {
            sink.row(|out| writer.write(out, row))
        })
    }

    /// What must be known of the target and of the joined tables.
    fn tables(&mut self, options: &AggregateOptions) -> Result<(Table, Vec<Table>), JobError> {
        let columns = !options.joins.is_empty();
        let key = options.measures.iter().any(|m| m.aggregate.is_of_one_row());
        let own = Needs {
            columns,
            key,
            joined: false,
        };
        let table = self.session.table(&options.target, own)?;
        let joined = Needs {
            columns,
            key: false,
            joined: true,
        };
        let joins = options.joins.iter();
        let joins = joins.map(|join| self.session.table(&join.target, joined));
        Ok((table, joins.collect::<Result<_, _>>()?))
    }

    fn aggregation<'a>(
        &'a self,
        options: &'a AggregateOptions,
        (table, joins): &'a (Table, Vec<Table>),
    ) -> Aggregation<'a> {
        Aggregation {
            dialect: self.session.dialect(),
            options,
            table,
            joins,
            names: self.names,
        }
    }
}
