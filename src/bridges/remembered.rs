//! What is remembered of a source's targets for a while.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::limits;
use crate::locks::lock;

/// Values by name, of which none is used once it is too old.
pub struct Remembered<T> {
    known: Mutex<HashMap<String, (Instant, T)>>,
    age: Duration,
}

/// For a moment, as what a database says of its tables.
impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self {
            known: Mutex::default(),
            age: limits::CATALOG_FRESH,
        }
    }
}

impl<T: Clone> Remembered<T> {
    /// Nothing yet. Values are used until they have this age.
    pub fn new(age: Duration) -> Self {
        Self {
            known: Mutex::default(),
            age,
        }
    }

    /// The value of this name, unless it is too old.
    pub fn get(&self, name: &str) -> Option<T> {
        let known = lock(&self.known);
        let (since, value) = known.get(name)?;
        (since.elapsed() < self.age).then(|| value.clone())
    }

    /// Remembers a value from now on.
    pub fn put(&self, name: &str, value: T) {
        let mut known = lock(&self.known);
        if known.len() >= limits::CATALOG_TARGETS {
            known.clear();
        }
        known.insert(name.to_owned(), (Instant::now(), value));
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
        lock(&self.known).remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_asked_for_once() {
        let young = Remembered::new(Duration::from_secs(60));
        let ask = |value| young.get_or("t", || Ok::<_, ()>(value));
        assert_eq!((ask(1), ask(2)), (Ok(1), Ok(1)));
        young.forget("t");
        assert_eq!(ask(3), Ok(3));
        assert_eq!(young.get_or("u", || Err(())), Err(()));
    }

    #[test]
    fn what_is_old_is_asked_for_again_and_not_everything_is_kept() {
        let old = Remembered::new(Duration::ZERO);
        old.put("t", 1);
        assert_eq!(old.get("t"), None);
        for n in 0..3 * limits::CATALOG_TARGETS {
            old.put(&n.to_string(), n);
            assert!(lock(&old.known).len() <= limits::CATALOG_TARGETS);
        }
    }
}
