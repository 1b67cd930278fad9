//! What key-value stores have in common: a target is the part of a key before a colon, its rows are the keys that
//! begin so, and everything a job wants beyond the keys' order is done here.
//!
//! - `command`: what a store is asked, and what it says.
//! - `key`: a key, its place among others, and the cursor that marks it.
//! - `scan`: the keys of a target in their order, by windows of bounded size; `window`: these.
//! - `unordered`: the keys of a target in no order, for answers that need none; `seen`: which of them were there.
//! - `walks`: windows that serve the pages of a walk.
//! - `fetch`: the values of keys, whatever their type; `kind`: the types; `slices`: large values.
//! - `content`: a value as the row it makes.
//! - `sorted`: rows that wait for their place.
//! - `answer`: the answers to jobs; `bridge`: a source of such a store.

mod answer;
mod bridge;
mod command;
mod content;
mod fetch;
mod key;
mod kind;
mod scan;
mod seen;
mod slices;
mod sorted;
mod unordered;
mod walks;
mod window;

pub(super) use bridge::{KeyValueBridge, KeyValueEngine, rules};
pub(super) use command::{Command, Reply, Store, Trouble};
pub(super) use content::Reading;

#[cfg(test)]
mod tests;
