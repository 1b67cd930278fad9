//! What selects, of whatever engine: what jobs come to is compiled once for all of them, not once for each. Four copies
//! of it were 100 KB of the binary; a call costs that of a trait object, as a row does anyway.

use std::any::Any;

use super::{Each, Select, SelectList, Session, Walk};
use crate::error::{ErrorCode, JobError};
use crate::options::{AggregateOptions, Predicate, ReadOptions, Target};
use crate::sql::Statement;

/// What a statement of some engine selects.
pub(super) type List = Box<dyn SelectList>;

/// [`Select`] for lists of any type. They must come from the session they are given to.
pub(super) trait SelectAny: Session {
    /// See [`Select::list`].
    fn list(&mut self, target: &Target, names: Option<&[String]>) -> Result<List, JobError>;

    /// See [`Select::walk`].
    fn walk(&mut self, target: &Target, options: &ReadOptions) -> Result<Walk<List>, JobError>;

    /// See [`Select::page`].
    fn page(
        &self,
        from: &str,
        list: &dyn SelectList,
        fetch: u64,
    ) -> Result<Option<Statement>, JobError>;

    /// See [`Select::counted`].
    fn counted(&self, list: &dyn SelectList) -> Result<Predicate, JobError>;

    /// See [`Select::prepare_aggregate`].
    fn prepare_aggregate(&mut self, options: &AggregateOptions) -> Result<List, JobError>;

    /// See [`Select::rows`].
    fn rows(
        &mut self,
        statement: &Statement,
        list: &dyn SelectList,
        each: &mut Each<'_>,
    ) -> Result<(), JobError>;

    /// See [`Select::is_pinned`].
    fn is_pinned(&self, list: &dyn SelectList, filter: &Predicate) -> Result<bool, JobError>;

    /// See [`Select::one_row`].
    fn one_row(
        &mut self,
        statement: &Statement,
        list: &dyn SelectList,
        each: &mut Each<'_>,
    ) -> Result<(), JobError>;
}

/// The list as the session `S` made it.
fn own<S: Select>(list: &dyn SelectList) -> Result<&S::List, JobError> {
    let list: &dyn Any = list;
    let other = || JobError::new(ErrorCode::Internal, "a list is that of another engine");
    list.downcast_ref().ok_or_else(other)
}

impl<S: Select> SelectAny for S {
    fn list(&mut self, target: &Target, names: Option<&[String]>) -> Result<List, JobError> {
        Ok(Box::new(Select::list(self, target, names)?))
    }

    fn walk(&mut self, target: &Target, options: &ReadOptions) -> Result<Walk<List>, JobError> {
        let walk = Select::walk(self, target, options)?;
        Ok(Walk {
            list: Box::new(walk.list),
            key: walk.key,
            after: walk.after,
            since: walk.since,
        })
    }

    fn page(
        &self,
        from: &str,
        list: &dyn SelectList,
        fetch: u64,
    ) -> Result<Option<Statement>, JobError> {
        Select::page(self, from, own::<S>(list)?, fetch)
    }

    fn counted(&self, list: &dyn SelectList) -> Result<Predicate, JobError> {
        Ok(Select::counted(self, own::<S>(list)?))
    }

    fn prepare_aggregate(&mut self, options: &AggregateOptions) -> Result<List, JobError> {
        Ok(Box::new(Select::prepare_aggregate(self, options)?))
    }

    fn rows(
        &mut self,
        statement: &Statement,
        list: &dyn SelectList,
        each: &mut Each<'_>,
    ) -> Result<(), JobError> {
        Select::rows(self, statement, own::<S>(list)?, each)
    }

    fn is_pinned(&self, list: &dyn SelectList, filter: &Predicate) -> Result<bool, JobError> {
        Ok(Select::is_pinned(self, own::<S>(list)?, filter))
    }

    fn one_row(
        &mut self,
        statement: &Statement,
        list: &dyn SelectList,
        each: &mut Each<'_>,
    ) -> Result<(), JobError> {
        Select::one_row(self, statement, own::<S>(list)?, each)
    }
}
