//! A runner for SemiLayer: it dials out over one WebSocket, receives query jobs, runs them on the databases
//! beside it and streams the rows back. A job comes in by `gateway`; `engine` says when it runs, `sources` finds
//! its database, `options` and `sql` say what to ask, `bridges` ask, `json` writes the answer. What a database cannot
//! group is grouped by `reducer`.
//!
//! The rooms, the ground first. Each imports only from lines above its own or from its own, and never in a
//! circle:
//!
//! ```text
//! error files limits locks secret shortage text words
//! console json service_manager
//! net tls
//! options
//! job
//! reducer sql
//! audit metrics policy protocol sources
//! bridges
//! engine
//! gateway health
//! config
//! inspect
//! cli
//! ```
//!
//! # The way of a job
//!
//! ```text
//! gateway::reader      takes a frame in; reading never waits for writing
//! protocol             bounds it and makes it a job: id, source, kind, target, options, deadline
//! engine::session      gives it a control (deadline, has it ended?); an id that is live is not taken twice
//! engine::oversight    keeps room for its line in the audit log
//! engine::dispatch     lets it wait in the lane of its source, until a worker is idle and the source's pool has a
//!                      connection left; a source that hangs holds no more workers than that
//! options              a worker parses what it asks for
//! engine::oversight    asks the policy, which may refuse it, or take columns away
//! bridges, sql         make the statement and run it on a connection of the source
//! json, job::sink      write rows as they come, from the driver straight into the text of a chunk
//! job::queue           hands chunks over, a few at a time: when the gateway reads slowly, the cursor waits
//! engine::done         ends it by one `done` or `error`; whoever ends it first is the one who speaks
//! gateway::shortcut    lets the worker itself send a short answer, if nothing else is being sent
//! gateway::writer      sends all else, short frames before rows
//! ```
//!
//! # The way of a filter
//!
//! ```text
//! protocol             keeps the options as JSON: values bounded in number and depth
//! options              makes `where` a tree: comparisons, patterns, and, or, not; what does not parse is
//!                      `INVALID_OPTIONS` with its path, and no statement is built
//! policy               sees every column that the tree names, on the table that owns it
//! sql                  writes the tree in the words of a dialect: names quoted, values bound and never in the text;
//!                      what matches nothing or everything (`$in: []`) needs no value
//! bridges              hand text and values to the driver; the database decides what is equal
//! ```
//!
//! # The way of a cancel
//!
//! A deadline takes the same way, from `engine::watchdog` on, and so does a session that is lost, without an answer.
//!
//! ```text
//! gateway::reader      takes the frame in, while rows go out
//! engine::session      finds the job by its id; one that is not live is ignored
//! job::control         marks it as ended. From here on no worker may speak for it
//! engine::outbox       sends its one `error`, ahead of the rows that wait
//! engine::dispatch     takes a waiting job out of its lane, and that is all
//! engine::core         has a running one's statement stopped, on a thread that nobody waits for
//! bridges              ask the database to end that statement, or cut the link
//! job::control         the worker comes back; a connection whose statement was stopped is closed, not reused
//! engine::watchdog     replaces a worker that does not come back
//! ```

// A test may stop at once where the runner must not.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice
    )
)]
// What only some bridges use is no dead code in a build without them; with all of them it shows.
#![cfg_attr(not(feature = "default"), allow(dead_code, unused_imports))]

mod audit;
pub mod bridges;
pub mod cli;
mod config;
mod console;
mod engine;
pub mod error;
mod files;
pub mod gateway;
mod health;
mod inspect;
pub mod job;
pub mod json;
pub mod limits;
mod locks;
mod metrics;
pub mod net;
pub mod options;
mod policy;
pub mod protocol;
mod reducer;
mod secret;
mod service_manager;
mod shortage;
pub mod sources;
pub mod sql;
mod text;
mod tls;
mod words;
