//! The facts of bridge-mysql and its relatives.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::catalog::Catalog;
use super::config::Settings;
use super::connector::MySqlConnector;
use super::{Flavour, MySql};
use crate::bridges::config::is_on;
use crate::bridges::sql::SqlBridge;
use crate::bridges::{Opened, Registered};
use crate::job::{Key, NameRules, Package};
use crate::options::OptionRules;

const KEYS: &[Key] = &[
    Key::secret("URL", "url"),
    Key::text("HOST", "host"),
    Key::number("PORT", "port"),
    Key::text("DATABASE", "database"),
    Key::text("DB", "db"),
    Key::text("USER", "user"),
    Key::text("USERNAME", "username"),
    Key::secret("PASSWORD", "password"),
    Key::secret("PASS", "pass"),
    Key::switch("SSL", "ssl"),
    Key::text("SSLMODE", "sslmode"),
    Key::text("SSL_MODE", "sslmode"),
    Key::text("SSL_CA", "sslCa"),
    Key::text("SSL_CERT", "sslCert"),
    Key::secret("SSL_KEY", "sslKey"),
    Key::text("SOCKET_PATH", "socketPath"),
    Key::number("CONNECT_TIMEOUT", "connectTimeout"),
    Key::switch("ENABLE_GEOHASH", "enableGeohash"),
    Key::number("POOL_MIN", "pool.min"),
    Key::number("POOL_MAX", "pool.max"),
];

const fn package(name: &'static str) -> Package {
    // A number is compared with a text key as numbers, in an order that is not the key's.
    let options = OptionRules {
        numeric_cursor: false,
        ..OptionRules::usual(name)
    };
    Package {
        names: NameRules {
            system_schemas: &["mysql", "information_schema", "performance_schema", "sys"],
            ..NameRules::LOOSE
        },
        keys: KEYS,
        // The official bridges take any one of the three, though their own message asks for more.
        enough: &[
            &[&["URL"]],
            &[&["HOST"], &["DATABASE", "DB"]],
            &[&["HOST"]],
            &[&["DATABASE", "DB"]],
        ],
        found_by: &["URL", "HOST"],
        libraries: &["mysql"],
        ..Package::of(options)
    }
}

/// MySQL itself.
pub(in crate::bridges) static PACKAGE: Registered = Registered {
    package: Package {
        schemes: &["mysql"],
        ..package("@semilayer/bridge-mysql")
    },
    open: |config| open(Flavour::MySql, config),
};

/// MariaDB. Its official driver is alone in refusing a repeated name.
pub(in crate::bridges) static MARIADB_PACKAGE: Registered = Registered {
    package: {
        let usual = package("@semilayer/bridge-mariadb");
        Package {
            options: OptionRules {
                repeated_names: false,
                ..usual.options
            },
            schemes: &["mariadb"],
            ..usual
        }
    },
    open: |config| open(Flavour::MariaDb, config),
};

/// PlanetScale.
pub(in crate::bridges) static PLANETSCALE_PACKAGE: Registered = Registered {
    package: Package {
        enough: &[
            &[&["URL"]],
            &[&["HOST"], &["USERNAME", "USER"], &["PASSWORD", "PASS"]],
        ],
        ..package("@semilayer/bridge-planetscale")
    },
    open: |config| open(Flavour::PlanetScale, config),
};

impl Flavour {
    /// Its facts.
    pub(super) fn package(self) -> &'static Package {
        let registered = match self {
            Self::MySql => &PACKAGE,
            Self::MariaDb => &MARIADB_PACKAGE,
            Self::PlanetScale => &PLANETSCALE_PACKAGE,
        };
        &registered.package
    }
}

fn open(flavour: Flavour, config: &Map<String, Value>) -> Opened {
    let settings = Arc::new(Settings::from_config(flavour, config)?);
    let max = settings.pool;
    let connector = MySqlConnector {
        settings: Arc::clone(&settings),
    };
    let engine = MySql {
        flavour,
        settings,
        catalog: Catalog::default(),
        geohash: is_on(config, "enableGeohash"),
    };
    Ok(Arc::new(SqlBridge::new(engine, connector, max)))
}
