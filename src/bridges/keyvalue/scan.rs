//! The keys of a target in their order. A store hands them out in none, so each scan keeps the smallest ones
//! behind a place, as many as a window holds; when a window is used up, the next scan begins behind it. Memory
//! is bounded however many keys there are, and a scan never blocks the store.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::command::{Command, Reply, Store, Trouble};
use super::key::{self, Key};
use super::window::{Collector, KeyList, Window};
use crate::error::{ErrorCode, JobError};
use crate::job::Held;
use crate::limits;

/// Room that a key takes among those that were counted.
const COUNTED_BYTES: usize = 16;

/// One command of a scan: the next cursor, and keys, some perhaps for the second time.
fn step(
    store: &mut dyn Store,
    cursor: &[u8],
    pattern: Option<&[u8]>,
) -> Result<(Vec<u8>, Vec<Reply>), JobError> {
    let mut count = limits::SCAN_COUNT;
    let reply = loop {
        let mut command = Command::new("SCAN").arg(cursor);
        if let Some(pattern) = pattern {
            command = command.arg("MATCH").arg(pattern);
        }
        let command = command.arg("COUNT").arg(count.to_string());
        match store.ask_one(command, limits::SCAN_BYTES) {
            Ok(reply) => break reply,
            // Keys may be long. A scan goes on from the same place with any number of them.
            Err(Trouble::TooLarge) if count > 1 => count /= 10,
            Err(Trouble::TooLarge) => return Err(strange("a key is too long")),
            Err(Trouble::Job(error)) => return Err(error),
        }
    };
    let mut parts = reply.into_list().into_iter();
    match (parts.next().and_then(Reply::into_bytes), parts.next()) {
        (Some(cursor), Some(Reply::List(keys))) if cursor.len() <= 32 => Ok((cursor, keys)),
        _ => Err(strange("its answer to SCAN is none")),
    }
}

/// Fails for a user who may not scan.
pub(super) fn first_step(store: &mut dyn Store) -> Result<(), JobError> {
    step(store, b"0", None).map(|_| ())
}

fn strange(problem: &str) -> JobError {
    JobError::new(
        ErrorCode::QueryFailed,
        format!("the store is not understood: {problem}"),
    )
}

/// One scan of the whole store.
pub(super) struct Scan {
    /// Where it goes on; `None` at its end.
    cursor: Option<Vec<u8>>,
    pattern: Option<Vec<u8>>,
}

impl Scan {
    /// A scan for the keys of this pattern, or for all.
    pub(super) fn new(pattern: Option<Vec<u8>>) -> Self {
        Self {
            cursor: Some(b"0".to_vec()),
            pattern,
        }
    }

    /// The keys that the store names next, some perhaps twice and often none; `None` at the end.
    pub(super) fn next(
        &mut self,
        store: &mut dyn Store,
    ) -> Result<Option<impl Iterator<Item = Vec<u8>> + use<>>, JobError> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let (next, keys) = step(store, cursor, self.pattern.as_deref())?;
        self.cursor = (next != b"0").then_some(next);
        Ok(Some(keys.into_iter().filter_map(Reply::into_bytes)))
    }
}

/// Calls `each` with every key that the store names, some perhaps twice.
pub(super) fn every_key(
    store: &mut dyn Store,
    pattern: Option<Vec<u8>>,
    each: &mut dyn FnMut(&[u8]) -> Result<(), JobError>,
) -> Result<(), JobError> {
    let mut scan = Scan::new(pattern);
    while let Some(mut keys) = scan.next(store)? {
        keys.try_for_each(|key| each(&key))?;
    }
    Ok(())
}

/// Counts keys, each once as long as memory lasts. A store names a key twice only when its table shrinks or
/// grows meanwhile.
struct Counted {
    hasher: RandomState,
    seen: Option<HashSet<u64>>,
    count: u64,
}

impl Counted {
    fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            seen: Some(HashSet::new()),
            count: 0,
        }
    }

    fn add(&mut self, key: &[u8], held: &mut Held) {
        let hash = self.hasher.hash_one(key);
        if let Some(seen) = &mut self.seen {
            if !seen.insert(hash) {
                return;
            }
            if !held.try_add(COUNTED_BYTES) {
                held.sub(usize::MAX);
                self.seen = None;
            }
        }
        self.count += 1;
    }
}

/// The number of keys of a target.
pub(super) fn count(store: &mut dyn Store, target: &str) -> Result<u64, JobError> {
    let prefix = key::prefix(target);
    let mut held = Held::default();
    let mut counted = Counted::new();
    every_key(store, Some(key::pattern(target)), &mut |key| {
        if key.starts_with(&prefix) {
            counted.add(key, &mut held);
        }
        Ok(())
    })?;
    Ok(counted.count)
}

/// Scans for the keys of a target behind a place. They are counted on the way, unless their number is known.
///
/// # Errors
/// What the store says; `QUERY_FAILED` when there is memory for hardly any key.
pub(super) fn window(
    store: &mut dyn Store,
    target: &str,
    after: Option<Key>,
    total: Option<u64>,
) -> Result<(Window, Held), JobError> {
    let prefix = key::prefix(target);
    let mut held = Held::default();
    let mut counted = Counted::new();
    let mut collector = Collector::new(after);
    every_key(store, Some(key::pattern(target)), &mut |key| {
        if !key.starts_with(&prefix) {
            return Ok(());
        }
        if total.is_none() {
            counted.add(key, &mut held);
        }
        collector.push(key)
    })?;
    Ok(collector.finish(total.unwrap_or(counted.count)))
}

/// Where the keys come from whose values are fetched.
pub(super) trait KeySource {
    /// Up to so many keys; none at the end.
    fn take(&mut self, store: &mut dyn Store, most: usize) -> Result<Vec<Key>, JobError>;

    /// At the end: true when the keys that were taken are not all, and are to be forgotten and taken once more.
    fn starts_over(&mut self) -> bool {
        false
    }
}

/// The keys of a target, or a few of them by name, in their order.
pub(super) struct Keys<'a> {
    target: &'a str,
    window: Arc<Window>,
    next: usize,
    /// Memory of the window, unless somebody else has it.
    _held: Option<Held>,
    /// The window is all there is.
    fixed: bool,
}

impl<'a> Keys<'a> {
    /// All keys of a target, by a scan.
    pub(super) fn scan(store: &mut dyn Store, target: &'a str) -> Result<Self, JobError> {
        let (window, held) = window(store, target, None, None)?;
        Ok(Self::of(target, Arc::new(window), Some(held), 0))
    }

    /// The keys of a target behind a place, by a scan.
    pub(super) fn behind(
        store: &mut dyn Store,
        target: &'a str,
        place: Key,
    ) -> Result<Self, JobError> {
        let (window, held) = window(store, target, Some(place), None)?;
        Ok(Self::of(target, Arc::new(window), Some(held), 0))
    }

    /// The keys of a window from a place on, and those behind it.
    pub(super) fn of(
        target: &'a str,
        window: Arc<Window>,
        held: Option<Held>,
        next: usize,
    ) -> Self {
        Self {
            target,
            window,
            next,
            _held: held,
            fixed: false,
        }
    }

    /// These keys of the target and no others. They need not exist.
    pub(super) fn named<'n>(target: &'a str, names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut keys = KeyList::default();
        names
            .into_iter()
            .for_each(|name| keys.push(name.as_bytes()));
        keys.sort();
        let total = keys.len() as u64;
        let window = Window {
            after: None,
            keys,
            complete: true,
            total,
        };
        Self {
            fixed: true,
            ..Self::of(target, Arc::new(window), None, 0)
        }
    }

    /// How many keys the target has.
    pub(super) fn total(&self) -> u64 {
        self.window.total
    }

    /// True when the window that the next key is in holds all of them.
    pub(super) fn are_whole(&self) -> bool {
        self.window.after.is_none() && self.window.complete
    }

    /// True when the keys were named instead of found.
    pub(super) fn are_named(&self) -> bool {
        self.fixed
    }

    /// The window that the next key is in.
    pub(super) fn window(&self) -> &Arc<Window> {
        &self.window
    }

    /// True when there is another key.
    pub(super) fn has_more(&mut self, store: &mut dyn Store) -> Result<bool, JobError> {
        if self.next < self.window.keys.len() {
            return Ok(true);
        }
        if self.window.complete {
            return Ok(false);
        }
        let after = self.window.keys.last();
        let total = Some(self.window.total);
        let (window, held) = window(store, self.target, after, total)?;
        self.window = Arc::new(window);
        self._held = Some(held);
        self.next = 0;
        Ok(self.window.keys.len() > 0)
    }

    /// Leaves out so many keys; returns how many there were.
    pub(super) fn skip(&mut self, store: &mut dyn Store, mut most: u64) -> Result<u64, JobError> {
        let mut skipped = 0;
        while most > 0 && self.has_more(store)? {
            let left = (self.window.keys.len() - self.next) as u64;
            let now = left.min(most);
            self.next += usize::try_from(now).unwrap_or(usize::MAX);
            most -= now;
            skipped += now;
        }
        Ok(skipped)
    }
}

impl KeySource for Keys<'_> {
    fn take(&mut self, store: &mut dyn Store, most: usize) -> Result<Vec<Key>, JobError> {
        if !self.has_more(store)? {
            return Ok(Vec::new());
        }
        let end = self.next.saturating_add(most);
        let keys: Vec<_> = (self.next..end)
            .map_while(|place| self.window.keys.get(place))
            .collect();
        self.next += keys.len();
        Ok(keys)
    }
}
