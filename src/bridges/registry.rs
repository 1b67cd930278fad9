//! The bridges in this binary, in the official order: one line each.

use crate::bridges::Registered;

/// `hello.capabilities` lists exactly these.
pub(super) static REGISTRY: &[&Registered] = &[
    #[cfg(feature = "postgres")]
    &super::postgres::PACKAGE,
    #[cfg(feature = "postgres")]
    &super::postgres::COCKROACH_PACKAGE,
    #[cfg(feature = "postgres")]
    &super::postgres::NEON_PACKAGE,
    #[cfg(feature = "mysql")]
    &super::mysql::PACKAGE,
    #[cfg(feature = "mysql")]
    &super::mysql::MARIADB_PACKAGE,
    #[cfg(feature = "mysql")]
    &super::mysql::PLANETSCALE_PACKAGE,
    #[cfg(feature = "sqlite")]
    &super::sqlite::PACKAGE,
    #[cfg(feature = "mongodb")]
    &super::mongodb::PACKAGE,
    #[cfg(feature = "clickhouse")]
    &super::clickhouse::PACKAGE,
    #[cfg(feature = "redis")]
    &super::redis::PACKAGE,
    #[cfg(feature = "upstash")]
    &super::upstash::PACKAGE,
    #[cfg(feature = "turso")]
    &super::turso::PACKAGE,
    #[cfg(feature = "d1")]
    &super::d1::PACKAGE,
];
