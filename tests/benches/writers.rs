//! What the runner does to every value, statement and frame, without a database or a gateway:
//! `cargo bench --bench writers [-- NAME]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod frames;
mod statements;
mod values;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = values::bench, statements::bench, frames::bench
}
criterion_main!(benches);
