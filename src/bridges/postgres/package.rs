//! The facts of bridge-postgres and its relatives.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::catalog::Catalog;
use super::config::Settings;
use super::connect::PostgresConnector;
use super::{Flavour, Postgres};
use crate::bridges::config::is_on;
use crate::bridges::sql::SqlBridge;
use crate::bridges::{Opened, Registered};
use crate::job::{Key, NameRules, Package};
use crate::options::{OptionRules, schema_and_table, whole_name};

const KEYS: &[Key] = &[
    Key::secret("URL", "url"),
    Key::secret("CONNECTION_STRING", "connectionString"),
    Key::text("HOST", "host"),
    Key::number("PORT", "port"),
    Key::text("DATABASE", "database"),
    Key::text("DB", "db"),
    Key::text("USER", "user"),
    Key::text("USERNAME", "username"),
    Key::secret("PASSWORD", "password"),
    Key::switch("SSL", "ssl"),
    Key::text("SSLMODE", "sslmode"),
    Key::text("SSL_MODE", "sslmode"),
    Key::text("SSLROOTCERT", "sslrootcert"),
    Key::text("SSL_CA", "sslrootcert"),
    Key::text("SSLCERT", "sslcert"),
    Key::text("SSL_CERT", "sslcert"),
    Key::secret("SSLKEY", "sslkey"),
    Key::secret("SSL_KEY", "sslkey"),
    Key::number("IP_FAMILY", "ipFamily"),
    Key::number("CONNECTION_TIMEOUT_MILLIS", "connectionTimeoutMillis"),
    Key::switch("ENABLE_POSTGIS", "enablePostgis"),
    Key::number("POOL_MIN", "pool.min"),
    Key::number("POOL_MAX", "pool.max"),
];

/// Ways to say enough.
const URL_OR_HOST: &[&[&[&str]]] = &[
    &[&["URL", "CONNECTION_STRING"]],
    &[&["HOST"], &["DATABASE", "DB"]],
];

/// Names are exact. Only PostgreSQL's grammar has OFFSET without LIMIT; elsewhere the official bridges fail on it.
const fn package(name: &'static str) -> Package {
    let options = OptionRules {
        target: whole_name,
        offset_alone: true,
        ..OptionRules::usual(name)
    };
    Package {
        names: NameRules {
            longest: Some(63),
            system_schemas: &["information_schema", "crdb_internal", "system"],
            system_prefixes: &["pg_"],
            ..NameRules::EXACT
        },
        keys: KEYS,
        enough: URL_OR_HOST,
        found_by: &["URL", "CONNECTION_STRING", "HOST"],
        libraries: &["postgres", "tokio_postgres"],
        ..Package::of(options)
    }
}

/// PostgreSQL itself: a target may have a schema, and is in `public` without one.
pub(in crate::bridges) static PACKAGE: Registered = Registered {
    package: {
        let usual = package("@semilayer/bridge-postgres");
        Package {
            options: OptionRules {
                target: schema_and_table,
                ..usual.options
            },
            names: NameRules {
                default_schema: Some("public"),
                ..usual.names
            },
            schemes: &["postgres", "postgresql"],
            ..usual
        }
    },
    open: |config| open(Flavour::Postgres, config),
};

/// CockroachDB.
pub(in crate::bridges) static COCKROACH_PACKAGE: Registered = Registered {
    package: Package {
        schemes: &["cockroachdb"],
        ..package("@semilayer/bridge-cockroachdb")
    },
    open: |config| open(Flavour::Cockroach, config),
};

/// Neon.
pub(in crate::bridges) static NEON_PACKAGE: Registered = Registered {
    package: Package {
        enough: &[&[&["URL"]]],
        ..package("@semilayer/bridge-neon")
    },
    open: |config| open(Flavour::Neon, config),
};

impl Flavour {
    /// Its facts.
    pub(super) fn package(self) -> &'static Package {
        let registered = match self {
            Self::Postgres => &PACKAGE,
            Self::Cockroach => &COCKROACH_PACKAGE,
            Self::Neon => &NEON_PACKAGE,
        };
        &registered.package
    }
}

fn open(flavour: Flavour, config: &Map<String, Value>) -> Opened {
    let settings = Settings::parse(config, flavour)?;
    let max = settings.pool_max;
    let engine = Postgres {
        flavour,
        catalog: Catalog::default(),
        postgis: is_on(config, "enablePostgis"),
    };
    let connector = PostgresConnector::new(settings);
    Ok(Arc::new(SqlBridge::new(engine, connector, max)))
}
