//! Numbers added up.

/// A sum, as plain additions make it and what they have lost (Neumaier 1974).
#[derive(Default)]
pub(super) struct Sum {
    plain: f64,
    lost: f64,
}

impl Sum {
    pub(super) fn add(&mut self, number: f64) {
        let sum = self.plain + number;
        let (large, small) = match self.plain.abs() >= number.abs() {
            true => (self.plain, number),
            false => (number, self.plain),
        };
        self.lost += (large - sum) + small;
        self.plain = sum;
    }

    /// The sum as JavaScript has it, in whose order its last digits depend; or the one that they do not.
    pub(super) fn total(&self, in_order: bool) -> f64 {
        let total = self.plain + self.lost;
        match in_order || !total.is_finite() {
            true => self.plain,
            false => total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(numbers: impl IntoIterator<Item = f64>) -> (f64, f64) {
        let mut sum = Sum::default();
        numbers.into_iter().for_each(|number| sum.add(number));
        (sum.total(true), sum.total(false))
    }

    #[test]
    fn the_order_of_numbers_shows_in_plain_sums_only() {
        assert_eq!(totals([0.1, 0.2, 0.3]), (0.1 + 0.2 + 0.3, 0.6));
        assert_eq!(totals([0.3, 0.2, 0.1]), (0.3 + 0.2 + 0.1, 0.6));
        assert_eq!(totals([1e16, 1.0, -1e16]), (0.0, 1.0));
        assert_eq!(totals([1.0, 1e16, -1e16]).1, 1.0);
        let numbers: Vec<_> = (0..100_000).map(|n| f64::from(n % 1013) / 100.0).collect();
        let there = totals(numbers.iter().copied());
        let back = totals(numbers.iter().rev().copied());
        assert_ne!(there.0, back.0);
        assert_eq!(there.1, back.1);
    }

    #[test]
    fn what_is_beyond_all_numbers_stays_there() {
        assert_eq!(totals([f64::MAX, f64::MAX]), (f64::INFINITY, f64::INFINITY));
    }
}
