//! What a bridge allows in options beyond, or short of, the others. Its package hands this in.

use crate::error::JobError;
use crate::options::{Target, parts_of_name, whole_name};

/// The rules of one bridge for the options of its jobs.
#[derive(Debug, Clone, Copy)]
pub struct OptionRules {
    /// Name of the bridge's package, for messages.
    pub package: &'static str,
    /// Reads the target of a job.
    pub target: fn(&str) -> Result<Target, JobError>,
    /// Reads the target of an aggregate, and those it joins.
    pub aggregate_target: fn(&str) -> Result<Target, JobError>,
    /// A column may be named twice, which has no effect; of two dimensions of one name the last is shown.
    pub repeated_names: bool,
    /// There may be an offset without a limit.
    pub offset_alone: bool,
    /// A number is a cursor too. Not so where the database compares a number with a text key as numbers, in an
    /// order that is not the key's.
    pub numeric_cursor: bool,
    /// Rows are documents, and what is asked of them means what it means in a document store: a list is a value like
    /// any other, so that only `$in` and `$nin` take the members of one, and nothing else; a clause that says nothing
    /// is true, and its negation false; a list of no names shows all; a group is asked by what is measured of it, and
    /// by anything else there is none.
    pub documents: bool,
    /// The column that the `ids` of an aggregate are of.
    pub id: &'static str,
    /// The field that holds a row's key, where rows are filtered, sorted and grouped in the runner because the
    /// database cannot. Filters of rows then have few operators, and aggregates go by the reducer's rules.
    pub in_memory: Option<&'static str>,
    /// There are buckets of H3 cells.
    pub h3: bool,
}

impl OptionRules {
    /// The rules that most bridges share.
    pub const fn usual(package: &'static str) -> Self {
        Self {
            package,
            target: whole_name,
            aggregate_target: parts_of_name,
            repeated_names: true,
            offset_alone: false,
            numeric_cursor: true,
            documents: false,
            id: "id",
            in_memory: None,
            h3: false,
        }
    }
}

/// Rules for the tests of this crate.
#[cfg(test)]
pub(crate) const RULES: OptionRules = OptionRules::usual("bridge-of-a-test");
