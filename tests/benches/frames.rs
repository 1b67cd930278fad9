//! Frames of the gateway parsed, frames for it written.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use semilayer_runner::error::{ErrorCode, JobError};
use semilayer_runner::job::{
    ChunkLimits, FrameOut, JobControl, QueueSender, RowSink, Slot, Wakeup,
};
use semilayer_runner::protocol::{FrameParser, ServerFrame, client_frame};
use serde_json::json;

const ROW: &str = "{\"id\":123456,\"name\":\"Person number 123456\",\"email\":\"person123456@example.com\",\
                   \"amount\":\"864.19\",\"active\":true,\"created_at\":\"2024-01-11T00:03:12.000Z\",\"note\":null}";

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    let job = json!({
        "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "type": "job",
        "params": {
            "source": {
                "id": "src_0123456789", "name": "primary", "bridge": "@semilayer/bridge-postgres",
                "credentialsLocation": "managed", "config": { "url": "postgres://reader@db.internal/shop" },
            },
            "job": { "kind": "query", "target": "people", "options": { "where": { "id": 123_456 } } },
        },
        "deadlineMs": 30_000,
    });
    let job = job.to_string();
    group.bench_function("job of a new source, parsed", |bencher| {
        bencher.iter(|| ServerFrame::parse(black_box(&job)).unwrap());
    });
    group.bench_function("job, parsed", |bencher| {
        let mut parser = FrameParser::default();
        bencher.iter(|| parser.parse(black_box(&job)).unwrap());
    });
    let error = JobError::new(
        ErrorCode::QueryFailed,
        "column \"nam\" does not exist (42703)",
    );
    group.bench_function("error, written", |bencher| {
        bencher.iter(|| client_frame::error(black_box("01890a5d-ac96-774b"), black_box(&error)));
    });
    group.throughput(Throughput::Bytes(500 * ROW.len() as u64));
    group.bench_function("chunk of 500 rows, cut", |bencher| {
        let until = Instant::now() + Duration::from_secs(600);
        let control = Arc::new(JobControl::new("01890a5d-ac96-774b", until));
        let (frames, taken) = QueueSender::<FrameOut>::queue(1, &Wakeup::default());
        let mut sink = RowSink::new(control, frames, ChunkLimits::default(), Slot::Rows);
        bencher.iter(|| {
            for _ in 0..500 {
                sink.row(|out| {
                    out.push_str(black_box(ROW));
                    Ok(())
                })
                .unwrap();
            }
            taken.try_recv().unwrap().text.len()
        });
    });
    group.finish();
}
