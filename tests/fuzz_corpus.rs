//! Replays the fuzzer's corpus, and some changed copies of each of its entries, with the compiler
//! that builds the runner. `scripts/fuzz.sh` looks for more.
// Its checks are of everything there is.
#![cfg(feature = "default")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[path = "fuzz/checks.rs"]
mod checks;

use std::fs;
use std::time::Duration;

use runner_testkit::{project, watchdog};

/// Changed copies of each entry.
const COPIES: u32 = 20;

/// A xorshift generator: the same changes every time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end.max(1)
    }
}

/// What a fuzzer does: flips, drops, doubles and splices.
fn change(entry: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = entry.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        match random.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => bytes.insert(
                at,
                *b"\"\\{}[],:0-9e.$%@/?#\0\xff\xc3"
                    .get(random.below(24))
                    .unwrap_or(&b' '),
            ),
            3 => bytes.truncate(at),
            4 => {
                let from = random.below(other.len() + 1);
                bytes.splice(at.., other[from..].iter().copied());
            }
            _ => {
                let end = (at + random.below(16)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
    bytes
}

#[test]
fn the_corpus_and_its_neighbours_are_handled() {
    let _watchdog = watchdog(Duration::from_secs(180));
    let corpus = project("tests/fuzz/corpus");
    for (name, check) in checks::ALL {
        let mut files: Vec<_> = fs::read_dir(corpus.join(name))
            .unwrap_or_else(|error| panic!("{name} has no corpus: {error}"))
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let entries: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
        assert!(!entries.is_empty(), "{name} has no corpus");
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for (file, entry) in files.iter().zip(&entries) {
            // Shown when the check fails.
            println!("{}", file.display());
            check(entry);
            for _ in 0..COPIES {
                let other = &entries[random.below(entries.len())];
                let changed = change(entry, other, &mut random);
                println!("{}", changed.escape_ascii());
                check(&changed);
            }
        }
    }
}
