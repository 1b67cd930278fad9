//! What the shared answers need of a job.

use super::catalog::Origin;
use super::error::Failure;
use super::statements::{ClickHouseSession, plain};
use super::tables::names_of;
use super::walk::Way;
use super::{key, privileges};
use crate::bridges::description::DescribedColumn;
use crate::bridges::sql::{Each, Needs, Select, SelectList, Session, Walk};
use crate::error::JobError;
use crate::job::{Columns, KeptBy, Privileges, ServerFacts, TargetColumn};
use crate::limits;
use crate::options::{Aggregate, AggregateOptions, Predicate, ReadOptions, Target};
use crate::sql::{ColumnFacts, Dialect, Statement, Table};

/// What a statement selects.
pub(super) enum List {
    /// Columns that are shown as they come.
    Columns(String),
    /// What a walk goes by, and the columns.
    Way(Box<Way>),
    /// Values that are looked at one by one.
    Values,
}

impl SelectList for List {
    fn sql(&self) -> &str {
        match self {
            Self::Columns(sql) => sql,
            Self::Way(way) => &way.select,
            Self::Values => "",
        }
    }
}

impl Session for ClickHouseSession<'_> {
    fn dialect(&self) -> &dyn Dialect {
        &self.dialect
    }

    /// The key by which a walk goes is in its cursor.
    fn columns(&mut self, target: &Target) -> Result<Columns, JobError> {
        let columns = match self.columns_of(target) {
            Err(Failure::Exception(exception)) if exception.is_no_target() => {
                return Ok(Columns::NoSuchTarget);
            }
            columns => columns?,
        };
        let sorting = self.sorting_key(target)?;
        Ok(Columns::Known(
            columns
                .iter()
                .map(|column| TargetColumn {
                    name: column.name.clone(),
                    key: key::names(&sorting, &column.name),
                    hidden: column.origin != Origin::Written,
                })
                .collect(),
        ))
    }

    fn prepare_filter(&mut self, target: &Target, filter: &Predicate) -> Result<(), JobError> {
        self.learn_filter(target, filter)
    }

    /// No key is unique.
    fn key(&mut self, _: &Target) -> Result<Vec<String>, JobError> {
        Ok(Vec::new())
    }

    fn table(&mut self, target: &Target, needs: Needs) -> Result<Table, JobError> {
        let mut table = Table {
            name: self.from(target),
            ..Table::default()
        };
        if !needs.columns && !needs.joined {
            return Ok(table);
        }
        let columns = self.columns_of(target)?;
        let names = columns.iter().map(|column| column.name.clone());
        table.columns = Some(names.map(|name| (name, ColumnFacts::default())).collect());
        if needs.joined {
            // A setting would do that too, but not everybody may change settings.
            let readable = columns.iter().filter(|c| c.origin != Origin::Ephemeral);
            let list: Vec<_> = readable
                .map(|column| {
                    let name = self.dialect().quote(&column.name);
                    match column.kind.may_be_nullable() {
                        true => format!("toNullable({name}) AS {name}"),
                        false => name,
                    }
                })
                .collect();
            table.name = format!("(SELECT {} FROM {})", list.join(", "), table.name);
        }
        Ok(table)
    }

    fn number(&mut self, statement: &Statement) -> Result<u64, JobError> {
        let mut number = 0;
        self.each_row(statement, 1, &mut |row| {
            number = crate::bridges::sql::Values::whole(row, 0)?;
            Ok(())
        })?;
        Ok(number)
    }

    fn forget(&mut self, target: &Target) {
        self.catalog.forget(&self.from(target));
    }

    fn targets(
        &mut self,
        each: &mut dyn FnMut(&str) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        Ok(self.each_row(&plain("SHOW TABLES"), 1, &mut |row| each(&row.string(0)?))?)
    }

    /// Keys of this server are not unique, so no column is of a primary key.
    fn describe(
        &mut self,
        target: &Target,
        each: &mut dyn FnMut(&DescribedColumn<'_>),
    ) -> Result<(), JobError> {
        for column in self.columns_of(target)?.iter() {
            each(&DescribedColumn {
                name: &column.name,
                data_type: &column.spelled,
                nullable: is_declared_nullable(&column.spelled),
                primary_key: false,
            });
        }
        Ok(())
    }

    fn server(&mut self) -> Result<ServerFacts, JobError> {
        let mut facts = ServerFacts {
            version: String::new(),
            tls: self.conversation.encrypted(),
            read_only: false,
            kept_by: KeptBy::Session,
        };
        self.each_row(&plain(privileges::SERVER), 2, &mut |row| {
            facts.version = format!("ClickHouse {}", row.string(0)?);
            facts.read_only = row.string(1)? != "0";
            Ok(())
        })?;
        Ok(facts)
    }

    fn privileges(&mut self) -> Result<Privileges, JobError> {
        privileges::ask(self)
    }
}

impl Select for ClickHouseSession<'_> {
    type List = List;

    fn list(&mut self, _: &Target, names: Option<&[String]>) -> Result<List, JobError> {
        Ok(List::Columns(self.dialect().select_list(names)))
    }

    fn walk(&mut self, target: &Target, options: &ReadOptions) -> Result<Walk<List>, JobError> {
        let way = Way::find(self, target, options)?;
        Ok(Walk {
            key: way.key(),
            after: way.after(),
            since: Vec::new(),
            list: List::Way(Box::new(way)),
        })
    }

    fn counted(&self, list: &List) -> Predicate {
        match list {
            List::Way(way) => way.since.clone(),
            List::Columns(_) | List::Values => Predicate::always(),
        }
    }

    fn page(&self, from: &str, list: &List, fetch: u64) -> Result<Option<Statement>, JobError> {
        match list {
            List::Way(way) => way.page(self.dialect(), from, fetch).map(Some),
            List::Columns(_) | List::Values => Ok(None),
        }
    }

    fn prepare_aggregate(&mut self, options: &AggregateOptions) -> Result<List, JobError> {
        let mut names = Vec::new();
        names_of(&options.filter, &mut names);
        for measure in &options.measures {
            names_of(&measure.filter, &mut names);
            match &measure.aggregate {
                Aggregate::Sum(column) | Aggregate::Average(column) => names.push(column.clone()),
                Aggregate::First(column) | Aggregate::Last(column) => {
                    names.push(column.clone());
                    names.extend(options.tracking_column.clone());
                }
                _ => {}
            }
        }
        let joined = options.joins.iter().map(|join| &join.target);
        let targets: Vec<_> = std::iter::once(&options.target).chain(joined).collect();
        self.learn(&targets, names)?;
        let language = std::mem::take(&mut self.dialect);
        self.dialect = language.tracking(options.tracking_column.as_deref());
        Ok(List::Values)
    }

    fn rows(
        &mut self,
        statement: &Statement,
        list: &List,
        each: &mut Each<'_>,
    ) -> Result<(), JobError> {
        let most = match list {
            List::Way(way) => return Ok(way.rows(self, statement, each)?),
            List::Columns(_) => 0,
            List::Values => limits::RESULT_COLUMNS,
        };
        Ok(self.each_row(statement, most, &mut |row| each(row))?)
    }
}

/// What a column is declared to be, whatever may become of it in an aggregating table.
fn is_declared_nullable(spelled: &str) -> bool {
    let inner = spelled.strip_prefix("LowCardinality(").unwrap_or(spelled);
    inner.starts_with("Nullable(")
}
