//! How cost grows: one measure at several sizes, in tables of their own. What a curve should do is in its title.

mod columns;
mod depth;
mod known;
mod results;

use crate::table::{Bench, Figures, Pair, Unit};

/// One measure at several sizes.
pub struct Growth {
    title: String,
    /// What grows.
    by: &'static str,
    lines: Vec<(String, Vec<Cell>)>,
}

/// A figure of a size.
struct Cell {
    name: &'static str,
    unit: Unit,
    figures: Pair,
}

/// A figure by this name.
fn cell(name: &'static str, unit: Unit, figures: &Figures) -> Cell {
    Cell {
        name,
        unit,
        figures: figures.medians(),
    }
}

/// Measures everything.
pub fn measure(bench: &Bench) -> Vec<Growth> {
    let mut growths = depth::measure(bench);
    growths.push(columns::measure(bench));
    growths.push(results::measure(bench));
    growths.extend(known::measure(bench));
    growths
}

impl Growth {
    fn new(title: impl Into<String>, by: &'static str) -> Self {
        let title = title.into();
        eprintln!("measuring {title}");
        Self {
            title,
            by,
            lines: Vec::new(),
        }
    }

    /// Adds a size.
    fn add(&mut self, at: impl Into<String>, cells: Vec<Cell>) {
        self.lines.push((at.into(), cells));
    }

    /// The table in Markdown. A second runner's figures stand behind each of the first one's.
    pub fn markdown(&self) -> String {
        let cells = || self.lines.iter().flat_map(|(_, cells)| cells);
        let against = cells().any(|cell| cell.figures.other.is_some());
        let names = self.lines.first().map(|(_, cells)| cells);
        let mut head = format!("| {} |", self.by);
        let mut marks = "|--:|".to_owned();
        for cell in names.into_iter().flatten() {
            head += &format!(" {} |", cell.name);
            marks += "--:|";
            if against {
                head += " other |";
                marks += "--:|";
            }
        }
        let mut text = format!("{}\n\n{head}\n{marks}\n", self.title);
        for (at, cells) in &self.lines {
            text += &format!("| {at} |");
            for Cell { unit, figures, .. } in cells {
                text += &format!(" {} |", unit.show(figures.runner));
                if against {
                    let other = figures.other.map(|other| unit.show(other));
                    text += &format!(" {} |", other.as_deref().unwrap_or("–"));
                }
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_runner_stands_behind_each_figure() {
        let cell = |other| Cell {
            name: "memory",
            unit: Unit::Megabytes,
            figures: Pair { runner: 1.0, other },
        };
        let mut growth = Growth::new("Memory is flat.", "rows");
        growth.add("1", vec![cell(None)]);
        assert!(
            growth
                .markdown()
                .ends_with("| rows | memory |\n|--:|--:|\n| 1 | 1.00 MB |\n")
        );
        growth.add("2", vec![cell(Some(3.0))]);
        let lines = "| 1 | 1.00 MB | – |\n| 2 | 1.00 MB | 3.00 MB |\n";
        assert!(growth.markdown().ends_with(lines));
    }
}
