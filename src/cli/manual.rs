//! The manual page, in the language of `man`.

use crate::cli::commands::{COMMANDS, HELP, VERSION};
use crate::cli::help::{ABOUT, PROGRAM, default, usage, with_value};
use crate::config::{Topic, VARIABLES};

/// Section 1, for `man semilayer-runner`.
pub fn page() -> String {
    let mut page = format!(
        ".TH SEMILAYER\\-RUNNER 1 \"\" \"{PROGRAM} {}\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.nf\n",
        env!("CARGO_PKG_VERSION"),
        text(PROGRAM),
        text(ABOUT)
    );
    for command in COMMANDS {
        page.push_str(&format!("{}\n", text(&usage(command))));
    }
    page.push_str(".fi\n.SH DESCRIPTION\n");
    page.push_str(&paragraph(
        "The runner dials out to the SemiLayer gateway, receives query jobs, runs them on databases it can reach \
         and streams the rows back. Nothing dials in. It is configured by variables of its environment.",
    ));
    page.push_str(".SH COMMANDS\n");
    for command in COMMANDS {
        page.push_str(&format!(
            ".SS {}\n{}",
            text(command.name),
            paragraph(command.summary)
        ));
        if !command.about.is_empty() {
            page.push_str(&format!(".PP\n{}", paragraph(command.about)));
        }
        for option in command.options {
            page.push_str(&entry(&with_value(option), option.meaning));
        }
    }
    page.push_str(".SH OPTIONS\n");
    for option in [VERSION, HELP] {
        page.push_str(&entry(option.name, option.meaning));
    }
    page.push_str(".SH ENVIRONMENT\n");
    page.push_str(&paragraph("An empty variable counts as not set."));
    for topic in Topic::ALL {
        page.push_str(&format!(".SS {}\n", text(topic.as_str())));
        for variable in VARIABLES.iter().filter(|variable| variable.topic == topic) {
            let meaning = format!("{}{}", variable.meaning, default(variable));
            page.push_str(&entry(variable.name, &meaning));
        }
    }
    page.push_str(".SH EXIT STATUS\n");
    page.push_str(&entry("0", "After a signal, or when all is well."));
    page.push_str(&entry("1", "Something else does not work."));
    page.push_str(&entry("2", "The configuration cannot work."));
    page
}

/// A term and what it means.
fn entry(term: &str, meaning: &str) -> String {
    format!(".TP\n.B {}\n{}", text(term), paragraph(meaning))
}

fn paragraph(words: &str) -> String {
    let lines = words.lines().map(|line| format!("{}\n", text(line)));
    lines.collect()
}

/// A dash is a minus, as it is typed, and no line is taken for a command of the formatter.
fn text(words: &str) -> String {
    let escaped = words.replace('\\', "\\e").replace('-', "\\-");
    match escaped.starts_with(['.', '\'']) {
        true => format!("\\&{escaped}"),
        false => escaped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_everything_and_nothing_is_taken_for_markup() {
        let page = page();
        for command in COMMANDS {
            assert!(
                page.contains(&format!(".SS {}\n", text(command.name))),
                "{page}"
            );
            for option in command.options {
                assert!(
                    page.contains(&format!(".B {}", text(option.name))),
                    "{page}"
                );
            }
        }
        for variable in VARIABLES {
            assert!(page.contains(&format!(".B {}\n", variable.name)), "{page}");
        }
        const MARKUP: [&str; 8] = [".TH", ".SH", ".SS", ".TP", ".B", ".PP", ".nf", ".fi"];
        for line in page.lines().filter(|line| line.starts_with(['.', '\''])) {
            let word = line.split(' ').next().unwrap();
            assert!(MARKUP.contains(&word), "{line}");
        }
        assert_eq!(text(".x-y\\"), "\\&.x\\-y\\e");
    }
}
