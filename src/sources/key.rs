//! Which jobs share a pool: those of one source configuration.

use std::hash::{BuildHasher, RandomState};

use crate::sources::{CredentialsLocation, Source};

/// A source configuration, as two hashes under keys that only this process knows: a gateway cannot make two
/// configurations collide, and no secret is kept or can be guessed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
            bridge: "@semilayer/bridge-postgres".into(),
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
