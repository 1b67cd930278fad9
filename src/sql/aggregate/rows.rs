//! The rows that an aggregate is of: dimensions and measured columns under names of our own.

use std::collections::HashMap;

use crate::options::{Aggregate, Bucket, GeoPlace, Measure, Predicate};
use crate::sql::Builder;
use crate::sql::aggregate::Aggregation;

impl Aggregation<'_> {
    /// Appends the rows of the buckets, with what must be known of the neighbours of a row: which is the
    /// first, where it stands in the order of a column. Some languages have aggregates for that.
    pub(super) fn prepared_rows(&self, builder: &mut Builder<'_>) {
        let windows: Vec<_> = self
            .single_measures()
            .filter(|(_, measure)| {
                let of_rows = measure.aggregate.is_of_one_row()
                    || matches!(measure.aggregate, Aggregate::Percentile { .. });
                of_rows && !self.dialect.has_ordered_aggregates()
            })
            .collect();
        if windows.is_empty() {
            return self.rows(builder);
        }
        builder.push("SELECT s.*");
        for (i, measure) in windows {
            builder.push(", ");
            self.window(builder, i, measure);
        }
        builder.push(" FROM (");
        self.rows(builder);
        builder.push(") AS s");
    }

    /// Appends the rows of the buckets.
    fn rows(&self, builder: &mut Builder<'_>) {
        builder.push("SELECT 1 AS one");
        self.dimension_values(builder);
        for (i, measure) in self.single_measures() {
            if let Some(column) = measure.aggregate.column() {
                let column = self.dialect.column(column);
                let column = self.dialect.measured(column, &measure.aggregate);
                builder.push(&format!(", {column} AS c{i}"));
            }
            if !measure.filter.is_always() {
                builder.push(", ");
                self.predicate(builder, &measure.filter);
                builder.push(&format!(" AS w{i}"));
            }
        }
        if self
            .single_measures()
            .any(|(_, m)| m.aggregate.is_of_one_row())
        {
            if let Some(column) = &self.options.tracking_column {
                builder.push(", ").column(column).push(" AS o");
            }
            for (i, column) in self.table.key.iter().enumerate() {
                builder.push(&format!(", {column} AS k{i}"));
            }
        }
        self.tables(builder);
    }

    /// Appends the rows of one `top_k`.
    pub(super) fn rows_of_top_k(&self, builder: &mut Builder<'_>, measure: &Measure, column: &str) {
        let grouped = self.column_facts(None, column).grouped;
        builder
            .push("SELECT ")
            .column(column)
            .push(grouped)
            .push(" AS v");
        if !measure.filter.is_always() {
            builder.push(", ");
            self.predicate(builder, &measure.filter);
            builder.push(" AS w");
        }
        self.dimension_values(builder);
        self.tables(builder);
    }

    fn dimension_values(&self, builder: &mut Builder<'_>) {
        for (i, dimension) in self.options.dimensions.iter().enumerate() {
            builder.push(", ");
            self.bucket(builder, dimension);
            builder.push(&format!(" AS d{i}"));
        }
    }

    /// Appends the tables and the filter.
    fn tables(&self, builder: &mut Builder<'_>) {
        builder.from(&self.table.name);
        if let Some(part) = self.options.sample {
            self.dialect.sample(builder, part);
        }
        for (i, (join, table)) in self.options.joins.iter().zip(self.joins).enumerate() {
            let (local, foreign) = (
                self.dialect.column(&join.local),
                self.dialect.quote(&join.foreign),
            );
            builder.push(&format!(
                " LEFT JOIN {} AS j{i} ON {local} = j{i}.{foreign}",
                table.name
            ));
        }
        let mut glue = " WHERE ";
        if !self.options.filter.is_always() {
            builder.push(glue);
            self.predicate(builder, &self.options.filter);
            glue = " AND ";
        }
        for dimension in &self.options.dimensions {
            let columns = match &dimension.bucket {
                Bucket::Geohash { place, .. } | Bucket::H3 { place, .. } => match place {
                    GeoPlace::Degrees {
                        latitude,
                        longitude,
                    } => vec![latitude, longitude],
                    GeoPlace::Point(column) => vec![column],
                },
                _ => vec![&dimension.field],
            };
            for column in columns {
                let column = self.column(dimension.join, column);
                builder.push(glue).push(&column).push(" IS NOT NULL");
                glue = " AND ";
            }
        }
    }

    /// Appends a filter. Columns are the target's own; one it does not have may be a joined table's.
    fn predicate(&self, builder: &mut Builder<'_>, predicate: &Predicate) {
        let mut elsewhere = HashMap::new();
        if !self.joins.is_empty() {
            predicate.for_each_column(&mut |column| {
                if let Some(join) = self.owner(column) {
                    elsewhere.insert(column.to_owned(), format!("j{join}"));
                }
            });
        }
        builder
            .columns_elsewhere(elsewhere)
            .predicate(predicate)
            .columns_elsewhere(HashMap::new());
    }

    /// A column of the target, or of a joined table.
    pub(super) fn column(&self, join: Option<usize>, column: &str) -> String {
        match join {
            None => self.dialect.column(column),
            Some(join) => format!("j{join}.{}", self.dialect.quote(column)),
        }
    }
}
