//! How much memory the process uses.

use std::fs;

/// Resident memory in KiB, if the system tells it.
pub fn resident_kib() -> Option<u64> {
    parse(&fs::read_to_string("/proc/self/status").ok()?)
}

/// The line `VmRSS:     4312 kB`. Unlike `statm` it does not depend on the page size.
fn parse(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_line_is_read() {
        let status = "Name:\tx\nVmPeak:\t 999999 kB\nVmRSS:\t    5300 kB\nRssAnon:\t 1 kB\n";
        assert_eq!(parse(status), Some(5300));
        assert_eq!(parse("VmRSS: lots"), None);
        assert_eq!(parse(""), None);
    }
}
