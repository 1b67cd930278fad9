//! Names of sources as labels. They are the gateway's: their number is bounded where they are counted, their
//! length here.

use crate::limits;

/// Stands for the sources beyond the bound.
pub const OTHERS: &str = "(others)";

/// The name, or its beginning.
pub fn label(name: &str) -> &str {
    match name.char_indices().nth(limits::METRIC_LABEL_CHARS) {
        Some((end, _)) => name.get(..end).unwrap_or(name),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(label("shop"), "shop");
        let long = "é".repeat(limits::METRIC_LABEL_CHARS);
        assert_eq!(label(&format!("{long}x")), long);
    }
}
