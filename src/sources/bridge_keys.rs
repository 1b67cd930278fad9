//! The configuration keys of each bridge, as far as an environment variable can carry them.
//!
//! A list of what is known, for two reasons. A variable's text must be read by the key's type: the official
//! rule "all digits is a number" turns the password `007` into 7, and `"false"` into something true. And
//! `SEMILAYER_SOURCE_DB_REPLICA_URL` belongs to the source `db-replica`, not to `db`: `REPLICA_URL` is no key.

/// How a variable's text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As it is, digits or not.
    Text,
    /// A whole number.
    Number,
    /// `true`, `false`, or a word that the bridge understands.
    Switch,
}

/// A key of a bridge's configuration.
#[derive(Debug)]
pub(super) struct Key {
    /// The end of the variable's name.
    pub variable: &'static str,
    /// The key in the configuration; a dot leads into an object.
    pub config: &'static str,
    /// How its text is read.
    pub kind: Kind,
}

/// What a bridge takes from the environment.
#[derive(Debug)]
pub(super) struct BridgeKeys {
    /// Every key.
    pub keys: &'static [Key],
    /// Ways to say enough: for each the keys that are needed, each with its other names.
    pub ways: &'static [&'static [&'static [&'static str]]],
}

const fn text(variable: &'static str, config: &'static str) -> Key {
    Key {
        variable,
        config,
        kind: Kind::Text,
    }
}

const fn number(variable: &'static str, config: &'static str) -> Key {
    Key {
        variable,
        config,
        kind: Kind::Number,
    }
}

const fn switch(variable: &'static str, config: &'static str) -> Key {
    Key {
        variable,
        config,
        kind: Kind::Switch,
    }
}

const POSTGRES: &[Key] = &[
    text("URL", "url"),
    text("CONNECTION_STRING", "connectionString"),
    text("HOST", "host"),
    number("PORT", "port"),
    text("DATABASE", "database"),
    text("DB", "db"),
    text("USER", "user"),
    text("USERNAME", "username"),
    text("PASSWORD", "password"),
    number("IP_FAMILY", "ipFamily"),
    number("CONNECTION_TIMEOUT_MILLIS", "connectionTimeoutMillis"),
    switch("ENABLE_POSTGIS", "enablePostgis"),
    number("POOL_MIN", "pool.min"),
    number("POOL_MAX", "pool.max"),
];

const MYSQL: &[Key] = &[
    text("URL", "url"),
    text("HOST", "host"),
    number("PORT", "port"),
    text("DATABASE", "database"),
    text("DB", "db"),
    text("USER", "user"),
    text("USERNAME", "username"),
    text("PASSWORD", "password"),
    text("PASS", "pass"),
    switch("SSL", "ssl"),
    text("SSLMODE", "sslmode"),
    text("SSL_MODE", "sslmode"),
    text("SSL_CA", "sslCa"),
    text("SSL_CERT", "sslCert"),
    text("SSL_KEY", "sslKey"),
    text("SOCKET_PATH", "socketPath"),
    number("CONNECT_TIMEOUT", "connectTimeout"),
    switch("ENABLE_GEOHASH", "enableGeohash"),
    number("POOL_MIN", "pool.min"),
    number("POOL_MAX", "pool.max"),
];

const SQLITE: &[Key] = &[text("PATH", "path"), number("POOL_MAX", "pool.max")];

const ALL: [&[Key]; 3] = [POSTGRES, MYSQL, SQLITE];

/// The keys of a bridge package; `None` for one that we do not know.
pub(super) fn keys_of(bridge: &str) -> Option<BridgeKeys> {
    const URL: &[&str] = &["URL"];
    const URLS: &[&str] = &["URL", "CONNECTION_STRING"];
    const HOST: &[&str] = &["HOST"];
    const DATABASE: &[&str] = &["DATABASE", "DB"];
    const USER: &[&str] = &["USERNAME", "USER"];
    const PASSWORD: &[&str] = &["PASSWORD", "PASS"];
    let (keys, ways): (_, &[&[&[&str]]]) = match bridge.strip_prefix("@semilayer/bridge-")? {
        "postgres" | "cockroachdb" => (POSTGRES, &[&[URLS], &[HOST, DATABASE]]),
        "neon" => (POSTGRES, &[&[URL]]),
        // The official bridges take any one of the three, though their own message asks for more.
        "mysql" | "mariadb" => (MYSQL, &[&[URL], &[HOST, DATABASE], &[HOST], &[DATABASE]]),
        "planetscale" => (MYSQL, &[&[URL], &[HOST, USER, PASSWORD]]),
        "sqlite" => (SQLITE, &[&[&["PATH"]]]),
        _ => return None,
    };
    Some(BridgeKeys { keys, ways })
}

/// True when `matches` holds for a key of some bridge.
pub(super) fn is_key_of_any(matches: impl Fn(&str) -> bool) -> bool {
    ALL.iter()
        .flat_map(|keys| keys.iter())
        .any(|key| matches(key.variable))
}
