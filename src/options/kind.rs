//! The kinds of jobs.

use crate::words::words;

words! {
    /// What a job asks for.
    JobKind {
        /// A page of a walk over a whole target.
        Read = "read",
        /// Rows by filter, with the total.
        Query = "query",
        /// Rows by filter.
        BatchRead = "batchRead",
        /// A number of rows.
        Count = "count",
        /// Groups and measures.
        Aggregate = "aggregate",
        /// The targets of a source.
        ListTargets = "listTargets",
        /// The columns of a target.
        IntrospectTarget = "introspectTarget",
        /// Does the source answer?
        Test = "test",
        /// Anything else: no runner has an answer for it.
        Other = "other",
    }
}

impl JobKind {
    /// The kind that a job frame names.
    pub fn of(word: &str) -> Self {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == word);
        known.unwrap_or(Self::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_agree() {
        for (number, kind) in JobKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
            assert_eq!(JobKind::of(kind.as_str()), kind);
        }
        for unknown in ["search", "READ", ""] {
            assert_eq!(JobKind::of(unknown), JobKind::Other);
        }
    }
}
