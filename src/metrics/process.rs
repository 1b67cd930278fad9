//! The process itself, under the names that are usual for every process.

use crate::metrics::{Exposition, resident_kib};

/// Writes the samples.
pub fn render(out: &mut Exposition) {
    if let Some(kib) = resident_kib() {
        const MEMORY: &str = "process_resident_memory_bytes";
        out.gauge(MEMORY, "Resident memory.");
        out.sample(MEMORY, &[], kib * 1024);
    }
    const INFO: &str = "semilayer_runner_info";
    out.gauge(INFO, "1, with the version of this program.");
    out.sample(INFO, &[("version", env!("CARGO_PKG_VERSION"))], 1);
}
