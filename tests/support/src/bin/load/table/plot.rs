//! The ratios as one SVG: bars on two axes, one for rates, where longer is better, and one for costs, where
//! shorter is. Written by hand; it is lines and rectangles.

use std::fmt::Write;

use super::{Row, Target, Unit};

const WIDTH: f64 = 880.0;
/// Where the bars begin, and how long the longest may be.
const LEFT: f64 = 390.0;
const SPAN: f64 = 420.0;
const LINE: f64 = 30.0;
const BAR: f64 = 14.0;

/// Text and lines follow the reader's colours.
const STYLE: &str = "\
text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#1f2328}
.title{font-weight:600;font-size:15px}.small{fill:#59636e;font-size:11px}.value{font-weight:600}
.grid{stroke:#d1d9e0;stroke-width:1}.one{stroke:#59636e;stroke-width:1.5;stroke-dasharray:4 3}
.bar{fill:#4c78a8}.met{fill:#2f8f5b}.missed{fill:#c2571a}.target{stroke:#1f2328;stroke-width:2.5}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.grid{stroke:#3d444d}.one{stroke:#9198a1}
.bar{fill:#6c9bd2}.met{fill:#4cb782}.missed{fill:#e2803c}.target{stroke:#e6edf3}}";

/// Draws every measure against the first reference it has.
pub fn svg(rows: &[Row]) -> String {
    let mut drawn: Vec<&Row> = Vec::new();
    for row in rows.iter().filter(|row| row.reference.is_some()) {
        let same = |other: &&Row| (other.group, &other.measure) == (row.group, &row.measure);
        if !drawn.iter().any(same) {
            drawn.push(row);
        }
    }
    let (rates, costs) = drawn
        .into_iter()
        .partition::<Vec<_>, _>(|row| matches!(row.unit, Unit::Rate(_)));
    let mut body = String::new();
    let mut top = 0.0;
    let panels = [
        (
            "Rate, as a share of the reference's: longer is better",
            rates,
        ),
        (
            "Cost, as a multiple of the reference's: shorter is better",
            costs,
        ),
    ];
    for (title, rows) in panels {
        top = panel(&mut body, top, title, &rows);
    }
    top += 26.0;
    legend(&mut body, top - 14.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top}\" width=\"{WIDTH}\" height=\"{top}\" \
         role=\"img\"><title>The runner against its references</title>\n<style>{STYLE}</style>\n{body}</svg>\n"
    )
}

/// Draws one axis with its bars; tells where the next one begins.
fn panel(out: &mut String, top: f64, title: &str, rows: &[&Row]) -> f64 {
    let largest = rows
        .iter()
        .filter_map(|row| row.ratio())
        .fold(1.0, f64::max);
    let most = (largest * 2.0).ceil() / 2.0;
    let x = |ratio: f64| LEFT + SPAN * ratio / most;
    let first = top + 58.0;
    let bottom = first + LINE * rows.len() as f64;
    text(out, "title", 10.0, top + 24.0, title);
    let step = if most > 4.0 { 1.0 } else { 0.5 };
    let mut at = 0.0;
    while at <= most {
        line(out, "grid", x(at), first - 6.0, bottom);
        let label = format!("{at:.1}");
        let _ = writeln!(
            out,
            "<text class=\"small\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
            x(at),
            first - 11.0
        );
        at += step;
    }
    line(out, "one", x(1.0), first - 6.0, bottom);
    for (n, row) in rows.iter().enumerate() {
        bar(out, first + LINE * n as f64, row, x);
    }
    bottom + 12.0
}

fn bar(out: &mut String, top: f64, row: &Row, x: impl Fn(f64) -> f64) {
    let ratio = row.ratio().unwrap_or(0.0);
    let name = row.reference.as_ref().map_or("", |(name, _)| name);
    let middle = top + LINE / 2.0;
    text(
        out,
        "",
        10.0,
        middle - 2.0,
        &format!("{}: {}", row.group, row.measure),
    );
    text(
        out,
        "small",
        10.0,
        middle + 11.0,
        &format!("against {name}"),
    );
    let class = match row.met() {
        None => "bar",
        Some(true) => "met",
        Some(false) => "missed",
    };
    let _ = writeln!(
        out,
        "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\"/>",
        middle - BAR / 2.0,
        (x(ratio) - LEFT).max(1.0)
    );
    if let Some(Target::AtLeast(at) | Target::AtMost(at)) = row.target {
        let (from, to) = (middle - BAR / 2.0 - 3.0, middle + BAR / 2.0 + 3.0);
        line(out, "target", x(at), from, to);
    }
    text(
        out,
        "value",
        WIDTH - 40.0,
        middle + 4.5,
        &format!("{ratio:.2}"),
    );
}

fn legend(out: &mut String, y: f64) {
    let mut at = 10.0;
    for (class, label) in [
        ("met", "target met"),
        ("missed", "target missed"),
        ("bar", "no target"),
    ] {
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{at}\" y=\"{:.1}\" width=\"12\" height=\"12\" rx=\"2\"/>",
            y - 10.0
        );
        text(out, "small", at + 17.0, y, label);
        at += 110.0;
    }
    line(out, "target", at + 4.0, y - 12.0, y + 3.0);
    text(out, "small", at + 17.0, y, "target");
    let _ = writeln!(
        out,
        "<line class=\"one\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
        at + 80.0,
        at + 100.0,
        y - 4.0,
        y - 4.0
    );
    text(out, "small", at + 106.0, y, "the reference itself");
}

fn line(out: &mut String, class: &str, x: f64, from: f64, to: f64) {
    let _ = writeln!(
        out,
        "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{from:.1}\" y2=\"{to:.1}\"/>"
    );
}

fn text(out: &mut String, class: &str, x: f64, y: f64, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_drawn_once_with_its_target() {
        let row = |reference: &str, target| Row {
            group: "SQLite",
            measure: "rows".into(),
            unit: Unit::Rate("rows"),
            runner: 3.0,
            other: None,
            reference: Some((reference.into(), 4.0)),
            target,
        };
        let text = svg(&[row("a < b", Some(Target::AtLeast(0.8))), row("c", None)]);
        assert_eq!(text.matches("SQLite: rows").count(), 1);
        assert!(text.contains("against a &lt; b") && text.contains(">0.75<"));
        // One bar and one in the legend.
        assert_eq!(text.matches("class=\"missed\"").count(), 2);
        assert_eq!(text.matches("class=\"target\"").count(), 2);
    }
}
