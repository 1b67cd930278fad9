//! Every column a job names, wherever it names it: for whoever decides which columns a job may touch, and for
//! the record of what it touched. All fields are spelled out, so that a new option cannot be forgotten here.

use crate::options::{
    Aggregate, AggregateOptions, Bucket, CountOptions, Dimension, GeoPlace, Join, Measure, Order,
    Predicate, QueryOptions, ReadOptions, Request, RowIds, Target,
};

/// What a column is named for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnRole {
    /// Its values, or what is made of them, are in the answer.
    Shown,
    /// A filter.
    Filter,
    /// The order of rows.
    Order,
    /// What `changedSince` or `first` and `last` go by. Ignored by bridges when there is no such column.
    Tracking,
}

/// A column as a job names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedColumn<'a> {
    /// Its name.
    pub name: &'a str,
    /// What for.
    pub role: ColumnRole,
    /// Which of the joined tables it is of; the target itself when `None`.
    pub join: Option<usize>,
}

impl Request {
    /// Calls `visit` with every column that the job names.
    pub fn visit_columns<'a>(&'a self, visit: &mut dyn FnMut(NamedColumn<'a>)) {
        match self {
            Self::Read(ReadOptions {
                fields,
                cursor: _,
                limit: _,
                changed_since,
                tracking_column,
                target: _,
                hidden: _,
            }) => {
                shown(fields.as_deref(), visit);
                if changed_since.is_some() {
                    visit(NamedColumn {
                        name: tracking_column,
                        role: ColumnRole::Tracking,
                        join: None,
                    });
                }
            }
            Self::Query(options) | Self::BatchRead(options) => {
                let QueryOptions {
                    filter,
                    order,
                    limit: _,
                    offset: _,
                    select,
                    target: _,
                    hidden: _,
                } = options;
                shown(select.as_deref(), visit);
                filtered(filter, visit);
                ordered(order, visit);
            }
            Self::Count(CountOptions { filter, target: _ }) => filtered(filter, visit),
            Self::Aggregate(options) => aggregated(options, visit),
            Self::ListTargets | Self::IntrospectTarget(_) | Self::Test | Self::Privileges => {}
        }
    }

    /// Every target of the job: its own, and then those it joins, in their order.
    pub fn targets(&self) -> Vec<&Target> {
        match self {
            Self::Read(options) => vec![&options.target],
            Self::Query(options) | Self::BatchRead(options) => vec![&options.target],
            Self::Count(options) => vec![&options.target],
            Self::IntrospectTarget(target) => vec![target],
            Self::Aggregate(options) => {
                let joined = options.joins.iter().map(|join| &join.target);
                std::iter::once(&options.target).chain(joined).collect()
            }
            Self::ListTargets | Self::Test | Self::Privileges => Vec::new(),
        }
    }

    /// The list of columns to show, for the kinds that have one: `None` in it stands for all.
    pub fn shown_columns(&mut self) -> Option<&mut Option<Vec<String>>> {
        match self {
            Self::Read(options) => Some(&mut options.fields),
            Self::Query(options) => Some(&mut options.select),
            Self::BatchRead(options) => Some(&mut options.select),
            _ => None,
        }
    }

    /// The names of which nothing is shown, for the kinds that show rows.
    pub fn hidden(&mut self) -> Option<&mut Vec<String>> {
        match self {
            Self::Read(options) => Some(&mut options.hidden),
            Self::Query(options) | Self::BatchRead(options) => Some(&mut options.hidden),
            _ => None,
        }
    }

    /// True when the answer shows every column of the target.
    pub fn shows_all(&self) -> bool {
        match self {
            Self::Read(options) => options.fields.is_none(),
            Self::Query(options) => options.select.is_none(),
            Self::BatchRead(options) => options.select.is_none(),
            _ => false,
        }
    }

    /// The filter over the target's rows, for the kinds that have one.
    pub fn filter(&self) -> Option<&Predicate> {
        match self {
            Self::Query(options) => Some(&options.filter),
            Self::BatchRead(options) => Some(&options.filter),
            Self::Count(options) => Some(&options.filter),
            Self::Aggregate(options) => Some(&options.filter),
            _ => None,
        }
    }
}

fn aggregated<'a>(options: &'a AggregateOptions, visit: &mut dyn FnMut(NamedColumn<'a>)) {
    let AggregateOptions {
        target: _,
        named: _,
        dimensions,
        measures,
        filter,
        ids,
        // These name what the answer shows, not columns.
        having: _,
        order: _,
        limit: _,
        sample: _,
        tracking_column,
        joins,
    } = options;
    filtered(filter, visit);
    if let Some(RowIds {
        texts: _,
        field,
        key,
    }) = ids
    {
        for name in [field, key] {
            visit(NamedColumn {
                name,
                role: ColumnRole::Filter,
                join: None,
            });
        }
    }
    for Dimension {
        field,
        name: _,
        join,
        bucket,
    } in dimensions
    {
        let mut named = |name| {
            visit(NamedColumn {
                name,
                role: ColumnRole::Shown,
                join: *join,
            });
        };
        match bucket {
            Bucket::Geohash {
                place,
                precision: _,
            }
            | Bucket::H3 {
                place,
                resolution: _,
            } => match place {
                GeoPlace::Degrees {
                    latitude,
                    longitude,
                } => {
                    named(latitude);
                    named(longitude);
                }
                GeoPlace::Point(column) => named(column),
            },
            Bucket::Value | Bucket::Time(_) | Bucket::Step(_) | Bucket::Breaks(_) => named(field),
        }
    }
    for Measure {
        name: _,
        aggregate,
        filter,
    } in measures
    {
        filtered(filter, visit);
        match aggregate {
            Aggregate::Count => {}
            Aggregate::CountDistinct(name)
            | Aggregate::Sum(name)
            | Aggregate::Average(name)
            | Aggregate::Minimum(name)
            | Aggregate::Maximum(name)
            | Aggregate::Percentile { column: name, p: _ }
            | Aggregate::TopK { column: name, k: _ }
            | Aggregate::First(name)
            | Aggregate::Last(name) => visit(NamedColumn {
                name,
                role: ColumnRole::Shown,
                join: None,
            }),
        }
    }
    if let Some(name) = tracking_column {
        visit(NamedColumn {
            name,
            role: ColumnRole::Tracking,
            join: None,
        });
    }
    for (place, join) in joins.iter().enumerate() {
        let Join {
            target: _,
            alias: _,
            local,
            foreign,
        } = join;
        for (name, join) in [(local, None), (foreign, Some(place))] {
            visit(NamedColumn {
                name,
                role: ColumnRole::Filter,
                join,
            });
        }
    }
}

fn shown<'a>(columns: Option<&'a [String]>, visit: &mut dyn FnMut(NamedColumn<'a>)) {
    for name in columns.unwrap_or_default() {
        visit(NamedColumn {
            name,
            role: ColumnRole::Shown,
            join: None,
        });
    }
}

fn ordered<'a>(order: &'a [Order], visit: &mut dyn FnMut(NamedColumn<'a>)) {
    for Order {
        column,
        descending: _,
    } in order
    {
        visit(NamedColumn {
            name: column,
            role: ColumnRole::Order,
            join: None,
        });
    }
}

fn filtered<'a>(filter: &'a Predicate, visit: &mut dyn FnMut(NamedColumn<'a>)) {
    match filter {
        Predicate::All(members) | Predicate::Any(members) => {
            for member in members {
                filtered(member, visit);
            }
        }
        Predicate::Not(inner) => filtered(inner, visit),
        Predicate::Compare {
            column,
            comparison: _,
            value: _,
        }
        | Predicate::IsNull { column, negated: _ }
        | Predicate::In {
            column,
            values: _,
            negated: _,
        }
        | Predicate::Matches { column, pattern: _ } => visit(NamedColumn {
            name: column,
            role: ColumnRole::Filter,
            join: None,
        }),
    }
}
