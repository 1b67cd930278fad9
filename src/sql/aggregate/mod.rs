//! Statements of `aggregate`: one for the buckets, and one more for each `top_k`.
//!
//! All of them are nested alike. Innermost are the rows that count, with the value of every dimension (`d0`,
//! `d1` …) and of every measured column (`c0` …) under names of our own, so that each value of a job is bound
//! exactly once. Around it the rows are grouped; outermost are the conditions on buckets, and their order.
//! A `top_k` statement groups the same rows of the same snapshot by the same dimensions and lists them in
//! their order, so a bucket is told by its rank among all of them (`g`): comparing the dimensions' values
//! would not do, because which of several equal values stands for a group (`1.0` and `1.00`, `web` and `Web`)
//! is up to the database.

mod bucket;
mod measure;
mod rows;

pub use measure::RowOrder;

use crate::error::JobError;
use crate::job::NameRules;
use crate::options::{Aggregate, AggregateOptions, Bucket, Measure, Order};
use crate::options::{dimension_column, measure_column};
use crate::sql::{Builder, Dialect, Statement};

/// What a bridge knows of a column. The default is right where nothing needs to be said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ColumnFacts {
    /// Ready SQL after the column that makes it a time in UTC.
    pub utc: &'static str,
    /// Ready SQL after a value, so that it arrives in a form that the bridge reads.
    pub shown: &'static str,
    /// Ready SQL after the column where it is grouped or sorted by.
    pub grouped: &'static str,
    /// Ready SQL after a value on its way through a list, and after taking it out again.
    pub carried: (&'static str, &'static str),
}

/// The target or a joined table, as far as a bridge knows it.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Its name, quoted.
    pub name: String,
    /// Its columns; `None` where they are not known.
    pub columns: Option<Vec<(String, ColumnFacts)>>,
    /// What other columns need.
    pub others: ColumnFacts,
    /// Ready SQL of its key, by which `first` and `last` decide between equals.
    pub key: Vec<String>,
}

impl Table {
    fn column(&self, names: &NameRules, wanted: &str) -> Option<ColumnFacts> {
        let mut columns = self.columns.iter().flatten();
        columns
            .find(|(name, _)| names.is_column(name, wanted))
            .map(|(_, facts)| *facts)
    }
}

/// One aggregate, with what the bridge adds to its options.
#[derive(Clone, Copy)]
pub struct Aggregation<'a> {
    /// The language.
    pub dialect: &'a dyn Dialect,
    /// What is asked.
    pub options: &'a AggregateOptions,
    /// The target.
    pub table: &'a Table,
    /// The joined tables.
    pub joins: &'a [Table],
    /// When names of columns mean the same.
    pub names: &'a NameRules,
}

impl Aggregation<'_> {
    /// The statement of the buckets. Its columns: the dimensions, the number of rows, the measures that are
    /// not `top_k`, and, when there is one that is, the bucket's rank.
    ///
    /// # Errors
    /// Those of [`Builder::finish`].
    pub fn buckets(&self) -> Result<Statement, JobError> {
        let mut builder = Builder::new(self.dialect);
        builder.push("SELECT ");
        for (i, dimension) in self.options.dimensions.iter().enumerate() {
            let shown = match dimension.bucket {
                Bucket::Value => self.column_facts(dimension.join, &dimension.field).shown,
                _ => "",
            };
            builder.push(&format!("t.d{i}{shown}, "));
        }
        builder.push("t.n");
        for (i, measure) in self.single_measures() {
            let shown = self.facts(measure).shown;
            let shown = match measure.aggregate {
                Aggregate::Sum(_) | Aggregate::Minimum(_) | Aggregate::Maximum(_) => shown,
                Aggregate::First(_) | Aggregate::Last(_) => shown,
                _ => "",
            };
            builder.push(&format!(", t.m{i}{shown}"));
        }
        let ranked = self.options.top_k().next().is_some();
        if ranked {
            builder.push(", t.g");
        }
        builder.push(" FROM (SELECT ").push(&self.dimensions());
        builder.push("COUNT(*) AS n");
        for (i, measure) in self.single_measures() {
            builder.push(", ");
            self.measure(&mut builder, i, measure);
            builder.push(&format!(" AS {}", measure_column(i)));
        }
        if ranked {
            builder.push(", ").push(&self.rank());
        }
        builder.push(" FROM (");
        self.prepared_rows(&mut builder);
        builder.push(") AS s");
        self.group(&mut builder, None);
        builder
            .push(") AS t")
            .columns_computed()
            .filter(&self.options.having)
            .order(&self.order())
            .window(self.options.limit, None);
        builder.finish()
    }

    /// The statement of the lists of one `top_k`. Its columns: the place of a value in the list of its bucket,
    /// the value, how often it occurs. Buckets come in the order of their ranks, and each begins with place 1,
    /// where the count may be zero; equal counts come in the order of the values.
    ///
    /// # Errors
    /// Those of [`Builder::finish`].
    pub fn top_k(&self, measure: &Measure, column: &str, k: u64) -> Result<Statement, JobError> {
        let mut builder = Builder::new(self.dialect);
        let shown = self.column_facts(None, column).shown;
        let filtered = !measure.filter.is_always();
        let partition = match self.dimension_list("s.").as_str() {
            "" => String::new(),
            list => format!("PARTITION BY {list} "),
        };
        let dimensions = self.dimensions();
        builder.push(&format!(
            "SELECT t.r, t.v{shown}, t.n FROM (SELECT {dimensions}s.v, s.n, \
             ROW_NUMBER() OVER ({partition}ORDER BY s.n DESC, s.v) AS r FROM (SELECT {dimensions}s.v, {} AS n FROM (",
            self.dialect.counted(filtered.then_some("s.w")),
        ));
        self.rows_of_top_k(&mut builder, measure, column);
        builder.push(") AS s");
        self.group(&mut builder, Some("s.v"));
        builder
            .push(") AS s) AS t WHERE t.r <= ")
            .bind(k.into())
            .push(" ORDER BY ");
        for i in 0..self.options.dimensions.len() {
            builder.push(&format!("t.d{i}, "));
        }
        builder.push("t.r");
        builder.finish()
    }

    /// The measures with one value, with their places.
    fn single_measures(&self) -> impl Iterator<Item = (usize, &Measure)> {
        let measures = self.options.measures.iter().enumerate();
        measures.filter(|(_, measure)| !matches!(measure.aggregate, Aggregate::TopK { .. }))
    }

    /// What is known of a column of the target (`None`) or of a joined table.
    fn column_facts(&self, join: Option<usize>, column: &str) -> ColumnFacts {
        let table = match join {
            None => Some(self.table),
            Some(join) => self.joins.get(join),
        };
        table.map_or_else(ColumnFacts::default, |table| {
            table.column(self.names, column).unwrap_or(table.others)
        })
    }

    /// The joined table that a column is of, when the target has none of its name.
    fn owner(&self, column: &str) -> Option<usize> {
        let has = |table: &Table| table.column(self.names, column).is_some();
        if self.table.columns.is_none() || has(self.table) {
            return None;
        }
        self.joins.iter().position(has)
    }

    fn facts(&self, measure: &Measure) -> ColumnFacts {
        let column = measure.aggregate.column();
        column.map_or_else(ColumnFacts::default, |column| {
            self.column_facts(None, column)
        })
    }

    /// `s.d0, s.d1, `
    fn dimensions(&self) -> String {
        match self.dimension_list("s.").as_str() {
            "" => String::new(),
            list => format!("{list}, "),
        }
    }

    /// The dimensions' columns behind `prefix`, with commas between.
    fn dimension_list(&self, prefix: &str) -> String {
        let columns: Vec<_> = (0..self.options.dimensions.len())
            .map(|i| format!("{prefix}{}", dimension_column(i)))
            .collect();
        columns.join(", ")
    }

    /// The rank of a bucket among all of them, whatever `having` says.
    fn rank(&self) -> String {
        match self.dimension_list("s.").as_str() {
            "" => "1 AS g".to_owned(),
            list => format!("ROW_NUMBER() OVER (ORDER BY {list}) AS g"),
        }
    }

    /// Appends ` WHERE … GROUP BY …` over the rows called `s`.
    fn group(&self, builder: &mut Builder<'_>, also_by: Option<&str>) {
        let mut glue = " WHERE ";
        for (i, dimension) in self.options.dimensions.iter().enumerate() {
            // What lies outside all edges belongs to no bucket.
            if matches!(dimension.bucket, Bucket::Breaks(_)) {
                builder.push(glue).push(&format!("s.d{i} IS NOT NULL"));
                glue = " AND ";
            }
        }
        let list = self.dimension_list("s.");
        let by: Vec<_> = [list.as_str()]
            .into_iter()
            .chain(also_by)
            .filter(|column| !column.is_empty())
            .collect();
        if !by.is_empty() {
            builder.push(" GROUP BY ").push(&by.join(", "));
        }
    }

    /// The order asked for, with the dimensions deciding between equals, so that the same question has the
    /// same answer, and a limit the same buckets. Nothing where nothing was asked for.
    fn order(&self) -> Vec<Order> {
        let mut order = self.options.order.clone();
        if order.is_empty() && self.options.limit.is_none() {
            return order;
        }
        for column in (0..self.options.dimensions.len()).map(dimension_column) {
            if order.iter().all(|clause| clause.column != column) {
                order.push(Order {
                    column,
                    descending: false,
                });
            }
        }
        order
    }
}
