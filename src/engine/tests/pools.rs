//! Which bridges are open, and for how long.

use std::sync::atomic::Ordering;

use super::rig::{PATIENCE, Rig, source};
use crate::error::ErrorCode;
use crate::limits;
use crate::sources::CredentialsLocation;

#[test]
fn a_new_configuration_gets_its_own_pool_and_the_old_one_goes_with_its_last_job() {
    let rig = Rig::new(4, 8);
    let old = source("a", 1);
    rig.submit("j", &old, "gate");
    rig.expect_begun("gate");
    let new = source("a", 2);
    rig.submit("k", &new, "nothing");
    rig.expect_done("k");
    assert_eq!(rig.world.opened.load(Ordering::SeqCst), 2);
    assert!(
        rig.world.closed.is_empty(),
        "a pool was closed under its job"
    );
    rig.world.gate.send(()).unwrap();
    rig.expect_done("j");
    rig.expect_closed("a");
    rig.submit("l", &new, "nothing");
    rig.expect_done("l");
    assert_eq!(rig.world.opened.load(Ordering::SeqCst), 2);
}

#[test]
fn a_source_that_is_no_longer_assigned_loses_its_pool() {
    let rig = Rig::new(4, 8);
    let (idle, busy, kept) = (source("idle", 1), source("busy", 1), source("kept", 1));
    rig.engine
        .assign(&[idle.clone(), busy.clone(), kept.clone()]);
    for source in [&idle, &kept] {
        rig.submit("j", source, "nothing");
        rig.expect_done("j");
    }
    // The frame goes out before the worker is back; the next job of the lane begins after that.
    for source in [&idle, &kept] {
        rig.submit("j", source, "nothing");
        rig.expect_done("j");
    }
    rig.submit("b", &busy, "gate");
    rig.engine.assign(std::slice::from_ref(&kept));
    rig.expect_closed("idle");
    rig.world.gate.send(()).unwrap();
    rig.expect_done("b");
    rig.expect_closed("busy");
    rig.submit("k", &kept, "nothing");
    rig.expect_done("k");
    assert_eq!(rig.world.opened.load(Ordering::SeqCst), 3);
}

#[test]
fn a_gateway_cannot_make_us_hold_pools_without_end() {
    let rig = Rig::new(1, 8);
    let assigned = source("assigned", 1);
    rig.engine.assign(std::slice::from_ref(&assigned));
    rig.submit("j", &assigned, "nothing");
    rig.expect_done("j");
    for n in 0..limits::IDLE_SOURCES + 5 {
        rig.submit("j", &source(&format!("s{n}"), 1), "nothing");
        rig.expect_done("j");
    }
    // The oldest go first, but not the one that is assigned.
    let mut closed: Vec<_> = (0..6)
        .map(|_| rig.world.closed.recv_timeout(PATIENCE).unwrap())
        .collect();
    closed.sort();
    assert_eq!(closed, ["s0", "s1", "s2", "s3", "s4", "s5"]);
}

#[test]
fn a_rejected_local_password_is_read_again() {
    let rig = Rig::new(1, 8);
    let managed = source("managed", 1);
    let mut local = source("local", 1);
    local.credentials = CredentialsLocation::RunnerLocal;
    for source in [&managed, &managed, &local, &local] {
        rig.submit("j", source, "auth");
        rig.expect_error("j", ErrorCode::SourceAuthFailed);
    }
    assert_eq!(rig.world.opened.load(Ordering::SeqCst), 3);
}
