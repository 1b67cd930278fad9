//! The dispatcher by itself, with a clock of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;

use super::*;
use crate::engine::Outbox;
use crate::engine::audit_record::AuditRecord;
use crate::engine::facts::JobFacts;
use crate::engine::live_job::SessionJobs;
use crate::engine::tests::rig::{job, source};
use crate::job::{Buffers, JobControl, Outcome, QueueSender, Wakeup};
use crate::sources::SourceKeys;

struct Desk {
    dispatch: Dispatch,
    ready: Arc<Ready<Run>>,
    keys: SourceKeys,
    session: Arc<SessionJobs>,
    now: Instant,
    jobs: u64,
}

impl Desk {
    fn new(workers: usize) -> Self {
        let ready = Arc::new(Ready::new());
        let (nudge, _) = bounded(1);
        let wakeup = Wakeup::default();
        let (errors, _) = QueueSender::queue(1, &wakeup);
        let (frames, _) = QueueSender::queue(1, &wakeup);
        let outbox = Outbox {
            errors,
            frames,
            shortcut: Arc::new(Some),
            buffers: Buffers::default(),
            kill: Arc::new(|| {}),
        };
        let (_, gone) = bounded(0);
        Self {
            dispatch: Dispatch::new(
                workers,
                100,
                Arc::clone(&ready),
                Timers::new(nudge, limits::LOST_WORKER_AFTER),
            ),
            ready,
            keys: SourceKeys::default(),
            session: Arc::new(SessionJobs::new(outbox, gone)),
            now: Instant::now(),
            jobs: 0,
        }
    }

    fn enqueue(&mut self, name: &str) -> Arc<LiveJob> {
        self.try_enqueue(name).unwrap()
    }

    fn try_enqueue(&mut self, name: &str) -> Result<Arc<LiveJob>, JobError> {
        let frame = job("j", &source(name, 1), "t");
        self.jobs += 1;
        let job = Arc::new(LiveJob {
            control: Arc::new(JobControl::new("j", self.now + Duration::from_secs(30))),
            session: Arc::clone(&self.session),
            key: self.keys.key(&frame.source),
            seq: self.jobs,
            arrived: self.now,
            facts: JobFacts::of(&frame),
            record: AuditRecord::default(),
            time_cap: None,
        });
        let mut left = Leftovers::default();
        let weight = Weight::of(&frame);
        self.dispatch
            .enqueue(Arc::clone(&job), frame, weight, &mut left)?;
        Ok(job)
    }

    /// A job of a source that has answered one.
    fn answering(&mut self, name: &str) -> Arc<LiveJob> {
        let frame = job("j", &source(name, 1), "t");
        let key = self.keys.key(&frame.source);
        let mut left = Leftovers::default();
        self.dispatch.lanes.enter(key, name, &mut left).answered = true;
        self.enqueue(name)
    }

    fn abort(&mut self, job: &Arc<LiveJob>) -> Place {
        assert!(job.control.end(Outcome::Aborted(ErrorCode::Cancelled)));
        self.dispatch
            .ended(job, self.now, &mut Leftovers::default())
    }

    fn finish(&mut self, job: &LiveJob) -> Next {
        let finished = job.control.end(Outcome::Finished);
        let mut left = Leftovers::default();
        self.dispatch
            .finish(job, finished, Verdict::Keep, &mut left)
    }

    fn later(&mut self, by: Duration) -> Due {
        self.now += by;
        self.dispatch.due(self.now)
    }
}

#[test]
fn a_worker_that_does_not_come_back_is_replaced() {
    let mut desk = Desk::new(1);
    let stuck = desk.enqueue("a");
    let waiting = desk.enqueue("b");
    assert_eq!(std::iter::from_fn(|| desk.ready.try_next()).count(), 1);
    assert!(matches!(desk.abort(&stuck), Place::Running));
    let due = desk.later(limits::LOST_WORKER_AFTER - Duration::from_millis(1));
    assert!(due.overdue.is_empty() && due.deadlines.is_empty());
    assert_eq!(due.next, Some(desk.now + Duration::from_millis(1)));
    let due = desk.later(Duration::from_millis(1));
    assert_eq!(due.overdue.len(), 1);
    assert!(desk.dispatch.may_replace(&stuck, desk.now));
    assert_eq!(desk.dispatch.replaced(&stuck).as_deref(), Some("a"));
    let run = desk.ready.try_next().unwrap();
    assert_eq!(run.job.seq, waiting.seq);
    // Its place in the lane stays taken: another job of the source waits, though a worker is idle.
    assert!(matches!(desk.finish(&waiting), Next::Wait));
    let next = desk.enqueue("a");
    assert!(desk.ready.try_next().is_none());
    assert_eq!(desk.dispatch.busy(), 0);
    // The late worker ends itself, and the other one takes the job that waited.
    assert!(matches!(desk.finish(&stuck), Next::Retire));
    assert_eq!(desk.ready.try_next().unwrap().job.seq, next.seq);
    assert!(matches!(desk.finish(&next), Next::Wait));
    assert_eq!(desk.dispatch.active(), 0);
}

#[test]
fn a_worker_that_comes_back_in_time_is_not() {
    let mut desk = Desk::new(1);
    let job = desk.enqueue("a");
    desk.abort(&job);
    assert!(matches!(desk.finish(&job), Next::Wait));
    let due = desk.later(limits::LOST_WORKER_AFTER);
    assert!(due.overdue.is_empty());
    assert_eq!(due.next, None);
}

#[test]
fn one_that_comes_back_while_it_is_replaced_leaves_no_surplus() {
    let mut desk = Desk::new(1);
    let late = desk.enqueue("a");
    desk.abort(&late);
    assert_eq!(desk.later(limits::LOST_WORKER_AFTER).overdue.len(), 1);
    assert!(matches!(desk.finish(&late), Next::Wait));
    assert_eq!(desk.dispatch.replaced(&late), None);
    // Two workers now; the next that comes back ends.
    let job = desk.enqueue("a");
    assert!(matches!(desk.finish(&job), Next::Retire));
    let job = desk.enqueue("a");
    assert!(matches!(desk.finish(&job), Next::Wait));
}

#[test]
fn there_is_an_end_to_replacing() {
    let mut desk = Desk::new(1);
    for n in 0..limits::LOST_WORKERS {
        let job = desk.answering(&n.to_string());
        desk.abort(&job);
        desk.later(limits::LOST_WORKER_AFTER);
        assert!(desk.dispatch.may_replace(&job, desk.now));
        desk.dispatch.replaced(&job).unwrap();
    }
    let job = desk.answering("one too many");
    desk.abort(&job);
    assert_eq!(desk.later(limits::LOST_WORKER_AFTER).overdue.len(), 1);
    assert!(!desk.dispatch.may_replace(&job, desk.now));
    // It is looked at again.
    assert_eq!(desk.later(limits::LOST_WORKER_AFTER).overdue.len(), 1);
}

#[test]
fn a_source_that_eats_workers_is_refused_and_the_others_go_on() {
    let mut desk = Desk::new(2);
    let good = desk.enqueue("good");
    assert!(good.control.end(Outcome::Finished));
    let mut left = Leftovers::default();
    let answered = Verdict::Answered;
    desk.dispatch.finish(&good, true, answered, &mut left);
    for n in 0..limits::MANY_LOST_WORKERS {
        let job = desk.enqueue(&n.to_string());
        desk.abort(&job);
        desk.later(limits::LOST_WORKER_AFTER);
        desk.dispatch.replaced(&job).unwrap();
    }
    for name in ["0", "never seen"] {
        let error = desk.try_enqueue(name).err().unwrap();
        assert_eq!(error.code, ErrorCode::Overloaded, "{name}");
    }
    let job = desk.answering("good");
    assert!(matches!(desk.finish(&job), Next::Wait));
}

#[test]
fn sources_that_hang_leave_workers_to_one_that_answers() {
    let mut desk = Desk::new(8);
    // The usual number, and as many again, are all that sources of which nothing is known may have.
    for n in 0..40 {
        desk.enqueue(&format!("hangs-{n}"));
        if desk.dispatch.wants_worker() {
            desk.dispatch.joined();
        }
    }
    let begun = std::iter::from_fn(|| desk.ready.try_next()).count();
    assert_eq!(begun, 8 - 2 + 8);
    let healthy = desk.answering("healthy");
    assert_eq!(desk.ready.try_next().unwrap().job.seq, healthy.seq);
    // It may have one of them, not all.
    desk.answering("healthy");
    assert!(desk.ready.try_next().is_none());
    let other = desk.answering("other");
    assert_eq!(desk.ready.try_next().unwrap().job.seq, other.seq);
    // What did not come back in time is like one of which nothing is known.
    desk.abort(&healthy);
    desk.finish(&healthy);
    desk.finish(&other);
    let again = desk.answering("other");
    assert_eq!(desk.ready.try_next().unwrap().job.seq, again.seq);
    assert!(desk.ready.try_next().is_none());
}

#[test]
fn a_job_is_counted_once_when_its_deadline_and_a_cancel_meet() {
    let mut desk = Desk::new(1);
    let job = desk.enqueue("a");
    // The canceller has ended the job; before it can say so, the watchdog finds it due and too late.
    assert!(job.control.end(Outcome::Aborted(ErrorCode::Cancelled)));
    assert_eq!(desk.later(Duration::from_secs(30)).deadlines.len(), 1);
    desk.dispatch.unwatch(&job);
    let now = desk.now;
    let mut left = Leftovers::default();
    assert!(matches!(
        desk.dispatch.ended(&job, now, &mut left),
        Place::Running
    ));
    assert_eq!(desk.dispatch.active(), 0);
    assert!(matches!(desk.finish(&job), Next::Wait));
    assert_eq!(desk.dispatch.active(), 0);

    // The worker has ended the job; its last frame waits for the gateway while the deadline passes.
    let job = desk.enqueue("a");
    assert!(job.control.end(Outcome::Finished));
    assert_eq!(desk.later(Duration::from_secs(30)).deadlines.len(), 1);
    desk.dispatch.unwatch(&job);
    assert_eq!(desk.dispatch.active(), 1);
    let mut left = Leftovers::default();
    desk.dispatch.finish(&job, true, Verdict::Keep, &mut left);
    assert_eq!(desk.dispatch.active(), 0);
}

#[test]
fn sources_take_turns() {
    let mut desk = Desk::new(1);
    let mut running = desk.enqueue("busy");
    for _ in 0..3 {
        desk.enqueue("many");
    }
    desk.enqueue("one");
    let mut order = Vec::new();
    while let Next::Run(run) = desk.finish(&running) {
        running = run.job;
        order.push(running.facts.source.name.clone());
    }
    assert_eq!(order, ["many", "one", "many", "many"]);
}

#[test]
fn a_cancelled_lane_leaves_the_ring() {
    let mut desk = Desk::new(1);
    let busy = desk.enqueue("busy");
    for n in 0..50 {
        let job = desk.enqueue(&n.to_string());
        assert!(matches!(desk.abort(&job), Place::Waiting));
    }
    assert!(desk.dispatch.ring.is_empty());
    assert_eq!((desk.dispatch.waiting, desk.dispatch.waiting_bytes), (0, 0));
    assert_eq!(desk.dispatch.lanes.iter().count(), 1);
    assert!(matches!(desk.finish(&busy), Next::Wait));
}
