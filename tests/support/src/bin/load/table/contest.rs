//! The runner, and another one if there is one, by turns.

use super::{Bench, median};
use crate::database::Source;
use crate::session::{Program, Session};

/// Figures of all rounds.
#[derive(Default)]
pub struct Figures {
    runner: Vec<f64>,
    other: Vec<f64>,
}

/// The medians of both.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// The runner's.
    pub runner: f64,
    /// The other one's.
    pub other: Option<f64>,
}

impl Figures {
    /// Adds what a round showed.
    pub fn add<T>(&mut self, round: &[Option<T>], mut figure: impl FnMut(&T) -> f64) {
        let lists = [&mut self.runner, &mut self.other];
        for (list, found) in lists.into_iter().zip(round) {
            list.extend(found.as_ref().map(&mut figure));
        }
    }

    /// The medians.
    pub fn medians(&self) -> Pair {
        Pair {
            runner: median(&self.runner),
            other: (!self.other.is_empty()).then(|| median(&self.other)),
        }
    }
}

impl From<f64> for Pair {
    fn from(runner: f64) -> Self {
        Self {
            runner,
            other: None,
        }
    }
}

/// A session of each with the same sources.
pub struct Contest {
    sessions: Vec<Option<Session>>,
}

impl Contest {
    /// Starts them with these sources in their environment.
    pub fn start(bench: &Bench, sources: &[&Source]) -> Self {
        Self::with(bench, |program| Session::start(program, sources))
    }

    /// Starts them.
    pub fn with(bench: &Bench, start: impl Fn(&Program) -> Result<Session, String>) -> Self {
        Self {
            sessions: bench.each(start),
        }
    }

    /// Has each of them do this, one after the other. What the runner cannot do ends the measurement; another one
    /// that cannot is told about, and is out from then on.
    pub fn each<T>(
        &mut self,
        mut act: impl FnMut(&mut Session) -> Result<T, String>,
    ) -> Vec<Option<T>> {
        let turn = |(place, entry): (usize, &mut Option<Session>)| {
            let found = judged(place, act(entry.as_mut()?));
            if found.is_none() {
                *entry = None;
            }
            found
        };
        self.sessions.iter_mut().enumerate().map(turn).collect()
    }
}

impl Bench {
    /// Does this with the runner, and with the other one if there is one.
    pub fn each<T>(&self, act: impl Fn(&Program) -> Result<T, String>) -> Vec<Option<T>> {
        let programs = self.programs.iter().enumerate();
        programs
            .map(|(place, program)| judged(place, act(program)))
            .collect()
    }
}

fn judged<T>(place: usize, found: Result<T, String>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(why) if place == 0 => panic!("the runner: {why}"),
        Err(why) => {
            eprintln!("the other runner has no figure here: {why}");
            None
        }
    }
}
