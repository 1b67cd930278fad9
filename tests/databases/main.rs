//! What is particular to one engine, and what happens to its servers under a runner.
// A build without some bridges leaves some helpers without a test.
#![cfg_attr(
    not(all(
        feature = "postgres",
        feature = "mysql",
        feature = "sqlite",
        feature = "clickhouse"
    )),
    allow(dead_code, unused_imports)
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[cfg(feature = "postgres")]
mod addresses;
#[cfg(feature = "mysql")]
mod aggregate_geohash;
#[cfg(all(feature = "postgres", feature = "mysql"))]
mod aggregate_snapshot;
#[cfg(feature = "clickhouse")]
mod clickhouse;
#[cfg(all(feature = "postgres", feature = "mysql"))]
mod client_certificates;
#[cfg(all(feature = "postgres", feature = "mysql"))]
mod credentials;
#[cfg(feature = "d1")]
mod d1;
#[cfg(all(feature = "postgres", feature = "mysql"))]
mod database_faults;
#[cfg(all(feature = "postgres", feature = "mysql"))]
mod database_servers;
#[cfg(all(feature = "postgres", feature = "mysql"))]
mod database_tls;
#[cfg(feature = "postgres")]
mod encrypted_postgres;
#[cfg(all(feature = "postgres", feature = "mysql"))]
mod idle_connections;
mod in_process;
#[cfg(feature = "postgres")]
mod intervals;
#[cfg(feature = "postgres")]
mod kept_statements;
#[cfg(feature = "mongodb")]
mod mongodb;
#[cfg(feature = "mongodb")]
mod mongodb_service;
#[cfg(feature = "mysql")]
mod mysql_keys;
#[cfg(feature = "mysql")]
mod mysql_login;
#[cfg(feature = "postgres")]
mod pooler;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod redis_servers;
#[cfg(feature = "postgres")]
mod replica_promotion;
#[cfg(feature = "mysql")]
mod server_defaults;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "turso")]
mod turso;
#[cfg(all(feature = "postgres", feature = "mysql"))]
mod unusual_tls;
#[cfg(feature = "upstash")]
mod upstash;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod walks;
