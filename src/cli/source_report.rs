//! What `test-source` found, as a table and as JSON.

use serde_json::{Value, json};

use crate::cli::style::{Style, sign};
use crate::inspect::{Mark, SourceFacts, SourceReport, audit_source};
use crate::job::{KeptBy, Package, Privileges};
use crate::text::printable;

/// A table of the sources that answer; what is wrong stands below it.
pub(super) fn table(reports: &[SourceReport], style: Style) -> String {
    let mut rows = vec![
        [
            "",
            "SOURCE",
            "BRIDGE",
            "CONNECT",
            "SERVER",
            "TLS",
            "READ-ONLY",
            "TARGETS",
        ]
        .map(str::to_owned),
    ];
    let mut remarks = Vec::new();
    for report in reports {
        rows.push(cells(report));
        // The table says what is good.
        let checks = audit_source(report);
        let worth_a_word = checks.iter().enumerate().filter(|(place, check)| {
            check.mark == Mark::Bad || (*place > 0 && check.mark == Mark::Warning)
        });
        for (_, check) in worth_a_word {
            let (mark, name) = (style.mark(check.mark), &report.name);
            remarks.push(format!("{mark} {name}  {}", check.text));
            if let Some(advice) = &check.advice {
                remarks.push(format!("{:1$}{advice}", "", name.chars().count() + 4));
            }
        }
    }
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..8).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let gap = width + 2 - cell.chars().count();
            line.push_str(cell);
            line.push_str(&" ".repeat(gap));
        }
        // The mark is coloured last, so that the colour does not count as width.
        let line = line.trim_end();
        let line = [Mark::Good, Mark::Warning, Mark::Bad]
            .into_iter()
            .find_map(|mark| {
                line.strip_prefix(sign(mark))
                    .map(|rest| style.mark(mark) + rest)
            })
            .unwrap_or_else(|| style.heading(line));
        text.push_str(&line);
        text.push('\n');
    }
    if !remarks.is_empty() {
        text.push('\n');
        text.push_str(&remarks.join("\n"));
        text.push('\n');
    }
    text
}

fn cells(report: &SourceReport) -> [String; 8] {
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let none = || "-".to_owned();
    let bridge = match &report.bridge {
        Some(bridge) => Package::short_name(bridge).to_owned(),
        None => none(),
    };
    let name = report.name.clone();
    match &report.outcome {
        Ok(facts) => [
            sign(match report.refused {
                None => Mark::Good,
                Some(_) => Mark::Warning,
            })
            .to_owned(),
            name,
            bridge,
            format!("{:.1} ms", facts.connect.as_secs_f64() * 1000.0),
            printable(facts.server.version.chars()),
            yes(facts.server.tls),
            read_only(facts),
            facts.targets.to_string(),
        ],
        Err(_) => [
            sign(Mark::Bad).to_owned(),
            name,
            bridge,
            none(),
            none(),
            none(),
            none(),
            none(),
        ],
    }
}

/// What keeps it from writing. A session that may not is half of it: what its role may do decides.
fn read_only(facts: &SourceFacts) -> String {
    let reads_alone = |privileges: &Privileges| privileges.beyond_reading.is_empty();
    let kept_by = facts.server.kept_by;
    let by_role = matches!(kept_by, KeptBy::Session | KeptBy::Transaction)
        && facts.privileges.as_ref().is_ok_and(reads_alone);
    match (facts.server.read_only, by_role) {
        (false, _) => "no".to_owned(),
        (true, true) => format!("{} and role", kept_by.as_str()),
        (true, false) => kept_by.as_str().to_owned(),
    }
}

/// A source as one JSON object.
pub(super) fn as_json(report: &SourceReport) -> Value {
    let mut object = json!({
        "source": report.name,
        "bridge": report.bridge,
        "ok": report.outcome.is_ok(),
    });
    let more = match &report.outcome {
        Ok(facts) => json!({
            "connectMs": facts.connect.as_secs_f64() * 1000.0,
            "server": facts.server.version,
            "tls": facts.server.tls,
            "readOnly": facts.server.read_only,
            "readOnlyBy": facts.server.kept_by.as_str(),
            "targets": facts.targets,
            "role": facts.privileges.as_ref().ok().map(|p| &p.role),
            "mayBeyondReading": facts.privileges.as_ref().ok().map(|p| &p.beyond_reading),
        }),
        Err(error) => {
            let advice = audit_source(report)
                .into_iter()
                .find_map(|check| check.advice);
            json!({ "code": error.code.as_str(), "message": error.message, "advice": advice })
        }
    };
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
        if !report.oddities.is_empty() {
            object.insert("warnings".to_owned(), json!(report.oddities));
        }
        if let Some(rule) = &report.refused {
            object.insert("refusedByPolicy".to_owned(), json!(rule));
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::JobError;
    use crate::job::ServerFacts;
    use std::time::Duration;

    fn reports() -> Vec<SourceReport> {
        vec![
            SourceReport {
                name: "SHOP".to_owned(),
                bridge: Some(Package::long_name("database")),
                oddities: vec!["SEMILAYER_SOURCE_SHOP_COLOUR is ignored".to_owned()],
                refused: None,
                inside: false,
                outcome: Ok(SourceFacts {
                    connect: Duration::from_micros(12_340),
                    server: ServerFacts {
                        version: "PostgreSQL 15.8".to_owned(),
                        tls: true,
                        read_only: true,
                        kept_by: KeptBy::Session,
                    },
                    targets: 12,
                    privileges: Ok(Privileges::default()),
                }),
            },
            SourceReport {
                name: "A".to_owned(),
                bridge: None,
                oddities: Vec::new(),
                refused: None,
                inside: false,
                outcome: Err(JobError::unreachable("refused\n")),
            },
        ]
    }

    #[test]
    fn columns_are_aligned_and_what_is_wrong_follows() {
        let style = Style::stdout(|_| Some("dumb".to_owned()));
        assert_eq!(
            table(&reports(), style),
            "   SOURCE  BRIDGE    CONNECT  SERVER           TLS  READ-ONLY         TARGETS\n\
             ✓  SHOP    database  12.3 ms  PostgreSQL 15.8  yes  session and role  12\n\
             ✗  A       -         -        -                -    -                 -\n\
             \n\
             ⚠ SHOP  SEMILAYER_SOURCE_SHOP_COLOUR is ignored\n\
             ✗ A  SOURCE_UNREACHABLE: refused\u{fffd}\n     \
             is its address right, does the database listen there, and may this process get there?\n"
        );
    }

    #[test]
    fn a_role_that_may_write_is_not_read_only() {
        let mut report = reports().remove(0);
        let Ok(facts) = &mut report.outcome else {
            panic!("a good one");
        };
        assert_eq!(read_only(facts), "session and role");
        facts.privileges = Ok(Privileges {
            role: "app".to_owned(),
            beyond_reading: vec!["do anything (superuser)".to_owned()],
        });
        assert_eq!(read_only(facts), "session");
        facts.server.read_only = false;
        assert_eq!(read_only(facts), "no");
        report.refused = Some("the policy has no entry for it".to_owned());
        assert_eq!(cells(&report)[0], "⚠");
    }

    #[test]
    fn json_says_the_same() {
        let reports = reports();
        let [good, bad] = reports.as_slice() else {
            panic!("two");
        };
        let good = as_json(good);
        assert_eq!((&good["ok"], &good["targets"]), (&json!(true), &json!(12)));
        assert_eq!(good["mayBeyondReading"], json!([]));
        assert_eq!(
            as_json(bad),
            json!({"source": "A", "bridge": null, "ok": false, "code": "SOURCE_UNREACHABLE", "message": "refused\n",
                "advice": "is its address right, does the database listen there, and may this process get there?"})
        );
    }
}
