//! Which jobs share a pool: those of one source configuration.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, Weak};

use crate::limits;
use crate::locks::lock;
use crate::sources::{CredentialsLocation, Source};

/// A source configuration, as two hashes under keys that only this process knows: a gateway cannot make two
/// configurations collide, and no secret is kept or can be guessed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceKey {
    /// The source, whatever its configuration.
    pub source: u64,
    /// The source, its bridge and its configuration.
    pub configuration: u64,
}

/// Makes the keys of this process.
#[derive(Clone, Default)]
pub struct SourceKeys {
    source: RandomState,
    configuration: RandomState,
}

impl SourceKeys {
    /// The key of `source`. What decides for a runner-local source is its name, because its configuration
    /// comes from this process' environment; a `config` that the gateway sends along is ignored.
    pub fn key(&self, source: &Source) -> SourceKey {
        let configuration = match source.credentials {
            CredentialsLocation::Managed => {
                self.configuration
                    .hash_one((&source.id, &source.bridge, &source.config))
            }
            CredentialsLocation::RunnerLocal => {
                self.configuration
                    .hash_one((&source.id, &source.bridge, "local", &source.name))
            }
        };
        SourceKey {
            source: self.source.hash_one(&source.id),
            configuration,
        }
    }
}

/// The keys of the sources that jobs named last: whatever the size of a configuration, it is hashed once. They are
/// found by where a source is in memory. That place is no other source's while there is a weak reference, which keeps
/// nothing that the source holds.
#[derive(Default)]
pub struct RecentKeys(Mutex<BTreeMap<usize, (Weak<Source>, SourceKey)>>);

impl RecentKeys {
    /// As `keys.key(source)`.
    pub fn key(&self, keys: &SourceKeys, source: &Arc<Source>) -> SourceKey {
        let mut recent = lock(&self.0);
        let place = Arc::as_ptr(source).addr();
        if let Some((_, key)) = recent.get(&place) {
            return *key;
        }
        let key = keys.key(source);
        if recent.len() >= limits::KNOWN_SOURCES {
            recent.clear();
        }
        recent.insert(place, (Arc::downgrade(source), key));
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value, json};

    fn source(config: Value) -> Source {
        let Value::Object(config) = config else {
            panic!("an object");
        };
        Source {
            id: "s1".into(),
            name: "primary".into(),
            bridge: "bridge-server".into(),
            credentials: CredentialsLocation::Managed,
            config,
        }
    }

    #[test]
    fn the_whole_configuration_decides_but_not_the_order_of_its_keys() {
        let keys = SourceKeys::default();
        let one = source(json!({"host": "h", "pool": {"max": 2}}));
        let same = source(json!({"pool": {"max": 2}, "host": "h"}));
        let other = source(json!({"host": "h", "pool": {"max": 3}}));
        assert_eq!(keys.key(&one), keys.key(&same));
        assert_ne!(keys.key(&one), keys.key(&other));
        assert_eq!(keys.key(&one).source, keys.key(&other).source);
        let renamed = Source {
            name: "renamed".into(),
            ..one.clone()
        };
        assert_eq!(keys.key(&one), keys.key(&renamed));
    }

    #[test]
    fn recent_keys_are_the_keys() {
        let (keys, recent) = (SourceKeys::default(), RecentKeys::default());
        for n in 0..2 * limits::KNOWN_SOURCES {
            let source = Arc::new(source(json!({"n": n})));
            for _ in 0..2 {
                assert_eq!(recent.key(&keys, &source), keys.key(&source));
            }
            assert_eq!(Arc::strong_count(&source), 1, "it is kept");
            assert!(recent.0.lock().unwrap().len() <= limits::KNOWN_SOURCES);
        }
    }

    #[test]
    fn the_name_decides_for_a_local_source() {
        let keys = SourceKeys::default();
        let local = Source {
            credentials: CredentialsLocation::RunnerLocal,
            ..source(json!({"url": "ignored"}))
        };
        let same = Source {
            config: Map::new(),
            ..local.clone()
        };
        let renamed = Source {
            name: "other".into(),
            ..local.clone()
        };
        assert_eq!(keys.key(&local), keys.key(&same));
        assert_ne!(keys.key(&local), keys.key(&renamed));
    }
}
