//! One line of the table.

/// What a figure is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// So many of these a second.
    Rate(&'static str),
    /// Microseconds of CPU.
    Micros,
    /// Nanoseconds of CPU.
    Nanos,
    /// Milliseconds.
    Millis,
    /// The same, where they may be few.
    ShortMillis,
    /// Kilobytes of 10³ bytes.
    Kilobytes,
    /// Megabytes of 10⁶ bytes.
    Megabytes,
}

impl Unit {
    /// For people.
    pub fn show(self, value: f64) -> String {
        match self {
            _ if value.is_nan() => String::new(),
            Self::Nanos => format!("{value:.0} ns"),
            Self::ShortMillis => format!("{value:.2} ms"),
            Self::Kilobytes => format!("{value:.2} KB"),
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
    /// The figure of the runner that it is held against.
    pub other: Option<f64>,
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

    /// The line in Markdown; with the columns of another runner, if there is one.
    fn markdown(&self, against: bool) -> String {
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
        let mut line = format!(
            "| {} | {} | {} | {} | {} | {} |",
            self.measure,
            self.unit.show(self.runner),
            reference,
            self.ratio()
                .map_or(String::new(), |ratio| format!("{ratio:.2}")),
            target,
            self.met()
                .map_or("", |met| if met { "yes" } else { "**no**" }),
        );
        if against {
            line += &match self.other {
                Some(other) => format!(" {} | {:.2} |", self.unit.show(other), self.runner / other),
                None => " – | |".to_owned(),
            };
        }
        line
    }
}

/// The table in Markdown.
pub fn markdown(rows: &[Row]) -> String {
    let against = rows.iter().any(|row| row.other.is_some());
    let (names, marks, cells) = match against {
        true => (" other runner | runner ÷ other |", "--:|--:|", " | |"),
        false => ("", "", ""),
    };
    let mut text = format!(
        "| measure | runner | reference | ratio | target | met |{names}\n|---|--:|---|--:|--:|---|{marks}\n",
    );
    let mut group = "";
    for row in rows {
        if row.group != group {
            group = row.group;
            text += &format!("| **{group}** | | | | | |{cells}\n");
        }
        text += &row.markdown(against);
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
            other: None,
            reference: reference.map(|value| ("COPY".into(), value)),
            target: Some(target),
        }
    }

    #[test]
    fn a_ratio_is_held_against_its_target() {
        let slow = row(1_500_000.0, Some(3_000_000.0), Target::AtLeast(0.6));
        assert_eq!(slow.met(), Some(false));
        assert_eq!(
            slow.markdown(false),
            "| bulk | 1,500,000 rows/s | COPY: 3,000,000 rows/s | 0.50 | ≥ 0.60 | **no** |"
        );
        assert_eq!(row(2.0, Some(1.0), Target::AtMost(2.5)).met(), Some(true));
        assert_eq!(row(999.0, None, Target::AtMost(1e3)).met(), Some(true));
    }

    #[test]
    fn another_runner_has_columns_of_its_own() {
        let mut ours = row(2.0, Some(1.0), Target::AtMost(2.5));
        assert!(!markdown(std::slice::from_ref(&ours)).contains("other"));
        ours.other = Some(4.0);
        let table = markdown(&[ours, row(1.0, None, Target::AtMost(2.0))]);
        assert!(table.contains("| 4 rows/s | 0.50 |\n"), "{table}");
        let columns = |line: &str| line.matches('|').count();
        assert!(table.lines().all(|line| columns(line) == 9), "{table}");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[5.0, 1.0, 9.0, 2.0, 3.0]), 3.0);
    }
}
