//! A package: what is known of a bridge before any of its sources is opened. A plain record that the bridge's own
//! folder fills in; options, policy, sources and diagnosis read it and know no bridge by name.

use crate::job::NameRules;
use crate::options::OptionRules;

/// The facts of one bridge.
#[derive(Debug)]
pub struct Package {
    /// What its jobs' options may say.
    pub options: OptionRules,
    /// When two names mean the same to its database.
    pub names: NameRules,
    /// Schemes of URLs that tell this bridge and no other.
    pub schemes: &'static [&'static str],
    /// Every key of its configuration that an environment variable can carry. A list of what is known, for two
    /// reasons. A variable's text must be read by the key's type: the official rule "all digits is a number"
    /// turns the password `007` into 7, and `"false"` into something true. And `SEMILAYER_SOURCE_DB_REPLICA_URL`
    /// belongs to the source `db-replica`, not to `db`: `REPLICA_URL` is no key.
    pub keys: &'static [Key],
    /// Ways to say enough: for each the variables that are needed, each with its other names.
    pub enough: &'static [&'static [&'static [&'static str]]],
    /// Variables of which each shows that there is a source.
    pub found_by: &'static [&'static str],
    /// The variable that is this bridge's alone, and so tells it.
    pub told_by: Option<&'static str>,
    /// The libraries under it that write log lines.
    pub libraries: &'static [&'static str],
}

/// A key of a bridge's configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The end of the variable's name.
    pub variable: &'static str,
    /// The key in the configuration; a dot leads into an object.
    pub config: &'static str,
    /// How its text is read.
    pub kind: KeyKind,
}

/// How a variable's text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// As it is, digits or not.
    Text,
    /// As a text, which is never shown.
    Secret,
    /// A whole number.
    Number,
    /// `true`, `false`, or a word that the bridge understands.
    Switch,
}

impl Key {
    /// A text.
    pub const fn text(variable: &'static str, config: &'static str) -> Self {
        Self::of(variable, config, KeyKind::Text)
    }

    /// A text that is never shown.
    pub const fn secret(variable: &'static str, config: &'static str) -> Self {
        Self::of(variable, config, KeyKind::Secret)
    }

    /// A whole number.
    pub const fn number(variable: &'static str, config: &'static str) -> Self {
        Self::of(variable, config, KeyKind::Number)
    }

    /// A switch.
    pub const fn switch(variable: &'static str, config: &'static str) -> Self {
        Self::of(variable, config, KeyKind::Switch)
    }

    const fn of(variable: &'static str, config: &'static str, kind: KeyKind) -> Self {
        Self {
            variable,
            config,
            kind,
        }
    }
}

const SCOPE: &str = "@semilayer/";
const BRIDGE: &str = "bridge-";

impl Package {
    /// A package with these rules, exact names, and nothing else to say.
    pub const fn of(options: OptionRules) -> Self {
        Self {
            options,
            names: NameRules::EXACT,
            schemes: &[],
            keys: &[],
            enough: &[],
            found_by: &[],
            told_by: None,
            libraries: &[],
        }
    }

    /// Its name, as sources spell it.
    pub fn name(&self) -> &'static str {
        self.options.package
    }

    /// The name of the package that people call `short`.
    pub fn long_name(short: &str) -> String {
        if short.starts_with('@') {
            short.to_owned()
        } else {
            format!("{SCOPE}{BRIDGE}{short}")
        }
    }

    /// What people call the package of this name.
    pub fn short_name(name: &str) -> &str {
        let short = name.strip_prefix(SCOPE);
        short
            .and_then(|rest| rest.strip_prefix(BRIDGE))
            .unwrap_or(name)
    }
}

/// Packages for the tests of this crate.
#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::options::{OptionRules, RULES, schema_and_table};

    const KEYS: &[Key] = &[
        Key::text("URL", "url"),
        Key::text("CONNECTION_STRING", "connectionString"),
        Key::text("HOST", "host"),
        Key::number("PORT", "port"),
        Key::text("DATABASE", "database"),
        Key::text("DB", "db"),
        Key::text("USER", "user"),
        Key::secret("PASSWORD", "password"),
        Key::text("SSLMODE", "sslmode"),
        Key::text("SSL_MODE", "sslmode"),
        Key::switch("FAST", "fast"),
        Key::number("POOL_MIN", "pool.min"),
        Key::number("POOL_MAX", "pool.max"),
    ];

    pub const SERVER_NAME: &str = concat!("@semilayer/", "bridge-server");
    pub const LOOSE_NAME: &str = concat!("@semilayer/", "bridge-loose");
    pub const FILE_NAME: &str = concat!("@semilayer/", "bridge-file");

    /// A database server with schemas, whose names are exact.
    pub static SERVER: Package = Package {
        options: OptionRules {
            package: SERVER_NAME,
            target: schema_and_table,
            offset_alone: true,
            ..RULES
        },
        names: NameRules {
            default_schema: Some("public"),
            system_prefixes: &["own_"],
            ..NameRules::EXACT
        },
        schemes: &["server", "servers"],
        keys: KEYS,
        enough: &[
            &[&["URL", "CONNECTION_STRING"]],
            &[&["HOST"], &["DATABASE", "DB"]],
        ],
        found_by: &["URL", "CONNECTION_STRING", "HOST"],
        ..Package::of(RULES)
    };

    /// A database server without schemas, for which the case of names may matter or not.
    pub static LOOSE: Package = Package {
        options: OptionRules::usual(LOOSE_NAME),
        names: NameRules::LOOSE,
        schemes: &["loose"],
        keys: KEYS,
        enough: &[&[&["URL"]], &[&["HOST"], &["USER"], &["PASSWORD"]]],
        found_by: &["URL", "HOST"],
        ..Package::of(RULES)
    };

    /// A database in a file, in whose names case does not matter.
    pub static FILE: Package = Package {
        names: NameRules {
            system_prefixes: &["own_"],
            ..NameRules::ANY_CASE
        },
        schemes: &[],
        keys: &[
            Key::text("PATH", "path"),
            Key::number("POOL_MAX", "pool.max"),
        ],
        enough: &[&[&["PATH"]]],
        found_by: &["PATH"],
        told_by: Some("PATH"),
        ..Package::of(OptionRules::usual(FILE_NAME))
    };

    /// All of them.
    pub static ALL: [&Package; 3] = [&SERVER, &LOOSE, &FILE];
}
