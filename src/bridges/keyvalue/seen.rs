//! Keys that were there before, by their hashes.

use std::hash::{BuildHasher, RandomState};

use crate::error::JobError;
use crate::job::Held;

/// Of a hash that nobody outside can foresee as much as is compared: of a billion keys two have the same by a chance of
/// one in 10^11. The first word is odd, so that no hash is that of an empty place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Print([u32; 3]);

const EMPTY: Print = Print([0; 3]);

impl Print {
    /// In which of so many equal parts of all hashes it lies.
    pub(super) fn part(self, parts: u32) -> u32 {
        let [first, ..] = self.0;
        ((u64::from(first) * u64::from(parts)) >> 32) as u32
    }

    /// The place in a table of this length from which on it is looked for.
    fn home(self, length: usize) -> usize {
        let [_, high, low] = self.0;
        let hash = u64::from(high) << 32 | u64::from(low);
        ((u128::from(hash) * length as u128) >> 64) as usize
    }
}

/// Places of the smallest table.
const LEAST: usize = 16 << 10;

/// Makes the hashes of one job.
#[derive(Default)]
pub(super) struct Printer(RandomState, RandomState);

impl Printer {
    pub(super) fn print(&self, key: &[u8]) -> Print {
        let place = self.0.hash_one(key);
        let first = self.1.hash_one(key) as u32 | 1;
        Print([first, (place >> 32) as u32, place as u32])
    }
}

/// What became of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sight {
    First,
    Again,
    /// There is no room to remember it.
    NoRoom,
}

/// A table of hashes that grows up to a bound. A hash stands at its home or behind it, with no empty place between.
pub(super) struct Seen {
    prints: Vec<Print>,
    count: usize,
    /// Places of the largest table.
    most: usize,
    held: Held,
}

impl Seen {
    /// Room for so many bytes of hashes.
    pub(super) fn new(room: usize) -> Self {
        Self {
            prints: Vec::new(),
            count: 0,
            most: room / size_of::<Print>(),
            held: Held::default(),
        }
    }

    /// How many keys it can tell apart, if memory lasts.
    pub(super) fn most(&self) -> usize {
        load(self.most)
    }

    /// How many keys it can tell apart as it is.
    pub(super) fn room(&self) -> usize {
        load(self.prints.len())
    }

    pub(super) fn clear(&mut self) {
        self.prints.fill(EMPTY);
        self.count = 0;
    }

    /// # Errors
    /// `QUERY_FAILED` when there is memory for hardly any key.
    pub(super) fn see(&mut self, print: Print) -> Result<Sight, JobError> {
        if self.count >= self.room() && !self.grow()? {
            return Ok(match self.stands(print) {
                true => Sight::Again,
                false => Sight::NoRoom,
            });
        }
        Ok(match put(&mut self.prints, print) {
            true => {
                self.count += 1;
                Sight::First
            }
            false => Sight::Again,
        })
    }

    fn stands(&self, print: Print) -> bool {
        let (before, from) = self.prints.split_at(print.home(self.prints.len()));
        let mut places = from.iter().chain(before);
        places.find(|place| **place == print || **place == EMPTY) == Some(&print)
    }

    /// False when it is as large as it may be, or as there is memory for.
    fn grow(&mut self) -> Result<bool, JobError> {
        let length = (2 * self.prints.len()).max(LEAST).min(self.most);
        let bytes = length * size_of::<Print>();
        if self.prints.is_empty() {
            self.held.add(bytes, "the keys of this target")?;
        } else if length <= self.prints.len() || !self.held.try_add(bytes) {
            return Ok(false);
        }
        let before = std::mem::replace(&mut self.prints, vec![EMPTY; length]);
        self.held.sub(before.len() * size_of::<Print>());
        for print in before.into_iter().filter(|print| *print != EMPTY) {
            put(&mut self.prints, print);
        }
        Ok(true)
    }
}

/// Hashes in a table of this length: with more they would be far from home.
fn load(length: usize) -> usize {
    length / 5 * 4
}

/// Puts a hash into a table with an empty place; false when it is there.
fn put(prints: &mut [Print], print: Print) -> bool {
    let (before, from) = prints.split_at_mut(print.home(prints.len()));
    let mut places = from.iter_mut().chain(before);
    match places.find(|place| **place == print || **place == EMPTY) {
        Some(place) if *place == EMPTY => {
            *place = print;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hash_is_remembered_while_there_is_room() {
        let printer = Printer::default();
        let mut seen = Seen::new(100_000 * size_of::<Print>());
        let most = seen.most();
        assert_eq!(most, 80_000);
        for n in 0..most {
            assert_eq!(see(&mut seen, &printer, n), Sight::First, "{n}");
            assert_eq!(see(&mut seen, &printer, n / 2), Sight::Again, "{n}");
        }
        assert_eq!(see(&mut seen, &printer, most), Sight::NoRoom);
        for n in 0..most {
            assert_eq!(see(&mut seen, &printer, n), Sight::Again, "{n}");
        }
        seen.clear();
        assert_eq!(see(&mut seen, &printer, 0), Sight::First);
    }

    fn see(seen: &mut Seen, printer: &Printer, key: usize) -> Sight {
        seen.see(printer.print(&key.to_le_bytes())).unwrap()
    }

    #[test]
    fn parts_are_equal() {
        let printer = Printer::default();
        let mut parts = [0; 7];
        for n in 0..70_000_u32 {
            parts[printer.print(&n.to_le_bytes()).part(7) as usize] += 1;
        }
        assert!(
            parts.iter().all(|count| (9_000..11_000).contains(count)),
            "{parts:?}"
        );
    }
}
