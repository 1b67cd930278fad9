//! The values of keys. Strings come by `MGET`, many at once; only what that does not find is asked for its type
//! and then for its content, in slices where there is much of it.

use super::command::{Command, Reply, Store, Trouble};
use super::content::{Content, Reading};
use super::key::Key;
use super::kind::Type;
use super::scan::KeySource;
use super::slices::in_slices;
use crate::error::{ErrorCode, JobError};
use crate::limits;

/// Asks for types again when a value changed its type under our eyes.
const ATTEMPTS: usize = 3;

/// Fetches values, as many at once as their size allows.
pub(super) struct Fetch {
    batch: usize,
    reading: Reading,
}

impl Fetch {
    pub(super) fn new(store: &dyn Store) -> Self {
        Self {
            batch: limits::FETCH_FIRST,
            reading: store.reading(),
        }
    }

    /// Keys for the next batch.
    pub(super) fn take(
        &self,
        keys: &mut dyn KeySource,
        store: &mut dyn Store,
        most: u64,
    ) -> Result<Vec<Key>, JobError> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        keys.take(store, self.batch.min(most))
    }

    /// Hands over the content of every key that still exists, in the order of the keys.
    pub(super) fn each(
        &mut self,
        store: &mut dyn Store,
        keys: &[Key],
        each: &mut dyn FnMut(&Key, &Content) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let mut rest = keys;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.batch.min(rest.len()));
            let alone = now.len() == 1;
            let most = if alone {
                store.largest()
            } else {
                limits::FETCH_BYTES
            };
            match self.contents(store, now, most) {
                Ok(contents) => {
                    let size: usize = contents.iter().flatten().map(Content::len).sum();
                    // Half as many, or twice as many, have about as much as is good.
                    if size > limits::FETCH_GOOD {
                        self.batch = (now.len() / 2).max(1);
                    } else if size < limits::FETCH_GOOD / 2 {
                        self.batch = (self.batch * 2).min(limits::FETCH_MOST);
                    }
                    for (key, content) in now.iter().zip(&contents) {
                        if let Some(content) = content {
                            each(key, content)?;
                        }
                    }
                    rest = later;
                }
                Err(Trouble::TooLarge) if !alone => self.batch = (now.len() / 2).max(1),
                Err(Trouble::TooLarge) => return Err(too_large(store)),
                Err(Trouble::Job(error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn contents(
        &self,
        store: &mut dyn Store,
        keys: &[Key],
        most: usize,
    ) -> Result<Vec<Option<Content>>, Trouble> {
        let (named, unnamed): (Vec<_>, Vec<_>) = (0..)
            .zip(keys)
            .partition(|(_, key)| store.can_name(key.bytes()));
        let mut contents: Vec<Option<Content>> = Vec::new();
        contents.resize_with(keys.len(), || None);
        for (place, _) in unnamed {
            log::warn!("a key that is no text cannot be asked for; its value is shown as null");
            put(&mut contents, place, Some(Content::null()));
        }
        let mget = |keys: &[(usize, &Key)]| {
            let of = Command::new("MGET");
            keys.iter()
                .fold(of, |command, (_, key)| command.arg(key.bytes()))
        };
        let found = match named.is_empty() {
            true => Vec::new(),
            false => store.ask_one(mget(&named), most)?.into_list(),
        };
        let mut left = most;
        let mut missing = Vec::new();
        for ((place, key), reply) in named.into_iter().zip(found) {
            match reply.into_bytes() {
                Some(bytes) => {
                    let content = Content::of_string(&bytes, self.reading);
                    left = left.saturating_sub(content.len());
                    put(&mut contents, place, Some(content));
                }
                None => missing.push((place, key)),
            }
        }
        for _ in 0..ATTEMPTS {
            if missing.is_empty() {
                break;
            }
            missing = self.others(store, missing, &mut contents, left)?;
        }
        Ok(contents)
    }

    /// Fetches what is no string. Returns what has changed its type meanwhile.
    fn others<'k>(
        &self,
        store: &mut dyn Store,
        keys: Vec<(usize, &'k Key)>,
        contents: &mut [Option<Content>],
        most: usize,
    ) -> Result<Vec<(usize, &'k Key)>, Trouble> {
        let ask_each = |store: &mut dyn Store, commands: Vec<Command>, most| {
            let replies = if commands.is_empty() {
                Vec::new()
            } else {
                store.ask(&commands, most)?
            };
            Ok::<_, Trouble>(replies)
        };
        let commands = keys
            .iter()
            .map(|(_, key)| Command::new("TYPE").arg(key.bytes()));
        let types = ask_each(store, commands.collect(), limits::FETCH_BYTES)?;
        let mut typed = Vec::new();
        for ((place, key), reply) in keys.into_iter().zip(types) {
            let word = match reply {
                Reply::Error(error) => return Err(store.refused(&error).into()),
                reply => reply.into_bytes().unwrap_or_default(),
            };
            if let Some(kind) = Type::of(&String::from_utf8_lossy(&word)) {
                typed.push((place, key, kind));
            }
        }
        let measures = typed
            .iter()
            .filter_map(|(_, key, kind)| Some(Command::new(kind.measure()?).arg(key.bytes())));
        let mut lengths = ask_each(store, measures.collect(), limits::FETCH_BYTES)?.into_iter();
        let mut again = Vec::new();
        let mut small = Vec::new();
        let mut parts = 0;
        for (place, key, kind) in typed {
            let length = match kind.measure().map(|_| lengths.next()) {
                Some(Some(Reply::Int(length))) => u64::try_from(length).unwrap_or(0),
                Some(_) => {
                    again.push((place, key));
                    continue;
                }
                None => 1,
            };
            if length > limits::SLICE_PARTS {
                let whole = match in_slices(store, key, kind) {
                    Err(Trouble::TooLarge) => return Err(too_large(store).into()),
                    whole => whole?,
                };
                put(contents, place, kind.content(whole, self.reading));
                continue;
            }
            parts += length;
            if parts > limits::SLICE_PARTS {
                parts = length;
                self.whole(
                    store,
                    std::mem::take(&mut small),
                    contents,
                    &mut again,
                    most,
                )?;
            }
            small.push((place, key, kind));
        }
        self.whole(store, small, contents, &mut again, most)?;
        Ok(again)
    }

    /// Fetches values whole, all in one round trip.
    fn whole<'k>(
        &self,
        store: &mut dyn Store,
        keys: Vec<(usize, &'k Key, Type)>,
        contents: &mut [Option<Content>],
        again: &mut Vec<(usize, &'k Key)>,
        most: usize,
    ) -> Result<(), Trouble> {
        let readable = |kind: &Type| *kind != Type::Foreign;
        let commands: Vec<_> = keys
            .iter()
            .filter(|(_, _, kind)| readable(kind))
            .map(|(_, key, kind)| kind.whole(key))
            .collect();
        let mut replies = if commands.is_empty() {
            Vec::new()
        } else {
            store.ask(&commands, most)?
        }
        .into_iter();
        for (place, key, kind) in keys {
            let content = if !readable(&kind) {
                log::warn!("a value of a type of a module is shown as null");
                Some(Content::null())
            } else {
                match replies.next() {
                    Some(Reply::Error(error)) if error.starts_with("WRONGTYPE") => {
                        again.push((place, key));
                        continue;
                    }
                    Some(Reply::Error(error)) => return Err(store.refused(&error).into()),
                    Some(reply) => kind.content(reply, self.reading),
                    None => None,
                }
            };
            put(contents, place, content);
        }
        Ok(())
    }
}

fn put(contents: &mut [Option<Content>], place: usize, content: Option<Content>) {
    if let Some(slot) = contents.get_mut(place) {
        *slot = content;
    }
}

fn too_large(store: &dyn Store) -> JobError {
    JobError::new(
        ErrorCode::QueryFailed,
        format!(
            "a value of this target is larger than {} MB, the most that is read of one key",
            store.largest() >> 20
        ),
    )
}
