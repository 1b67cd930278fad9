//! Who runs when: the state that all threads share, behind one short lock. Nothing in here blocks, does I/O
//! or runs a destructor of a bridge.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Sender;

use crate::bridges::Bridge;
use crate::engine::lane::{Lane, Run, Waiting, Weight};
use crate::engine::lanes::{Lanes, Leftovers};
use crate::engine::live_job::LiveJob;
use crate::engine::ready::Ready;
use crate::engine::timers::{Due, Timers};
use crate::error::{ErrorCode, JobError};
use crate::limits;
use crate::metrics::Gauges;
use crate::protocol::JobFrame;
use crate::sources::SourceKey;

/// Where a job was when it was ended from outside.
pub(super) enum Place {
    /// In its lane; its place is free now.
    Waiting,
    /// With a worker: its statement is to be stopped.
    Running,
    /// Nowhere: not yet accepted, or its worker has come back already.
    Nowhere,
}

/// What a worker does next.
#[expect(
    clippy::large_enum_variant,
    reason = "it is moved once a job, and a box would be memory for each"
)]
pub(super) enum Next {
    /// The next job, without going through the channel.
    Run(Run),
    /// Wait for one.
    Wait,
    /// End: it was replaced meanwhile.
    Retire,
}

/// What a job's end means for its source's bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It stays.
    Keep,
    /// It stays: its database answers.
    Answered,
    /// The next job opens it anew.
    Reopen,
}

/// Places beyond a full queue, for sources that wait for little.
pub(super) fn reserve(queue: usize) -> usize {
    queue / 8
}

/// Lanes, workers and timers.
pub(super) struct Dispatch {
    lanes: Lanes,
    timers: Timers,
    /// To the workers. No more runs are in it than there are idle workers.
    ready: Arc<Ready<Run>>,
    stopped: bool,
    /// Lanes with a job that may run, each once, in turn.
    ring: VecDeque<SourceKey>,
    /// Most jobs waiting in all lanes.
    queue: usize,
    /// Most workers a single source may hold, whatever its pool: one is left to the others.
    share: usize,
    /// Workers left to sources that have none and answered when they were last asked: no number of sources that
    /// hang, with however many jobs each, keeps a job of another one waiting.
    spare: usize,
    /// Most workers beyond the usual number.
    surplus_most: usize,
    waiting: usize,
    waiting_bytes: usize,
    running_bytes: usize,
    idle: usize,
    active: usize,
    lost: usize,
    /// Workers beyond the usual number: started for a lost one that came back just then, or because every
    /// one was busy. Those that find nothing to do end.
    surplus: usize,
    draining: Option<Sender<()>>,
}

impl Dispatch {
    pub fn new(workers: usize, queue: usize, ready: Arc<Ready<Run>>, timers: Timers) -> Self {
        Self {
            lanes: Lanes::new(limits::IDLE_SOURCES),
            timers,
            ready,
            stopped: false,
            ring: VecDeque::new(),
            queue,
            share: workers.saturating_sub(1).max(1),
            spare: (workers / limits::WORKERS_PER_SPARE)
                .max(1)
                .min(workers.saturating_sub(1)),
            surplus_most: workers,
            waiting: 0,
            waiting_bytes: 0,
            running_bytes: 0,
            idle: workers,
            active: 0,
            lost: 0,
            surplus: 0,
            draining: None,
        }
    }

    /// Accepts a job, or says why not.
    pub fn enqueue(
        &mut self,
        job: Arc<LiveJob>,
        frame: JobFrame,
        weight: Weight,
        left: &mut Leftovers,
    ) -> Result<(), JobError> {
        if self.draining.is_some() {
            let error = JobError::new(ErrorCode::ShuttingDown, "the runner is stopping");
            left.frame = Some(frame);
            return Err(error);
        }
        if job.control.is_aborted() {
            left.frame = Some(frame);
            return Ok(());
        }
        let key = job.key;
        let (idle, spare) = (self.idle, self.spare);
        let fits = self.fits(weight.running);
        let lane = self.lanes.enter(key, &frame.source.name, left);
        if self.lost >= limits::MANY_LOST_WORKERS && lane.is_doubtful() {
            let error = JobError::new(
                ErrorCode::Overloaded,
                "too many workers are stuck with databases that do not answer; only sources that do are \
                 served until they come back",
            );
            self.lanes.left(key, left);
            left.frame = Some(frame);
            return Err(error);
        }
        if fits && lane.waiting.is_empty() && may_run(lane, idle, spare) {
            lane.used = job.seq;
            self.timers.watch(&job);
            self.active += 1;
            let run = lane.run(Waiting { job, frame, weight });
            self.running_bytes += weight.running;
            self.send(run);
            return Ok(());
        }
        // A source that waits for little may still wait when another one has filled the queue.
        let waits_for_little = lane.waiting.len() < self.queue / 64;
        let reserve = if waits_for_little {
            reserve(self.queue)
        } else {
            0
        };
        let bytes = match waits_for_little && weight.waiting <= limits::LIGHT_JOB {
            true => limits::QUEUE_BYTES + limits::QUEUE_SPARE,
            false => limits::QUEUE_BYTES,
        };
        if self.waiting >= self.queue + reserve
            || (self.waiting > 0 && self.waiting_bytes + weight.waiting > bytes)
        {
            let error = JobError::new(
                ErrorCode::Overloaded,
                format!("{} jobs are waiting already", self.waiting),
            );
            self.lanes.left(key, left);
            left.frame = Some(frame);
            return Err(error);
        }
        lane.used = job.seq;
        self.timers.watch(&job);
        self.active += 1;
        self.waiting += 1;
        self.waiting_bytes += weight.waiting;
        lane.waiting.insert(job.seq, Waiting { job, frame, weight });
        self.list(key);
        self.start();
        Ok(())
    }

    /// The first job of a lane opened its bridge.
    pub fn opened(&mut self, key: SourceKey, bridge: &Arc<dyn Bridge>, concurrency: usize) {
        if let Some(lane) = self.lanes.get(key) {
            lane.open(Arc::clone(bridge), concurrency.clamp(1, self.share));
        }
        self.list(key);
        self.start();
    }

    /// A job was ended by somebody other than its worker, who called `JobControl::end` first.
    pub fn ended(&mut self, job: &Arc<LiveJob>, now: Instant, left: &mut Leftovers) -> Place {
        if self.timers.unwatch(job) {
            self.active -= 1;
        }
        let Some(lane) = self.lanes.get(job.key) else {
            return Place::Nowhere;
        };
        let place = if let Some(waiting) = lane.waiting.remove(&job.seq) {
            self.waiting -= 1;
            self.waiting_bytes -= waiting.weight.waiting;
            if lane.waiting.is_empty() && lane.listed {
                lane.listed = false;
                self.ring.retain(|key| *key != job.key);
            }
            self.lanes.left(job.key, left);
            left.frame = Some(waiting.frame);
            Place::Waiting
        } else if let Some(running) = lane.running.get_mut(&job.seq) {
            running.back_by = Some(self.timers.expect(job, now));
            lane.silent = true;
            Place::Running
        } else {
            Place::Nowhere
        };
        self.tell_drain();
        place
    }

    /// A worker comes back from a job. `finished` says that it ended the job itself and handed over the last
    /// frame.
    pub fn finish(
        &mut self,
        job: &LiveJob,
        finished: bool,
        verdict: Verdict,
        left: &mut Leftovers,
    ) -> Next {
        if finished {
            self.timers.unwatch(job);
            self.active -= 1;
        }
        let mut retire = false;
        if let Some(lane) = self.lanes.get(job.key) {
            if verdict == Verdict::Reopen {
                left.bridges.extend(lane.close());
            }
            if let Some(running) = lane.running.remove(&job.seq) {
                if let Some(at) = running.back_by {
                    self.timers.returned(job, at);
                }
                self.running_bytes -= running.bytes;
                retire = running.lost;
            }
            if verdict == Verdict::Answered {
                lane.answered = true;
                lane.silent = false;
            }
        }
        self.list(job.key);
        self.lanes.left(job.key, left);
        self.tell_drain();
        if retire {
            self.lost -= 1;
            // The place in the lane may be what a waiting job needs; the worker is not.
            self.start();
            return Next::Retire;
        }
        self.idle += 1;
        if let Some(run) = self.next() {
            self.idle -= 1;
            return Next::Run(run);
        }
        // The last ones are those that are left to sources that answer.
        if self.surplus > 0 && self.idle > self.spare {
            self.surplus -= 1;
            self.idle -= 1;
            return Next::Retire;
        }
        Next::Wait
    }

    /// True when a job of a source that has no worker waits for one, and another worker may be started.
    pub fn wants_worker(&mut self) -> bool {
        if self.idle > self.spare
            || self.surplus >= self.surplus_most
            || self.lost + self.surplus >= limits::LOST_WORKERS
        {
            return false;
        }
        let Self { ring, lanes, .. } = self;
        ring.iter()
            .any(|key| lanes.get(*key).is_some_and(|lane| lane.running.is_empty()))
    }

    /// A worker was started beyond the usual number.
    pub fn joined(&mut self) {
        self.surplus += 1;
        self.idle += 1;
        self.start();
    }

    /// A new worker takes the place of the one that is stuck with `job`. Returns the source's label, or
    /// `None` when that worker came back at the last moment.
    pub fn replaced(&mut self, job: &LiveJob) -> Option<String> {
        let label = self.lanes.get(job.key).and_then(|lane| {
            let running = lane.running.get_mut(&job.seq)?;
            running.lost = true;
            running.back_by = None;
            Some(lane.label.clone())
        });
        match label {
            Some(_) => self.lost += 1,
            None => self.surplus += 1,
        }
        self.idle += 1;
        self.start();
        label
    }

    /// True while another worker may be replaced; else the watchdog asks again later.
    pub fn may_replace(&mut self, job: &Arc<LiveJob>, now: Instant) -> bool {
        if self.lost + self.surplus < limits::LOST_WORKERS {
            return true;
        }
        self.expect_back(job, now);
        false
    }

    /// Looks again later whether the worker of an ended job is back.
    pub fn expect_back(&mut self, job: &Arc<LiveJob>, now: Instant) {
        if let Some(running) = self
            .lanes
            .get(job.key)
            .and_then(|lane| lane.running.get_mut(&job.seq))
        {
            running.back_by = Some(self.timers.expect(job, now));
        }
    }

    /// What the watchdog has to do.
    pub fn due(&mut self, now: Instant) -> Due {
        Due {
            stopped: self.stopped,
            ..self.timers.due(now)
        }
    }

    /// A job past its deadline had ended just before: its last frame is under way, or whoever aborted it is
    /// about to call `ended`, which counts only jobs that it finds watched.
    pub fn unwatch(&mut self, job: &LiveJob) {
        if self.timers.unwatch(job) && job.control.is_aborted() {
            self.active -= 1;
        }
    }

    /// Replaces the assignment list.
    pub fn assign(&mut self, assigned: HashSet<SourceKey>, left: &mut Leftovers) {
        self.lanes.assign(assigned, left);
    }

    /// Refuses jobs from now on; `quiet` gets a message whenever a job ended.
    pub fn drain(&mut self, quiet: Sender<()>) {
        self.draining = Some(quiet);
    }

    /// Jobs that have not ended.
    pub fn active(&self) -> usize {
        self.active
    }

    /// The figures of this moment.
    pub fn gauges(&self) -> Gauges {
        let mut gauges = Gauges::of_jobs(self.active, self.waiting, self.lost);
        for lane in self.lanes.iter() {
            if let Some(bridge) = &lane.bridge {
                let pool = bridge.pool_state();
                gauges.add_pool(&lane.label, pool.connections, pool.idle);
            }
        }
        gauges
    }

    /// Every job that has not ended.
    pub fn live(&self) -> Vec<Arc<LiveJob>> {
        self.timers.watched()
    }

    /// Workers that are busy and not given up.
    pub fn busy(&self) -> usize {
        self.lanes
            .iter()
            .flat_map(|lane| lane.running.values())
            .filter(|running| !running.lost)
            .count()
    }

    /// Lets idle workers and the watchdog end.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.ready.close();
        self.timers.wake();
    }

    fn list(&mut self, key: SourceKey) {
        if let Some(lane) = self.lanes.get(key)
            && lane.is_ready()
            && !lane.listed
        {
            lane.listed = true;
            self.ring.push_back(key);
        }
    }

    /// Takes the first waiting job of the lane whose turn it is. Lanes that have to wait for other lanes keep
    /// their place.
    fn next(&mut self) -> Option<Run> {
        for _ in 0..self.ring.len() {
            let key = self.ring.pop_front()?;
            let (idle, spare) = (self.idle, self.spare);
            let Some(lane) = self.lanes.get(key) else {
                continue;
            };
            lane.listed = false;
            if !lane.is_ready() {
                continue;
            }
            let first = lane.waiting.first_key_value();
            let weight = first.map(|(_, first)| first.weight);
            let may_run = may_run(lane, idle, spare);
            let Some(weight) = weight.filter(|weight| may_run && self.fits(weight.running)) else {
                self.list(key);
                continue;
            };
            let Some(run) = self.lanes.get(key).and_then(|lane| {
                let (_, waiting) = lane.waiting.pop_first()?;
                Some(lane.run(waiting))
            }) else {
                continue;
            };
            self.waiting -= 1;
            self.waiting_bytes -= weight.waiting;
            self.running_bytes += weight.running;
            self.list(key);
            return Some(run);
        }
        None
    }

    /// True when a job of this weight may run beside those that do. A light one always may: it would wait for those
    /// whose database hangs.
    fn fits(&self, bytes: usize) -> bool {
        bytes <= limits::LIGHT_JOB
            || self.running_bytes == 0
            || self.running_bytes + bytes <= limits::RUNNING_BYTES
    }

    fn start(&mut self) {
        while self.idle > 0
            && let Some(run) = self.next()
        {
            self.send(run);
        }
    }

    fn send(&mut self, run: Run) {
        self.idle -= 1;
        self.ready.push(run);
    }

    fn tell_drain(&self) {
        if let Some(quiet) = &self.draining {
            // One message is enough to make it look.
            let _ = quiet.try_send(());
        }
    }
}

/// True when a worker may take a job of this lane, with so many idle ones and so many to be left to lanes that
/// have none and will give it back. As many again are left to the first jobs of lanes that may not: what answers soon
/// shows that, however many others hang.
fn may_run(lane: &Lane, idle: usize, spare: usize) -> bool {
    let least = match (lane.running.is_empty(), lane.may_hang()) {
        (true, false) => 0,
        (true, true) | (false, false) => spare,
        (false, true) => spare * 2,
    };
    idle > least && lane.has_room()
}

#[cfg(test)]
#[path = "tests/dispatch.rs"]
mod tests;
