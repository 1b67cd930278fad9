//! The kinds of jobs.

/// What a job asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// A page of a walk over a whole target.
    Read,
    /// Rows by filter, with the total.
    Query,
    /// Rows by filter.
    BatchRead,
    /// A number of rows.
    Count,
    /// Groups and measures.
    Aggregate,
    /// The targets of a source.
    ListTargets,
    /// The columns of a target.
    IntrospectTarget,
    /// Does the source answer?
    Test,
    /// Anything else: no runner has an answer for it.
    Other,
}

impl JobKind {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::Query,
        Self::BatchRead,
        Self::Count,
        Self::Aggregate,
        Self::ListTargets,
        Self::IntrospectTarget,
        Self::Test,
        Self::Other,
    ];

    /// The kind that a job frame names.
    pub fn of(word: &str) -> Self {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == word);
        known.unwrap_or(Self::Other)
    }

    /// The word on the wire; `other` for kinds that are not known.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Query => "query",
            Self::BatchRead => "batchRead",
            Self::Count => "count",
            Self::Aggregate => "aggregate",
            Self::ListTargets => "listTargets",
            Self::IntrospectTarget => "introspectTarget",
            Self::Test => "test",
            Self::Other => "other",
        }
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
