//! What a measure is in each language.

use crate::options::{Aggregate, Measure};
use crate::sql::aggregate::Aggregation;
use crate::sql::{Builder, Dialect};

/// An order of rows, in which NULL counts as greater than everything, whatever the database.
pub struct RowOrder {
    /// Ready SQL, most significant first.
    pub columns: Vec<String>,
    /// The greatest comes first.
    pub last: bool,
}

impl RowOrder {
    /// As the clauses of an ORDER BY.
    pub fn sql(&self, dialect: &dyn Dialect) -> String {
        let clauses = self.columns.iter();
        let clauses: Vec<_> = clauses
            .map(|column| dialect.nulls_greatest(column, self.last))
            .collect();
        clauses.join(", ")
    }
}

impl Aggregation<'_> {
    /// Appends a measure of a group.
    pub(super) fn measure(&self, builder: &mut Builder<'_>, i: usize, measure: &Measure) {
        let condition = (!measure.filter.is_always()).then(|| format!("s.w{i}"));
        let condition = condition.as_deref();
        let value = format!("s.c{i}");
        let call = |builder: &mut Builder<'_>, function| {
            builder.push(&self.dialect.call(function, &value, condition));
        };
        match &measure.aggregate {
            Aggregate::Count => {
                builder.push(&self.dialect.counted(condition));
            }
            Aggregate::CountDistinct(_) => call(builder, "COUNT(DISTINCT "),
            Aggregate::Sum(_) => call(builder, "SUM("),
            Aggregate::Average(_) => call(builder, "AVG("),
            Aggregate::Minimum(_) => call(builder, "MIN("),
            Aggregate::Maximum(_) => call(builder, "MAX("),
            Aggregate::Percentile { p, .. } if self.dialect.has_ordered_aggregates() => {
                self.dialect.percentile(builder, *p, &value, condition);
            }
            Aggregate::Percentile { .. } => {
                let at = |row: String| format!("MAX(CASE WHEN s.r{i} = {row} THEN s.v{i} END)");
                let (low, high) = (
                    at(format!("1 + s.y{i}")),
                    at(format!("1 + s.y{i} + (s.x{i} > s.y{i})")),
                );
                builder.push(&format!("{low} + MAX(s.x{i} - s.y{i}) * ({high} - {low})"));
            }
            Aggregate::First(_) | Aggregate::Last(_) if self.dialect.has_ordered_aggregates() => {
                let order = self.row_order(i, measure);
                let facts = self.facts(measure);
                builder.push(&self.dialect.first_value(&value, facts, &order, condition));
            }
            // Every row of the group has the same.
            Aggregate::First(_) | Aggregate::Last(_) => {
                builder.push(&format!("s.f{i}"));
            }
            Aggregate::TopK { .. } => {}
        }
    }

    /// Appends what a row must know of its neighbours for this measure.
    pub(super) fn window(&self, builder: &mut Builder<'_>, i: usize, measure: &Measure) {
        let partition = match self.dimension_list("s.").as_str() {
            "" => String::new(),
            list => format!("PARTITION BY {list}"),
        };
        let filtered = !measure.filter.is_always();
        let value = if filtered {
            format!("CASE WHEN s.w{i} THEN s.c{i} END")
        } else {
            format!("s.c{i}")
        };
        if let Aggregate::Percentile { p, .. } = &measure.aggregate {
            // The values stand in rows 1 to n; the one looked for is in row 1 + x, and y is x without its
            // fraction.
            builder.push(&format!(
                "{value} AS v{i}, ROW_NUMBER() OVER ({partition} ORDER BY {value} IS NULL, {value}) AS r{i}, "
            ));
            let place = format!(" * (COUNT({value}) OVER ({partition}) - 1)");
            builder
                .bind((*p).into())
                .push(&place)
                .push(&format!(" AS x{i}, "));
            let (before, after) = self.dialect.floor();
            builder
                .push(before)
                .bind((*p).into())
                .push(&place)
                .push(after);
            builder.push(&format!(" AS y{i}"));
            return;
        }
        let matching = if filtered {
            format!("CASE WHEN s.w{i} THEN 0 ELSE 1 END, ")
        } else {
            String::new()
        };
        let order = self.row_order(i, measure).sql(self.dialect);
        builder.push(&format!(
            "FIRST_VALUE({value}) OVER ({partition} ORDER BY {matching}{order}) AS f{i}"
        ));
    }

    /// The order in which the row of a `first` or `last` comes first: by the tracking column, then by the key.
    /// Without a key, equals are told apart by the value itself.
    fn row_order(&self, i: usize, measure: &Measure) -> RowOrder {
        let own = format!("s.c{i}{}", self.facts(measure).grouped);
        let mut columns = vec![match &self.options.tracking_column {
            Some(_) => "s.o".to_owned(),
            None => own.clone(),
        }];
        if self.table.key.is_empty() && self.options.tracking_column.is_some() {
            columns.push(self.dialect.sortable(own));
        }
        columns.extend((0..self.table.key.len()).map(|i| format!("s.k{i}")));
        RowOrder {
            columns,
            last: matches!(measure.aggregate, Aggregate::Last(_)),
        }
    }
}
