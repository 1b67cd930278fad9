//! A whole table in pages of a thousand, as an ingest reads it.

use std::time::Duration;

use runner_testkit::statistics::percentile;
use serde_json::{Value, json};

use crate::session::Session;

/// Rows a page.
const PAGE: u64 = 1000;
/// Pages looked at, at both ends.
const ENDS: usize = 20;

/// What a walk showed.
pub struct Walk {
    /// Time of every page; the first one also counts the table.
    pub pages: Vec<Duration>,
    /// Rows seen.
    pub rows: u64,
    /// CPU time of the runner.
    pub runner_cpu: Duration,
}

impl Walk {
    /// The time it took.
    pub fn total(&self) -> Duration {
        self.pages.iter().sum()
    }

    /// A page at the start: the median of the first full ones. The very first also counts the table.
    pub fn early_page(&self) -> Duration {
        percentile(&self.pages[1..=ENDS], 0.5)
    }

    /// A page at the end: the median of the last full ones.
    pub fn late_page(&self) -> Duration {
        percentile(
            &self.pages[self.pages.len() - 1 - ENDS..self.pages.len() - 1],
            0.5,
        )
    }

    /// As one object.
    pub fn json(&self) -> Value {
        json!({
            "measure": "walk", "rows": self.rows, "pages": self.pages.len(),
            "seconds": self.total().as_secs_f64(),
            "firstPageMs": self.pages[0].as_secs_f64() * 1e3,
            "earlyPageMs": self.early_page().as_secs_f64() * 1e3,
            "latePageMs": self.late_page().as_secs_f64() * 1e3,
            "runnerCpuMicrosPerRow": self.runner_cpu.as_secs_f64() * 1e6 / self.rows as f64,
        })
    }
}

/// Walks through this table.
pub fn run(session: &mut Session, table: &str) -> Result<Walk, String> {
    let mut walk = Walk {
        pages: Vec::new(),
        rows: 0,
        runner_cpu: Duration::ZERO,
    };
    let mut options = json!({ "limit": PAGE });
    let cpu = session.runner.cpu();
    loop {
        let page = session.ask("read", table, &options)?;
        walk.rows += page.rows;
        walk.pages.push(page.total);
        match page.next_cursor {
            Some(cursor) => options["cursor"] = cursor.into(),
            None => break,
        }
    }
    walk.runner_cpu = session.runner.cpu() - cpu;
    Ok(walk)
}
