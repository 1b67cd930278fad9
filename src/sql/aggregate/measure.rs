//! What a measure is in each language.

use crate::options::{Aggregate, Measure};
use crate::sql::aggregate::Aggregation;
use crate::sql::{Builder, Dialect};

impl Aggregation<'_> {
    /// A measured column among the rows.
    pub(super) fn measured(&self, column: &str, aggregate: &Aggregate) -> String {
        let column = self.dialect.column(column);
        match (aggregate, self.dialect) {
            // As on PostgreSQL, percentiles are of doubles.
            (Aggregate::Percentile { .. }, Dialect::MySql) => format!("({column} + 0e0)"),
            (Aggregate::Percentile { .. }, Dialect::Sqlite) => format!("CAST({column} AS REAL)"),
            (Aggregate::Percentile { .. }, Dialect::Postgres) if self.percentile_of_doubles => {
                format!("{column}::float8")
            }
            _ => column,
        }
    }

    /// Appends a measure of a group.
    pub(super) fn measure(&self, builder: &mut Builder, i: usize, measure: &Measure) {
        let condition = (!measure.filter.is_always()).then(|| format!("s.w{i}"));
        let condition = condition.as_deref();
        match &measure.aggregate {
            Aggregate::Count => {
                builder.push(&self.counted(condition));
            }
            Aggregate::CountDistinct(_) => self.call(builder, "COUNT(DISTINCT ", i, condition),
            Aggregate::Sum(_) => self.call(builder, "SUM(", i, condition),
            Aggregate::Average(_) => self.call(builder, "AVG(", i, condition),
            Aggregate::Minimum(_) => self.call(builder, "MIN(", i, condition),
            Aggregate::Maximum(_) => self.call(builder, "MAX(", i, condition),
            Aggregate::Percentile { p, .. } if self.dialect == Dialect::Postgres => {
                builder.push("percentile_cont(").bind((*p).into());
                builder.push(&format!(") WITHIN GROUP (ORDER BY s.c{i})"));
                builder.push(&filter_clause(condition));
            }
            Aggregate::Percentile { .. } => {
                let at = |row: String| format!("MAX(CASE WHEN s.r{i} = {row} THEN s.v{i} END)");
                let (low, high) = (
                    at(format!("1 + s.y{i}")),
                    at(format!("1 + s.y{i} + (s.x{i} > s.y{i})")),
                );
                builder.push(&format!("{low} + MAX(s.x{i} - s.y{i}) * ({high} - {low})"));
            }
            Aggregate::First(_) | Aggregate::Last(_) if self.dialect == Dialect::Postgres => {
                let (carry, back) = self.facts(measure).carried;
                let order = self.row_order(i, measure);
                builder.push(&format!("((array_agg(s.c{i}{carry} ORDER BY {order})"));
                builder.push(&filter_clause(condition));
                builder.push(&format!(")[1]){back}"));
            }
            // Every row of the group has the same.
            Aggregate::First(_) | Aggregate::Last(_) => {
                builder.push(&format!("s.f{i}"));
            }
            Aggregate::TopK { .. } => {}
        }
    }

    /// The number of rows for which a condition holds.
    pub(super) fn counted(&self, condition: Option<&str>) -> String {
        match (condition, self.dialect) {
            (Some(condition), Dialect::MySql | Dialect::Sqlite) => {
                format!("COUNT(CASE WHEN {condition} THEN 1 END)")
            }
            (condition, _) => format!("COUNT(*){}", filter_clause(condition)),
        }
    }

    /// Appends an aggregate function of the measured column.
    fn call(&self, builder: &mut Builder, function: &str, i: usize, condition: Option<&str>) {
        let text = match (condition, self.dialect) {
            (Some(condition), Dialect::MySql | Dialect::Sqlite) => {
                // The official sum over no rows is zero where there is no FILTER.
                let otherwise = if function == "SUM(" { " ELSE 0" } else { "" };
                format!("{function}CASE WHEN {condition} THEN s.c{i}{otherwise} END)")
            }
            (condition, _) => format!("{function}s.c{i}){}", filter_clause(condition)),
        };
        builder.push(&text);
    }

    /// Appends what a row must know of its neighbours for this measure.
    pub(super) fn window(&self, builder: &mut Builder, i: usize, measure: &Measure) {
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
            let (before, after) = match self.dialect {
                Dialect::Sqlite => ("CAST(", " AS INTEGER)"),
                _ => ("FLOOR(", ")"),
            };
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
        let order = self.row_order(i, measure);
        builder.push(&format!(
            "FIRST_VALUE({value}) OVER ({partition} ORDER BY {matching}{order}) AS f{i}"
        ));
    }

    /// The order in which the row of a `first` or `last` comes first: by the tracking column, then by the
    /// key. NULL counts as greater than everything, as on PostgreSQL. Without a key, equals are told apart by
    /// the value itself.
    fn row_order(&self, i: usize, measure: &Measure) -> String {
        let last = matches!(measure.aggregate, Aggregate::Last(_));
        let own = format!("s.c{i}{}", self.facts(measure).grouped);
        let mut columns = vec![match &self.options.tracking_column {
            Some(_) => "s.o".to_owned(),
            None => own.clone(),
        }];
        if self.key.is_empty() && self.options.tracking_column.is_some() {
            columns.push(match self.dialect {
                // Not every type of PostgreSQL has an order; its text has.
                Dialect::Postgres => format!("s.c{i}::text"),
                Dialect::MySql | Dialect::Sqlite => own,
            });
        }
        columns.extend((0..self.key.len()).map(|i| format!("s.k{i}")));
        let direction = if last { "DESC" } else { "ASC" };
        let clauses: Vec<_> = columns
            .into_iter()
            .map(|column| match self.dialect {
                Dialect::Postgres | Dialect::Sqlite => {
                    let nulls = if last { "FIRST" } else { "LAST" };
                    format!("{column} {direction} NULLS {nulls}")
                }
                Dialect::MySql => format!("{column} IS NULL {direction}, {column} {direction}"),
            })
            .collect();
        clauses.join(", ")
    }
}

fn filter_clause(condition: Option<&str>) -> String {
    condition.map_or_else(String::new, |condition| {
        format!(" FILTER (WHERE {condition})")
    })
}
