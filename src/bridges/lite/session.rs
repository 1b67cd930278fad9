//! The statements of one job.

use std::ops::ControlFlow;

use super::Database;
use super::catalog;
use super::key::Key;
use super::row::{Layout, LiteRow};
use super::select::{List, Selected, select};
use super::since::changed_since;
use super::storage::bind_key;
use super::value::bind;
use crate::bridges::description::DescribedColumn;
use crate::bridges::sql::{Each, Select, Session, Walk};
use crate::error::JobError;
use crate::job::{Columns, Privileges, ServerFacts};
use crate::options::{AggregateOptions, ReadOptions, Target};
use crate::sql::{Dialect, Statement};

/// A database during one job.
pub(in crate::bridges) struct LiteSession<'s>(pub &'s mut dyn Database);

impl Session for LiteSession<'_> {
    fn dialect(&self) -> &dyn Dialect {
        self.0.dialect()
    }

    fn columns(&mut self, target: &Target) -> Result<Columns, JobError> {
        let columns = catalog::columns(self.0, target)?;
        Ok(match columns.is_empty() {
            true => Columns::NoSuchTarget,
            false => Columns::Known(columns),
        })
    }

    /// A view has none.
    fn key(&mut self, target: &Target) -> Result<Vec<String>, JobError> {
        let key = Key::find(self.0, target)?;
        Ok(key.parts().iter().map(|p| p.expression.clone()).collect())
    }

    fn announce(&mut self, statement: &dyn Fn(&dyn Dialect) -> Result<Statement, JobError>) {
        self.0.announce(statement);
    }

    fn number(&mut self, statement: &Statement) -> Result<u64, JobError> {
        let params = statement.params.iter().map(bind);
        let params = params.collect::<Result<Vec<_>, _>>()?;
        let mut number = 0;
        self.0.lookup(&statement.sql, &params, &mut |row| {
            number = u64::try_from(row.integer(0)?).unwrap_or(0);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(number)
    }

    fn begin_snapshot(&mut self) -> Result<(), JobError> {
        self.0.begin_snapshot()
    }

    fn targets(
        &mut self,
        each: &mut dyn FnMut(&str) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        catalog::targets(self.0, each)
    }

    fn describe(
        &mut self,
        target: &Target,
        each: &mut dyn FnMut(&DescribedColumn<'_>),
    ) -> Result<(), JobError> {
        catalog::describe(self.0, target, each)
    }

    fn server(&mut self) -> Result<ServerFacts, JobError> {
        self.0.server()
    }

    fn privileges(&mut self) -> Result<Privileges, JobError> {
        self.0.privileges()
    }
}

impl Select for LiteSession<'_> {
    type List = List;

    fn list(&mut self, target: &Target, names: Option<&[String]>) -> Result<List, JobError> {
        Ok(List {
            selected: select(self.0, target, names, None)?,
            key: None,
        })
    }

    fn walk(&mut self, target: &Target, options: &ReadOptions) -> Result<Walk<List>, JobError> {
        let key = Key::find(self.0, target)?;
        let fields = options.fields.as_deref();
        Ok(Walk {
            key: key.parts().to_vec(),
            after: match &options.cursor {
                Some(cursor) => key.position(cursor)?,
                None => Vec::new(),
            },
            since: match &options.changed_since {
                Some(since) => changed_since(self.0, target, &options.tracking_column, since)?,
                None => Vec::new(),
            },
            list: List {
                selected: select(self.0, target, fields, Some(&key))?,
                key: Some(key),
            },
        })
    }

    fn prepare_aggregate(&mut self, _: &AggregateOptions) -> Result<List, JobError> {
        self.0.prepare_sort()?;
        Ok(List {
            selected: Selected::default(),
            key: None,
        })
    }

    fn rows(
        &mut self,
        statement: &Statement,
        list: &List,
        each: &mut Each<'_>,
    ) -> Result<(), JobError> {
        // The values of a walk carry their storage class.
        let bind = if list.key.is_some() { bind_key } else { bind };
        let params = statement.params.iter().map(bind);
        let params = params.collect::<Result<Vec<_>, _>>()?;
        let mut layout = None;
        self.0.query(&statement.sql, &params, &mut |cells| {
            let layout = match &layout {
                Some(layout) => layout,
                None => layout.insert(Layout::new(cells, list.selected.hidden)?),
            };
            each(&LiteRow {
                cells,
                layout,
                list,
            })?;
            Ok(ControlFlow::Continue(()))
        })
    }
}
