//! One look at the servers of a source: each is greeted, those they name as well, and one is chosen.

use std::time::{Duration, Instant};

use super::config::{Address, ReadMode, Settings};
use super::dial::Dial;
use super::greet::greet;
use super::topology::{Candidate, Greeting, Role};
use super::wire::Connection;
use crate::bridges::config::unusable;
use crate::error::{ErrorCode, JobError};
use crate::net::Budget;

/// A server that was greeted.
pub struct Met {
    /// Where it is.
    pub address: Address,
    /// The connection to it, on which nobody has logged in yet.
    pub connection: Connection,
    /// What it says of itself.
    pub greeting: Greeting,
    latency: Duration,
}

/// What a look has found.
pub struct Round<'a> {
    settings: &'a Settings,
    dial: &'a Dial<'a>,
    met: Vec<Met>,
    failures: Vec<JobError>,
    /// Members of the set as its members name them, the primary first.
    pub members: Vec<Address>,
    /// Those that could not be reached.
    pub unreached: Vec<Address>,
}

impl<'a> Round<'a> {
    /// Nobody is known yet.
    pub fn new(settings: &'a Settings, dial: &'a Dial<'a>) -> Self {
        Self {
            settings,
            dial,
            met: Vec::new(),
            failures: Vec::new(),
            members: Vec::new(),
            unreached: Vec::new(),
        }
    }

    /// Looks among these servers, and only when none of them will do among those that could not be reached the
    /// last time: whoever swallows packets takes as long as connecting may take.
    pub fn look(
        &mut self,
        first: Vec<Address>,
        doubtful: &[Address],
    ) -> Result<Option<Met>, JobError> {
        let (late, mut first): (Vec<_>, Vec<_>) = first
            .into_iter()
            .partition(|address| doubtful.contains(address));
        let mut seen = late.clone();
        if let Some(met) = self.meet(&mut first, &mut seen)? {
            return Ok(Some(met));
        }
        if let Some(met) = self.choose() {
            return Ok(Some(met));
        }
        // Their names may have come up again meanwhile.
        let mut late: Vec<_> = doubtful
            .iter()
            .filter(|address| late.contains(address) || self.members.contains(address))
            .cloned()
            .collect();
        seen.retain(|address| !late.contains(address));
        match self.meet(&mut late, &mut seen)? {
            Some(met) => Ok(Some(met)),
            None => Ok(self.choose()),
        }
    }

    /// Greets one after the other, until one is the right one whoever else there is.
    fn meet(
        &mut self,
        addresses: &mut Vec<Address>,
        seen: &mut Vec<Address>,
    ) -> Result<Option<Met>, JobError> {
        let mut next = 0;
        while let Some(address) = addresses.get(next).cloned() {
            next += 1;
            if seen.contains(&address) {
                continue;
            }
            seen.push(address.clone());
            self.dial.job.check()?;
            let left = self.dial.budget.left().unwrap_or_default();
            let budget = Budget::new(left.min(self.settings.connect_timeout));
            let started = Instant::now();
            let (connection, greeting) =
                match greet(self.settings, &address, budget, self.dial.cutter()?) {
                    Ok(greeted) => greeted,
                    // Credentials and settings are wrong everywhere.
                    Err(error) if error.code != ErrorCode::SourceUnreachable => return Err(error),
                    Err(error) => {
                        self.failures.push(error);
                        self.unreached.push(address);
                        continue;
                    }
                };
            self.check_set(&address, &greeting)?;
            for member in greeting.primary.iter().chain(&greeting.members) {
                if !self.members.contains(member) {
                    self.members.push(member.clone());
                }
            }
            let met = Met {
                address,
                latency: started.elapsed(),
                connection,
                greeting,
            };
            if self.settings.direct || self.settings.read.is_met_by(met.greeting.role) {
                return Ok(Some(met));
            }
            addresses.extend(self.members.iter().cloned());
            self.met.push(met);
        }
        Ok(None)
    }

    fn choose(&mut self) -> Option<Met> {
        let candidates: Vec<_> = self
            .met
            .iter()
            .map(|met| Candidate {
                greeting: &met.greeting,
                latency: met.latency,
            })
            .collect();
        let window = self.settings.latency_window;
        let suitable = self.settings.read.choose(&candidates, window);
        // Any will do, and not always the same one.
        let turn = self.dial.turn.checked_rem(suitable.len())?;
        let place = suitable.get(turn).copied()?;
        Some(self.met.swap_remove(place))
    }

    fn check_set(&self, address: &Address, greeting: &Greeting) -> Result<(), JobError> {
        match (&self.settings.replica_set, &greeting.set) {
            (Some(wanted), Some(set)) if wanted != set => Err(unusable(format!(
                "{address} belongs to the replica set \"{set}\", not \"{wanted}\""
            ))),
            (Some(wanted), None) if greeting.role != Role::Other => Err(unusable(format!(
                "{address} belongs to no replica set, and \"{wanted}\" is wanted"
            ))),
            _ => Ok(()),
        }
    }

    /// True when there is a set, and nobody in it who takes writes: that passes.
    pub fn is_electing(&self) -> bool {
        let is_primary = |met: &Met| met.greeting.role == Role::Primary;
        !self.met.is_empty() && !self.met.iter().any(is_primary)
    }

    /// Why none of them may answer.
    pub fn failure(&self) -> JobError {
        if self.met.is_empty()
            && let Some(failure) = self.failures.first()
        {
            return failure.clone();
        }
        let role = |met: &Met| match met.greeting.role {
            Role::Primary => "is the primary",
            Role::Secondary => "is a secondary",
            _ => "cannot answer now",
        };
        let met = self
            .met
            .iter()
            .map(|met| format!("{} {}", met.address, role(met)));
        let failures = self.failures.iter().map(|failure| failure.message.clone());
        let seen: Vec<_> = met.chain(failures).collect();
        let wanted = match self.settings.read.mode {
            ReadMode::Primary => "no primary to read from".to_owned(),
            mode => format!(
                "no member of the replica set fits readPreference {} and its tags",
                mode.as_str()
            ),
        };
        JobError::unreachable(format!("{wanted}: {}", seen.join("; ")))
    }
}
