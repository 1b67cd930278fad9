//! SQL from typed options, by shared code that knows a dialect. Values are always bound, identifiers always
//! quoted.
