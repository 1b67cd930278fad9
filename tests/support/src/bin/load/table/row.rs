//! One line of the table.

/// What a figure is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// So many of these a second.
    Rate(&'static str),
    /// Microseconds of CPU.
    Micros,
    /// Milliseconds.
    Millis,
    /// Megabytes of 10⁶ bytes.
    Megabytes,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Rate(what) => format!("{} {what}/s", thousands(value)),
            Self::Micros if value < 10.0 => format!("{value:.2} µs"),
            Self::Micros => format!("{value:.1} µs"),
            Self::Millis => format!("{value:.1} ms"),
            Self::Megabytes => format!("{value:.2} MB"),
        }
    }
}

/// What is asked of a ratio, or of a figure that stands alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// Reached or exceeded.
    AtLeast(f64),
    /// Not exceeded.
    AtMost(f64),
}

/// Something measured.
#[derive(Debug, Clone)]
pub struct Row {
    /// The heading it stands under.
    pub group: &'static str,
    /// What was measured.
    pub measure: String,
    /// The unit of both figures.
    pub unit: Unit,
    /// The runner's figure.
    pub runner: f64,
    /// What it is compared with, and its figure.
    pub reference: Option<(String, f64)>,
    /// What is asked.
    pub target: Option<Target>,
}

impl Row {
    /// The runner's figure over the reference's.
    pub fn ratio(&self) -> Option<f64> {
        self.reference
            .as_ref()
            .map(|(_, value)| self.runner / value)
    }

    /// Whether the target is met.
    pub fn met(&self) -> Option<bool> {
        let value = self.ratio().unwrap_or(self.runner);
        self.target.map(|target| match target {
            Target::AtLeast(least) => value >= least,
            Target::AtMost(most) => value <= most,
        })
    }

    /// The line in Markdown.
    fn markdown(&self) -> String {
        let reference = self
            .reference
            .as_ref()
            .map_or(String::new(), |(name, value)| {
                format!("{name}: {}", self.unit.show(*value))
            });
        let target = self.target.map_or(String::new(), |target| {
            let (sign, value) = match target {
                Target::AtLeast(value) => ('≥', value),
                Target::AtMost(value) => ('≤', value),
            };
            match self.reference {
                Some(_) => format!("{sign} {value:.2}"),
                None => format!("{sign} {}", self.unit.show(value)),
            }
        });
        format!(
            "| {} | {} | {} | {} | {} | {} |",
            self.measure,
            self.unit.show(self.runner),
            reference,
            self.ratio()
                .map_or(String::new(), |ratio| format!("{ratio:.2}")),
            target,
            self.met()
                .map_or("", |met| if met { "yes" } else { "**no**" }),
        )
    }
}

/// The table in Markdown.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| measure | runner | reference | ratio | target | met |\n|---|--:|---|--:|--:|---|\n",
    );
    let mut group = "";
    for row in rows {
        if row.group != group {
            group = row.group;
            text += &format!("| **{group}** | | | | | |\n");
        }
        text += &row.markdown();
        text.push('\n');
    }
    text
}

/// The middle of a sample.
pub fn median(sample: &[f64]) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A whole number with its thousands apart.
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(runner: f64, reference: Option<f64>, target: Target) -> Row {
        Row {
            group: "Postgres",
            measure: "bulk".into(),
            unit: Unit::Rate("rows"),
            runner,
            reference: reference.map(|value| ("COPY".into(), value)),
            target: Some(target),
        }
    }

    #[test]
    fn a_ratio_is_held_against_its_target() {
        let slow = row(1_500_000.0, Some(3_000_000.0), Target::AtLeast(0.6));
        assert_eq!(slow.met(), Some(false));
        assert_eq!(
            slow.markdown(),
            "| bulk | 1,500,000 rows/s | COPY: 3,000,000 rows/s | 0.50 | ≥ 0.60 | **no** |"
        );
        assert_eq!(row(2.0, Some(1.0), Target::AtMost(2.5)).met(), Some(true));
        assert_eq!(row(999.0, None, Target::AtMost(1e3)).met(), Some(true));
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[5.0, 1.0, 9.0, 2.0, 3.0]), 3.0);
    }
}
