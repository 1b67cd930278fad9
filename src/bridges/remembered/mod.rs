//! What is remembered of a source's targets for a while.
//!
//! - `room`: the memory that it takes

mod room;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use room::Holder;

use crate::job::Share;
use crate::limits;
use crate::locks::lock;

/// What can be remembered.
pub trait Weighed {
    /// Memory that it takes beside itself, roughly.
    fn weight(&self) -> usize;
}

impl Weighed for u64 {
    fn weight(&self) -> usize {
        0
    }
}

impl Weighed for Instant {
    fn weight(&self) -> usize {
        0
    }
}

impl Weighed for String {
    fn weight(&self) -> usize {
        self.len()
    }
}

impl<T: Weighed> Weighed for Vec<T> {
    fn weight(&self) -> usize {
        self.iter().map(|one| size_of::<T>() + one.weight()).sum()
    }
}

impl<T: Weighed> Weighed for Arc<T> {
    fn weight(&self) -> usize {
        size_of::<T>() + (**self).weight()
    }
}

impl<T: Weighed, U: Weighed> Weighed for (T, U) {
    fn weight(&self) -> usize {
        self.0.weight() + self.1.weight()
    }
}

/// Values by name, of which none is used once it is too old. Those of all sources share
/// [`limits::REMEMBERED_BYTES`]: where that is too little, whoever holds most forgets all of it.
pub struct Remembered<T> {
    known: Arc<Known<T>>,
    age: Duration,
}

struct Known<T>(Mutex<HashMap<String, Entry<T>>>);

struct Entry<T> {
    since: Instant,
    value: T,
    share: Share,
}

/// What an entry takes in its table.
const fn entry_bytes<T>() -> usize {
    2 * size_of::<(String, Entry<T>)>()
}

/// For a moment, as what a database says of its tables.
impl<T: Weighed + Clone + Send + 'static> Default for Remembered<T> {
    fn default() -> Self {
        Self::new(limits::CATALOG_FRESH)
    }
}

impl<T: Weighed + Clone + Send + 'static> Remembered<T> {
    /// Nothing yet. Values are used until they have this age.
    pub fn new(age: Duration) -> Self {
        let known = Arc::new(Known(Mutex::default()));
        let holder: Weak<Known<T>> = Arc::downgrade(&known);
        room::enter(holder);
        Self { known, age }
    }

    /// The value of this name, unless it is too old.
    pub fn get(&self, name: &str) -> Option<T> {
        let known = lock(&self.known.0);
        let entry = known.get(name)?;
        (entry.since.elapsed() < self.age).then(|| entry.value.clone())
    }

    /// Remembers a value from now on, if there is room for it.
    pub fn put(&self, name: &str, value: T) {
        self.forget(name);
        let bytes = entry_bytes::<T>() + name.len() + value.weight();
        let Some(share) = room::take(bytes) else {
            return;
        };
        let mut known = lock(&self.known.0);
        if known.len() >= limits::CATALOG_TARGETS {
            known.clear();
        }
        let since = Instant::now();
        let entry = Entry {
            since,
            value,
            share,
        };
        known.insert(name.to_owned(), entry);
    }

    /// The value of this name: the remembered one, or what `load` says.
    ///
    /// # Errors
    /// Those of `load`.
    pub fn get_or<E>(&self, name: &str, load: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        if let Some(value) = self.get(name) {
            return Ok(value);
        }
        let value = load()?;
        self.put(name, value.clone());
        Ok(value)
    }

    /// Forgets a value that turned out to be wrong.
    pub fn forget(&self, name: &str) {
        lock(&self.known.0).remove(name);
    }
}

impl<T: Send> Holder for Known<T> {
    fn bytes(&self) -> usize {
        lock(&self.0)
            .values()
            .map(|entry| entry.share.bytes())
            .sum()
    }

    fn forget_all(&self) {
        *lock(&self.0) = HashMap::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_asked_for_once() {
        let young = Remembered::new(Duration::from_secs(60));
        let ask = |value: u64| young.get_or("t", || Ok::<_, ()>(value));
        assert_eq!((ask(1), ask(2)), (Ok(1), Ok(1)));
        young.forget("t");
        assert_eq!(ask(3), Ok(3));
        assert_eq!(young.get_or("u", || Err(())), Err(()));
    }

    #[test]
    fn what_is_old_is_asked_for_again_and_not_everything_is_kept() {
        let old = Remembered::new(Duration::ZERO);
        old.put("t", 1_u64);
        assert_eq!(old.get("t"), None);
        for n in 0..3 * limits::CATALOG_TARGETS as u64 {
            old.put(&n.to_string(), n);
            assert!(lock(&old.known.0).len() <= limits::CATALOG_TARGETS);
        }
    }

    #[test]
    fn whoever_holds_most_forgets_where_all_hold_too_much() {
        let [modest, greedy] = [(); 2].map(|()| Remembered::new(Duration::from_secs(60)));
        modest.put("t", "x".repeat(1000));
        let name = |n: usize| n.to_string().repeat(500);
        for n in 0..50 {
            greedy.put(&name(n), "x".repeat(limits::REMEMBERED_BYTES / 20));
            assert!(greedy.get(&name(n)).is_some());
            assert!(greedy.known.bytes() + modest.known.bytes() <= limits::REMEMBERED_BYTES);
        }
        assert!(modest.get("t").is_some() && greedy.get(&name(0)).is_none());
        // What is larger than everything is never remembered, and then nothing else is either.
        drop(modest);
        greedy.put("t", "x".repeat(limits::REMEMBERED_BYTES));
        assert_eq!(greedy.get("t"), None);
    }
}
