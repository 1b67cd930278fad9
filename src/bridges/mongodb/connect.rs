//! Finding a server that may answer, and opening a session with it. There is nobody who watches the servers in
//! the background: whoever needs a connection looks at them now, and what was learned is where the next one begins.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::config::{Address, Seeds, Settings};
use super::dial::Dial;
use super::round::Round;
use super::service;
use super::session::Session;
use crate::bridges::places::Place;
use crate::bridges::pool::{Connector, connect_budget};
use crate::error::JobError;
use crate::job::{JobControl, Phase};
use crate::limits;
use crate::locks::lock;
use crate::net::Budget;

/// Pause between two looks at a replica set without a primary.
const ELECTION_PAUSE: Duration = Duration::from_millis(100);

/// Connects sessions of one source.
pub struct MongoConnector {
    settings: Arc<Settings>,
    known: Mutex<Known>,
    turn: AtomicUsize,
}

/// What earlier connections learned.
#[derive(Default)]
struct Known {
    /// Members of the set, the primary first where there is one.
    members: Vec<Address>,
    /// Servers that could not be reached the last time.
    unreached: Vec<Address>,
    /// What DNS says, and since when.
    service: Option<(Instant, service::Found)>,
}

impl MongoConnector {
    /// A connector for checked settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            known: Mutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
    }

    /// The servers to begin with. What DNS says is asked for again after a minute.
    fn seeds(&self, dial: &Dial<'_>) -> Result<(Vec<Address>, Arc<Settings>), JobError> {
        let settings = Arc::clone(&self.settings);
        let (host, service, most) = match &settings.seeds {
            Seeds::Named(seeds) => return Ok((seeds.clone(), settings)),
            Seeds::Service {
                host,
                service,
                most,
            } => (host, service, most),
        };
        let remembered = self.known().service.clone();
        let found = match remembered {
            Some((asked, found)) if asked.elapsed() < limits::MONGODB_SERVICE => found,
            _ => {
                let found = service::look_up(host, service, dial.budget, &dial.cutter()?)?;
                self.known().service = Some((Instant::now(), found.clone()));
                found
            }
        };
        let mut seeds = found.hosts.clone();
        seeds.truncate(most.unwrap_or(usize::MAX));
        let settings = settings.with_records(found.auth_source, found.replica_set);
        Ok((seeds, Arc::new(settings)))
    }

    fn open(&self, dial: &Dial<'_>) -> Result<Session, JobError> {
        let (seeds, settings) = self.seeds(dial)?;
        loop {
            let (mut first, doubtful) = {
                let known = self.known();
                (known.members.clone(), known.unreached.clone())
            };
            first.extend(seeds.iter().cloned());
            let mut round = Round::new(&settings, dial);
            let chosen = round.look(first, &doubtful)?;
            {
                let mut known = self.known();
                if !round.members.is_empty() {
                    known.members = std::mem::take(&mut round.members);
                }
                known.unreached = std::mem::take(&mut round.unreached);
            }
            if let Some(met) = chosen {
                return Session::open(&settings, met);
            }
            let failure = round.failure();
            // Another round may find the one that is being elected.
            let pause = dial.budget.left().map(|left| left.min(ELECTION_PAUSE));
            let (true, Ok(pause)) = (round.is_electing(), pause) else {
                return Err(failure);
            };
            drop(round);
            let _ = dial.job.aborted().recv_timeout(pause);
            dial.job.check()?;
        }
    }
}

impl Connector for MongoConnector {
    type Connection = Session;

    fn connect(&self, job: &Arc<JobControl>, _: &Place) -> Result<Session, JobError> {
        let budget = Budget::new(connect_budget(job, self.settings.selection_timeout)?);
        let dial = Dial::new(job, budget, self.turn.fetch_add(1, Ordering::Relaxed));
        let current = Arc::clone(&dial.current);
        let guard = job.stop_with(move || current.cut())?;
        // It may be stopped like a statement, but it is none.
        job.enter(Phase::Connecting);
        let opened = self.open(&dial);
        drop(guard);
        job.check()?;
        opened
    }

    fn reusable(&self, session: &mut Session) -> bool {
        session.reusable()
    }

    fn kept(&self, session: &mut Session) -> usize {
        session.kept()
    }
}
