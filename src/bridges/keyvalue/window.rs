//! Keys of a target in their order, as many as a window holds.

use super::key::{self, Key};
use crate::error::JobError;
use crate::job::Held;
use crate::limits;

/// Memory is asked for in such pieces.
const STEP: usize = 256 << 10;

/// Keys in two pieces of memory, however many there are.
#[derive(Debug, Default)]
pub(super) struct KeyList {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    length: u32,
    is_text: bool,
}

impl KeyList {
    /// Appends a key; one that is too long for any store is none.
    pub(super) fn push(&mut self, key: &[u8]) {
        let Ok(length) = u32::try_from(key.len()) else {
            return;
        };
        self.spans.push(Span {
            start: self.bytes.len(),
            length,
            is_text: std::str::from_utf8(key).is_ok(),
        });
        self.bytes.extend_from_slice(key);
    }

    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    /// Memory that the keys take.
    pub(super) fn room(&self) -> usize {
        self.bytes.len() + self.spans.len() * size_of::<Span>()
    }

    pub(super) fn get(&self, place: usize) -> Option<Key> {
        let span = self.spans.get(place)?;
        Some(Key::new(text(&self.bytes, span)))
    }

    pub(super) fn last(&self) -> Option<Key> {
        self.get(self.len().checked_sub(1)?)
    }

    /// The place of the first key behind this one.
    pub(super) fn behind(&self, place: &Key) -> usize {
        self.spans.partition_point(|span| {
            let key = (text(&self.bytes, span), span.is_text);
            key::order(key, (place.bytes(), place.is_text())).is_le()
        })
    }

    /// Puts the keys into their order, each once.
    pub(super) fn sort(&mut self) {
        let bytes = &self.bytes;
        self.spans.sort_unstable_by(|a, b| {
            key::order((text(bytes, a), a.is_text), (text(bytes, b), b.is_text))
        });
        self.spans.dedup_by(|a, b| text(bytes, a) == text(bytes, b));
    }

    /// Gives up all but the first sorted keys, at least one, that take no more memory than this; returns the
    /// first that was given up.
    pub(super) fn keep(&mut self, room: usize) -> Option<Key> {
        let mut used = 0;
        let kept = self.spans.iter().take_while(|span| {
            used += size_of::<Span>() + span.length as usize;
            used <= room
        });
        let kept = kept.count().max(1);
        let first_gone = self.get(kept);
        self.spans.truncate(kept);
        let mut bytes = Vec::with_capacity(self.spans.iter().map(|s| s.length as usize).sum());
        for span in &mut self.spans {
            let start = bytes.len();
            bytes.extend_from_slice(text(&self.bytes, span));
            span.start = start;
        }
        self.bytes = bytes;
        first_gone
    }
}

fn text<'b>(bytes: &'b [u8], span: &Span) -> &'b [u8] {
    let end = span.start + span.length as usize;
    bytes.get(span.start..end).unwrap_or_default()
}

/// The keys of a target behind a place, up to another.
#[derive(Debug)]
pub(super) struct Window {
    /// Where it begins; at the first key when there is no place.
    pub(super) after: Option<Key>,
    /// In their order, each once.
    pub(super) keys: KeyList,
    /// True when no key of the target lies behind these.
    pub(super) complete: bool,
    /// All keys of the target, wherever they lie.
    pub(super) total: u64,
}

/// Collects the smallest keys behind a place out of many in no order. There is room for two windows: when it is
/// full, the greater half goes, and nothing from there on is taken any more.
pub(super) struct Collector {
    after: Option<Key>,
    keys: KeyList,
    /// The smallest key that was given up.
    end: Option<Key>,
    charged: usize,
    held: Held,
}

impl Collector {
    pub(super) fn new(after: Option<Key>) -> Self {
        Self {
            after,
            keys: KeyList::default(),
            end: None,
            charged: 0,
            held: Held::default(),
        }
    }

    /// Takes a key, or leaves it.
    ///
    /// # Errors
    /// `QUERY_FAILED` when there is memory for hardly any key.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), JobError> {
        let key = (bytes, std::str::from_utf8(bytes).is_ok());
        let order = |place: &Key| key::order(key, (place.bytes(), place.is_text()));
        if self
            .after
            .as_ref()
            .is_some_and(|after| order(after).is_le())
            || self.end.as_ref().is_some_and(|end| order(end).is_ge())
        {
            return Ok(());
        }
        self.keys.push(bytes);
        while self.keys.room() > self.charged {
            if self.charged < 2 * limits::WINDOW_BYTES && self.held.try_add(STEP) {
                self.charged += STEP;
            } else if self.charged < STEP {
                return self.held.add(STEP, "the keys of this target");
            } else {
                self.keys.sort();
                self.end = self.keys.keep(self.charged / 2).or(self.end.take());
                // A single key may be longer than all that there is room for.
                break;
            }
        }
        Ok(())
    }

    /// The window, and what counts its memory.
    pub(super) fn finish(mut self, total: u64) -> (Window, Held) {
        self.keys.sort();
        let end = self.keys.keep(limits::WINDOW_BYTES).or(self.end);
        self.held.sub(self.charged.saturating_sub(self.keys.room()));
        let window = Window {
            after: self.after,
            keys: self.keys,
            complete: end.is_none(),
            total,
        };
        (window, self.held)
    }
}
