//! Who runs when.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::rig::{Rig, job, source};
use crate::error::ErrorCode;
use crate::options::JobKind;

#[test]
fn a_source_that_hangs_leaves_the_others_alone() {
    let rig = Rig::new(8, 1024);
    let slow = source("slow", 3);
    for n in 0..60 {
        rig.submit(&format!("s{n}"), &slow, "hang");
    }
    for _ in 0..3 {
        rig.expect_begun("hang");
    }
    let quick = source("quick", 3);
    for n in 0..100 {
        let id = format!("q{n}");
        rig.submit(&id, &quick, "nothing");
        rig.expect_done(&id);
        rig.expect_begun("nothing");
    }
    rig.expect_active(60);
    assert!(
        rig.world.begun.is_empty(),
        "a fourth job of the slow source began"
    );
}

#[test]
fn one_source_never_gets_every_worker() {
    let rig = Rig::new(2, 1024);
    let greedy = source("greedy", 64);
    for n in 0..10 {
        rig.submit(&format!("g{n}"), &greedy, "hang");
    }
    rig.expect_begun("hang");
    rig.submit("q", &source("quick", 1), "nothing");
    rig.expect_done("q");
}

#[test]
fn a_source_without_a_worker_gets_one_though_all_are_busy() {
    let rig = Rig::new(1, 1024);
    rig.submit("g", &source("many", 1), "gate");
    rig.expect_begun("gate");
    rig.submit("o", &source("one", 1), "one");
    rig.expect_begun("one");
    rig.expect_done("o");
    rig.world.gate.send(()).unwrap();
    rig.expect_done("g");
}

#[test]
fn a_source_runs_as_many_jobs_as_it_has_connections() {
    let rig = Rig::new(8, 1024);
    let two = source("two", 2);
    for n in 0..5 {
        rig.submit(&format!("j{n}"), &two, "gate");
    }
    rig.expect_begun("gate");
    rig.expect_begun("gate");
    assert!(rig.world.begun.is_empty());
    rig.world.gate.send(()).unwrap();
    rig.next();
    rig.expect_begun("gate");
    assert!(rig.world.begun.is_empty());
    for _ in 0..4 {
        rig.world.gate.send(()).unwrap();
    }
    for _ in 0..4 {
        assert_eq!(rig.next().kind, "done");
    }
    rig.expect_active(0);
    assert_eq!(rig.world.opened.load(Ordering::SeqCst), 1);
}

#[test]
fn a_full_queue_refuses_and_an_ended_job_frees_its_place() {
    let rig = Rig::new(1, 2);
    let source = source("a", 1);
    rig.submit("j0", &source, "gate");
    rig.expect_begun("gate");
    rig.submit("j1", &source, "nothing");
    rig.submit("j2", &source, "nothing");
    rig.submit("j3", &source, "nothing");
    rig.expect_error("j3", ErrorCode::Overloaded);
    rig.session.cancel("j1");
    rig.expect_error("j1", ErrorCode::Cancelled);
    rig.submit("j4", &source, "nothing");
    rig.world.gate.send(()).unwrap();
    for id in ["j0", "j2", "j4"] {
        rig.expect_done(id);
    }
}

#[test]
fn another_source_finds_a_place_when_one_has_filled_the_queue() {
    let rig = Rig::new(1, 64);
    let (many, one) = (source("many", 1), source("one", 1));
    rig.submit("g", &many, "gate");
    rig.expect_begun("gate");
    for n in 0..64 {
        rig.submit(&format!("m{n}"), &many, "nothing");
    }
    rig.submit("m64", &many, "nothing");
    rig.expect_error("m64", ErrorCode::Overloaded);
    rig.submit("o", &one, "nothing");
    rig.expect_done("o");
    rig.world.gate.send(()).unwrap();
    rig.expect_done("g");
}

#[test]
fn large_options_fill_the_queue_too() {
    let rig = Rig::new(1, 1024);
    let source = source("a", 1);
    rig.submit("g", &source, "gate");
    rig.expect_begun("gate");
    for id in ["j0", "j1", "j2"] {
        let mut large = job(id, &source, "nothing");
        large.options = "x".repeat(crate::limits::QUEUE_BYTES / 2 - 10_000).into();
        rig.session.submit(large);
    }
    rig.expect_error("j2", ErrorCode::Overloaded);
    // A target or a configuration is as heavy.
    let mut other = job("j3", &source, "nothing");
    other.target = "x".repeat(crate::limits::QUEUE_BYTES / 2);
    rig.session.submit(other);
    rig.expect_error("j3", ErrorCode::Overloaded);
    rig.world.gate.send(()).unwrap();
    for id in ["g", "j0", "j1"] {
        rig.expect_done(id);
    }
}

#[test]
fn large_jobs_wait_for_each_other_and_small_ones_do_not() {
    let rig = Rig::new(8, 1024);
    for n in 0..2 {
        let mut large = job(&format!("l{n}"), &source(&format!("s{n}"), 1), "gate");
        large.options = json!({"x": "x".repeat(crate::limits::RUNNING_BYTES / 2)});
        rig.session.submit(large);
    }
    rig.expect_begun("gate");
    rig.submit("small", &source("small", 1), "small");
    rig.expect_begun("small");
    rig.expect_done("small");
    assert!(rig.world.begun.is_empty(), "two large jobs run at a time");
    for n in 0..2 {
        rig.world.gate.send(()).unwrap();
        rig.expect_done(&format!("l{n}"));
    }
}

#[test]
fn many_sources_that_hang_leave_a_worker_to_another_one() {
    let rig = Rig::new(8, 1024);
    for n in 0..6 {
        for job in 0..3 {
            rig.submit(&format!("h{n}-{job}"), &source(&format!("h{n}"), 3), "hang");
        }
    }
    // Nobody knows yet that it is quick.
    let quick = source("quick", 3);
    for n in 0..20 {
        let id = format!("q{n}");
        rig.submit(&id, &quick, "nothing");
        rig.expect_done(&id);
    }
    // More of them than there are workers.
    for n in 6..9 {
        rig.submit(&format!("h{n}"), &source(&format!("h{n}"), 3), "hang");
    }
    rig.submit("q", &quick, "nothing");
    rig.expect_done("q");
}

#[test]
fn a_deadline_counts_while_a_job_waits() {
    let rig = Rig::new(1, 1024);
    let source = source("a", 1);
    rig.submit("g", &source, "gate");
    rig.expect_begun("gate");
    let mut late = job("late", &source, "nothing");
    late.deadline = Duration::from_millis(3);
    rig.session.submit(late);
    let message = rig.expect_error("late", ErrorCode::DeadlineExceeded);
    assert!(
        message.contains("3 ms") && message.contains("waiting"),
        "{message}"
    );
    rig.expect_active(1);
    rig.world.gate.send(()).unwrap();
    rig.expect_done("g");
    assert!(rig.world.begun.is_empty(), "a dead job ran");
}

#[test]
fn workers_stuck_in_their_driver_are_replaced() {
    let rig = Rig::new(2, 1024);
    // Two sources of one connection each hold both workers, and their driver does not listen.
    let dead = [source("dead1", 1), source("dead2", 1)];
    for (n, source) in dead.iter().enumerate() {
        rig.submit(&format!("j{n}"), source, "gate");
        rig.expect_begun("gate");
    }
    rig.submit("more", &dead[0], "more");
    rig.submit("k", &source("alive", 1), "nothing");
    for id in ["j0", "j1"] {
        rig.session.cancel(id);
        rig.expect_error(id, ErrorCode::Cancelled);
    }
    rig.expect_done("k");
    rig.expect_begun("nothing");
    // The dead source's own next job still waits for its connection.
    assert!(rig.world.begun.is_empty());
    for _ in 0..2 {
        rig.world.gate.send(()).unwrap();
    }
    rig.expect_done("more");
    rig.expect_active(0);
}

/// One that is too heavy to run beside others holds up no light one, however long its database takes.
#[test]
fn the_heaviest_job_holds_up_no_light_one() {
    let rig = Rig::new(8, 1024);
    let mut heavy = job("heavy", &source("heavy", 1), "gate");
    heavy.options = json!({"x": "x".repeat(crate::limits::RUNNING_BYTES + 1)});
    rig.session.submit(heavy);
    rig.expect_begun("gate");
    rig.submit("light", &source("light", 1), "nothing");
    rig.expect_done("light");
    rig.world.gate.send(()).unwrap();
    rig.expect_done("heavy");
}

/// What a job sends to its database takes as much again: it is not made while another one has a large row.
#[test]
fn a_heavy_job_takes_turns_with_large_rows() {
    let rig = Rig::new(8, 1024);
    rig.submit("large", &source("s0", 1), "large");
    rig.expect_begun("large");
    let mut heavy = job("heavy", &source("s1", 1), "heavy");
    heavy.options = json!({"x": "x".repeat(crate::limits::HEAVY_JOB)});
    rig.session.submit(heavy);
    rig.submit("light", &source("s2", 1), "light");
    rig.expect_begun("light");
    rig.expect_done("light");
    thread::sleep(Duration::from_millis(100));
    assert!(rig.world.begun.is_empty(), "it runs beside a large row");
    rig.world.gate.send(()).unwrap();
    rig.expect_done("large");
    rig.expect_begun("heavy");
    rig.expect_done("heavy");
}

/// An aggregate is as heavy as what its statement says again with every measure.
#[test]
fn an_aggregate_weighs_its_statement() {
    let rig = Rig::new(8, 1024);
    let measures: Map<String, Value> = (0..1000)
        .map(|n| (format!("m{n}"), json!({"agg": "count"})))
        .collect();
    for n in 0..4 {
        let mut many = job(&format!("a{n}"), &source(&format!("s{n}"), 1), "gate");
        many.kind = JobKind::Aggregate;
        many.options = json!({"measures": measures, "candidatesWhere": {"a": "x".repeat(10_000)}});
        rig.session.submit(many);
    }
    rig.expect_begun("gate");
    thread::sleep(Duration::from_millis(100));
    assert!(rig.world.begun.is_empty(), "two of them run at a time");
    for _ in 0..4 {
        rig.world.gate.send(()).unwrap();
    }
    for _ in 0..4 {
        assert_eq!(rig.next().kind, "done");
    }
}

#[test]
fn heavy_jobs_that_wait_leave_room_for_a_light_one() {
    let rig = Rig::new(2, 1024);
    let (heavy, light) = (source("heavy", 1), source("light", 1));
    rig.submit("h", &heavy, "gate");
    rig.expect_begun("gate");
    rig.submit("l", &light, "gate");
    rig.expect_begun("gate");
    for n in 0..3 {
        let mut waiting = job(&format!("h{n}"), &heavy, "nothing");
        waiting.options = "x".repeat(crate::limits::QUEUE_BYTES / 3 - 10_000).into();
        rig.session.submit(waiting);
    }
    let mut more = job("h3", &heavy, "nothing");
    more.options = "x".repeat(crate::limits::LIGHT_JOB).into();
    rig.session.submit(more);
    rig.expect_error("h3", ErrorCode::Overloaded);
    for n in 0..2 {
        let mut waiting = job(&format!("l{n}"), &light, "nothing");
        waiting.options = "x".repeat(crate::limits::LIGHT_JOB / 2).into();
        rig.session.submit(waiting);
    }
    for _ in 0..2 {
        rig.world.gate.send(()).unwrap();
    }
    for _ in 0..7 {
        assert_eq!(rig.next().kind, "done");
    }
}
