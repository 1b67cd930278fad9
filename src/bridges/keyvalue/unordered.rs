//! The keys of a target as the store names them, in no order, each once: for answers to which the order means nothing.
//! One scan is enough where windows of sorted keys would take a scan each. A store may name a key twice, so each key's
//! hash is remembered; when there is no room for all of them, each of several scans takes those keys whose hashes lie in
//! one part of all hashes.

use super::command::Store;
use super::key::{self, Key};
use super::scan::{KeySource, Scan};
use super::seen::{Printer, Seen, Sight};
use crate::error::JobError;
use crate::limits;

/// All keys of a target.
pub(super) struct Unordered {
    target: String,
    scan: Scan,
    /// Keys that were named and not yet taken.
    found: Vec<Key>,
    /// Keys that this scan has named, of all parts.
    named: u64,
    printer: Printer,
    seen: Seen,
    /// The part that is taken now.
    part: u32,
    parts: u32,
    /// There were more keys in this part than can be told apart.
    too_many: bool,
}

impl Unordered {
    /// The keys of a target, so many or about so many.
    pub(super) fn new(target: &str, about: u64) -> Self {
        Self::with_room(target, about, limits::SEEN_BYTES)
    }

    /// As [`Unordered::new`], with so many bytes to remember keys by.
    pub(super) fn with_room(target: &str, about: u64, room: usize) -> Self {
        let seen = Seen::new(room);
        Self {
            target: target.to_owned(),
            scan: scan(target),
            found: Vec::new(),
            named: 0,
            printer: Printer::default(),
            parts: parts_of(about, seen.most()),
            seen,
            part: 0,
            too_many: false,
        }
    }

    /// Takes another step of the scan; false when this part is over.
    fn step(&mut self, store: &mut dyn Store) -> Result<bool, JobError> {
        let Some(keys) = self.scan.next(store)? else {
            return Ok(false);
        };
        let prefix = key::prefix(&self.target);
        for key in keys.filter(|key| key.starts_with(&prefix)) {
            self.named += 1;
            let print = self.printer.print(&key);
            if self.too_many || print.part(self.parts) != self.part {
                continue;
            }
            match self.seen.see(print)? {
                Sight::First => self.found.push(Key::new(&key)),
                Sight::Again => {}
                // The rest is only counted, so that next time there will be parts enough.
                Sight::NoRoom => {
                    self.too_many = true;
                    self.found.clear();
                }
            }
        }
        Ok(true)
    }

    fn begin(&mut self, part: u32) {
        self.scan = scan(&self.target);
        self.named = 0;
        self.seen.clear();
        self.part = part;
    }
}

impl KeySource for Unordered {
    fn take(&mut self, store: &mut dyn Store, most: usize) -> Result<Vec<Key>, JobError> {
        while self.found.len() < most || self.too_many {
            if self.step(store)? {
                continue;
            }
            if self.too_many || self.part + 1 >= self.parts {
                break;
            }
            self.begin(self.part + 1);
        }
        let kept = self.found.len().saturating_sub(most);
        Ok(self.found.split_off(kept))
    }

    fn starts_over(&mut self) -> bool {
        if !std::mem::take(&mut self.too_many) {
            return false;
        }
        self.parts = parts_of(self.named, self.seen.room()).max(self.parts + 1);
        self.begin(0);
        true
    }
}

fn scan(target: &str) -> Scan {
    Scan::new(Some(key::pattern(target)))
}

/// Into how many parts so many keys go, of which each may have so many, with some room left for more.
fn parts_of(keys: u64, most: usize) -> u32 {
    let most = (most as u64 / 16 * 15).max(1);
    u32::try_from(keys.div_ceil(most))
        .unwrap_or(u32::MAX)
        .max(1)
}
