//! Recorded answers that are not followed. They show an official fault and carry no tag for it; the rules of
//! what is right say otherwise.

/// Ids, each with the rule that stands against the recording.
const DEPARTURES: &[(&str, &str)] = &[(
    "sqlite.query.wide-keys",
    "a column called __proto__ is an ordinary column; the recording lost it",
)];

/// Why the case need not agree, if so.
pub fn reason(id: &str) -> Option<&'static str> {
    DEPARTURES
        .iter()
        .find_map(|(departure, reason)| (*departure == id).then_some(*reason))
}
