//! Rows as a table for people.

use serde_json::Value;

/// Characters of a cell before it is cut.
const WIDEST: usize = 40;

/// A table with one column a key, in the order the keys first appear.
pub fn render(rows: &[Value]) -> String {
    let mut columns: Vec<&str> = Vec::new();
    for row in rows.iter().filter_map(Value::as_object) {
        for key in row
            .keys()
            .filter(|key| !columns.contains(&key.as_str()))
            .collect::<Vec<_>>()
        {
            columns.push(key);
        }
    }
    let mut lines: Vec<Vec<String>> = vec![columns.iter().map(|column| cell_of(column)).collect()];
    for row in rows {
        lines.push(
            columns
                .iter()
                .map(|column| row.get(column).map_or_else(String::new, cell))
                .collect(),
        );
    }
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    lines.insert(1, widths.iter().map(|width| "─".repeat(*width)).collect());
    let mut text = String::new();
    for line in lines {
        let cells: Vec<_> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str("  ");
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => cell_of(text),
        Value::Array(list) if list.iter().any(Value::is_object) => {
            format!("{} of them", list.len())
        }
        other => cell_of(&other.to_string()),
    }
}

/// One line, without control characters, of bounded width.
fn cell_of(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    if clean.chars().count() <= WIDEST {
        return clean;
    }
    clean.chars().take(WIDEST - 1).chain(['…']).collect()
}

#[test]
fn columns_line_up() {
    let rows = [
        serde_json::json!({ "id": 1, "name": "Ada" }),
        serde_json::json!({ "id": 22, "note": null }),
    ];
    assert_eq!(
        render(&rows),
        "  id  name  note\n  ──  ────  ────\n  1   Ada\n  22        null\n"
    );
    assert_eq!(cell_of(&"x".repeat(50)).chars().count(), WIDEST);
    assert_eq!(cell_of("a\nb"), "a b");
}
