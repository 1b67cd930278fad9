//! How jobs end: once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::rig::{Ledger, PATIENCE, Rig, is_terminal, job, source};
use crate::engine::ErrorFrame;
use crate::error::ErrorCode;
use crate::options::JobKind;

#[test]
fn rows_come_in_chunks_before_done() {
    let rig = Rig::new(2, 8);
    rig.submit("j", &source("a", 1), "rows");
    assert_eq!(rig.next().frame["rows"], json!([0, 1]));
    assert_eq!(rig.next().frame["rows"], json!([2]));
    let meta = rig.expect_done("j");
    assert_eq!((&meta["count"], &meta["total"]), (&json!(3), &json!(3)));
    assert!(meta["durationMs"].is_u64());
    assert_eq!(meta.get("nextCursor"), None::<&Value>);
}

#[test]
fn cancel_reaches_the_statement_and_is_answered_once() {
    let rig = Rig::new(2, 8);
    rig.submit("j", &source("a", 1), "hang");
    rig.expect_begun("hang");
    rig.session.cancel("unknown");
    rig.session.cancel("j");
    rig.session.cancel("j");
    rig.expect_error("j", ErrorCode::Cancelled);
    rig.expect_stopped("hang");
    // The worker is free again and says nothing of its own.
    rig.submit("k", &source("a", 1), "nothing");
    rig.expect_done("k");
    rig.expect_active(0);
}

#[test]
fn a_deadline_reaches_the_statement_and_says_where_it_was() {
    let rig = Rig::new(2, 8);
    let mut frame = job("j", &source("a", 1), "hang");
    frame.deadline = Duration::from_millis(30);
    rig.session.submit(frame);
    let message = rig.expect_error("j", ErrorCode::DeadlineExceeded);
    assert!(message.contains("30 ms"), "{message}");
    if rig.world.begun.recv_timeout(PATIENCE).is_ok() && message.contains("running") {
        rig.expect_stopped("hang");
    }
}

#[test]
fn a_huge_deadline_is_no_overflow() {
    let rig = Rig::new(1, 8);
    let mut frame = job("j", &source("a", 1), "nothing");
    frame.deadline = Duration::MAX;
    rig.session.submit(frame);
    rig.expect_done("j");
}

#[test]
fn a_job_ends_once_whoever_is_first() {
    let rig = Rig::new(8, 4096);
    let ledger = Arc::new(Ledger::default());
    let jobs = 6000;
    let writer = {
        let (errors, frames) = (rig.errors.clone(), rig.frames.clone());
        let ledger = Arc::clone(&ledger);
        thread::spawn(move || {
            let mut left = jobs;
            while left > 0 {
                crossbeam_channel::select_biased! {
                    recv(errors) -> frame => {
                        ledger.note(&frame.unwrap().id);
                        left -= 1;
                    },
                    recv(frames) -> frame => {
                        let frame = frame.unwrap();
                        if is_terminal(&frame) && !frame.job.is_aborted() {
                            ledger.note(frame.job.id());
                            left -= 1;
                        }
                    },
                    default(PATIENCE) => panic!("{left} jobs have no end"),
                }
            }
        })
    };
    let sources = [source("a", 3), source("b", 3), source("c", 1)];
    for n in 0..jobs {
        let target = ["rows", "fail", "nothing", "hang"][n % 4];
        let mut frame = job(&format!("j{n}"), &sources[n % 3], target);
        frame.deadline = Duration::from_micros((n as u64 % 7) * 300);
        rig.session.submit(frame);
        rig.session.cancel(&format!("j{}", n.saturating_sub(n % 5)));
    }
    writer.join().unwrap();
    // Nothing may follow, also not from the workers that are still busy.
    rig.engine.drain(PATIENCE, || {});
    let late = rig
        .frames
        .try_iter()
        .filter(|frame| is_terminal(frame) && !frame.job.is_aborted());
    assert_eq!(late.count() + rig.errors.len(), 0);
    let ledger = Arc::into_inner(ledger).unwrap().take();
    assert_eq!(ledger.len(), jobs);
    assert!(ledger.values().all(|ends| *ends == 1));
    rig.expect_active(0);
}

#[test]
fn a_panic_ends_its_job_only_and_its_pool() {
    let rig = Rig::new(1, 8);
    let source = source("a", 1);
    rig.submit("j", &source, "panic");
    let message = rig.expect_error("j", ErrorCode::Internal);
    assert!(!message.contains("as told"));
    rig.expect_closed("a");
    rig.submit("k", &source, "nothing");
    rig.expect_done("k");
    assert_eq!(rig.world.opened.load(Ordering::SeqCst), 2);
}

#[test]
fn refusals_name_the_reason() {
    let rig = Rig::new(2, 8);
    let mut unknown = source("a", 1);
    unknown.bridge = "bridge-nobody-has".into();
    rig.submit("j", &unknown, "nothing");
    let message = rig.expect_error("j", ErrorCode::UnknownBridge);
    assert!(
        message.starts_with("Unknown bridge: \"bridge-nobody-has\". Available:"),
        "{message}"
    );
    let mut search = job("k", &source("a", 1), "nothing");
    search.kind = JobKind::Other;
    search.kind_word = "search".into();
    rig.session.submit(search);
    let message = rig.expect_error("k", ErrorCode::UnsupportedKind);
    assert!(message.contains("\"search\""), "{message}");
}

#[test]
fn the_second_job_of_a_live_id_is_ignored() {
    let rig = Rig::new(2, 8);
    let source = source("a", 2);
    rig.submit("j", &source, "gate");
    rig.expect_begun("gate");
    rig.submit("j", &source, "fail");
    rig.world.gate.send(()).unwrap();
    rig.expect_done("j");
    rig.submit("j", &source, "fail");
    rig.expect_error("j", ErrorCode::QueryFailed);
}

#[test]
fn a_session_that_is_over_cancels_its_jobs_and_says_nothing() {
    let rig = Rig::new(2, 8);
    let source = source("a", 1);
    rig.submit("j", &source, "hang");
    rig.submit("k", &source, "nothing");
    rig.expect_begun("hang");
    drop(rig.session);
    assert_eq!(rig.world.stopped.recv_timeout(PATIENCE).unwrap(), "hang");
    assert_eq!(rig.engine.active_jobs(), 0);
    rig.engine.drain(PATIENCE, || {});
    assert!(rig.errors.is_empty());
    assert!(rig.frames.try_iter().all(|frame| frame.job.is_aborted()));
}

#[test]
fn a_worker_with_a_last_frame_does_not_outwait_the_session() {
    let rig = Rig::with_outbox(1, 8, 8, 0);
    let source = source("a", 1);
    rig.submit("j", &source, "nothing");
    rig.expect_begun("nothing");
    drop(rig.session);
    // Its last frame went nowhere, but the worker came back.
    rig.engine.drain(PATIENCE, || {});
    assert_eq!(rig.engine.active_jobs(), 0);
    assert!(rig.frames.is_empty());
}

#[test]
fn a_gateway_that_reads_no_answers_loses_its_session() {
    let rig = Rig::with_outbox(1, 0, 2, 8);
    let source = source("a", 1);
    rig.submit("g", &source, "gate");
    rig.expect_begun("gate");
    for n in 0..5 {
        rig.submit(&format!("j{n}"), &source, "nothing");
    }
    assert_eq!(rig.killed.load(Ordering::SeqCst), 1);
    assert_eq!(rig.errors.len(), 2);
    rig.world.gate.send(()).unwrap();
}

#[test]
fn draining_lets_jobs_finish_and_takes_no_more() {
    let rig = Rig::new(1, 8);
    let source = source("a", 1);
    rig.submit("j", &source, "gate");
    rig.submit("k", &source, "nothing");
    rig.expect_begun("gate");
    let engine = Arc::clone(&rig.engine);
    let drained = thread::spawn(move || engine.drain(PATIENCE, || {}));
    // Until the drain has begun, jobs are still accepted.
    let mut n = 0;
    let refused = loop {
        n += 1;
        let id = format!("late{n}");
        rig.submit(&id, &source, "nothing");
        if let Ok(ErrorFrame { text, .. }) = rig.errors.try_recv() {
            break text;
        }
        rig.session.cancel(&id);
        let _ = rig.errors.try_recv();
        thread::yield_now();
    };
    assert!(refused.contains("SHUTTING_DOWN"), "{refused}");
    rig.world.gate.send(()).unwrap();
    drained.join().unwrap();
    rig.expect_active(0);
    rig.expect_done("j");
    rig.expect_done("k");
}

#[test]
fn draining_cancels_what_does_not_finish_in_time() {
    let rig = Rig::new(1, 8);
    let source = source("a", 1);
    rig.submit("j", &source, "hang");
    rig.submit("k", &source, "nothing");
    rig.expect_begun("hang");
    rig.engine.drain(Duration::ZERO, || {});
    assert_eq!(rig.world.stopped.try_recv().as_deref(), Ok("hang"));
    rig.expect_error("k", ErrorCode::ShuttingDown);
    rig.expect_error("j", ErrorCode::ShuttingDown);
}
