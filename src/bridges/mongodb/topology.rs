//! Who is who: what a server says of itself in its greeting, and which of several servers may answer. Pure; the
//! connections are `connect`'s.

use std::time::Duration;

use super::bson::{Document, Malformed, Value};
use super::config::{Address, ReadMode, ReadPreference};

/// What a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It stands alone.
    Standalone,
    /// A router of a sharded cluster, which knows whom to ask.
    Router,
    /// The member of a replica set that takes writes.
    Primary,
    /// A member that follows.
    Secondary,
    /// A member that cannot answer now: it starts, recovers, votes only, or belongs to no set yet.
    Other,
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Greeting {
    /// What it is.
    pub role: Role,
    /// The set it belongs to.
    pub set: Option<String>,
    /// The members it knows of.
    pub members: Vec<Address>,
    /// The member it takes for the primary.
    pub primary: Option<Address>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// When it last wrote, in milliseconds since 1970.
    pub last_write: Option<i64>,
    /// The newest form of the protocol it speaks, which tells its version.
    pub wire: i64,
    /// It has sessions.
    pub sessions: bool,
    /// The mechanisms by which the user may log in.
    pub mechanisms: Vec<String>,
}

/// MongoDB 3.6, the first to speak OP_MSG.
pub const OLDEST_WIRE: i64 = 6;
/// Longest list of members that is believed; a set has 50.
const MAX_MEMBERS: usize = 100;

impl Greeting {
    /// Reads the answer to `hello`.
    pub fn read(answer: Document<'_>) -> Result<Self, Malformed> {
        let text = |name| -> Result<Option<String>, Malformed> {
            Ok(answer.text(name)?.map(|text| text.into_owned()))
        };
        let set = text("setName")?;
        let writable = answer.flag("isWritablePrimary")? || answer.flag("ismaster")?;
        let role = if text("msg")?.as_deref() == Some("isdbgrid") {
            Role::Router
        } else if set.is_none() {
            // A server that waits to be made a member of a set says so.
            match answer.flag("isreplicaset")? {
                true => Role::Other,
                false => Role::Standalone,
            }
        } else if answer.flag("hidden")? {
            Role::Other
        } else if writable {
            Role::Primary
        } else if answer.flag("secondary")? {
            Role::Secondary
        } else {
            Role::Other
        };
        let mut members = Vec::new();
        for name in ["hosts", "passives"] {
            let texts = texts(answer, name)?;
            members.extend(texts.iter().filter_map(|text| Address::parse(text)));
        }
        members.truncate(MAX_MEMBERS);
        let mut tags = Vec::new();
        if let Some(document) = answer.document("tags")? {
            for tag in document.elements() {
                let tag = tag?;
                if let Value::Text(value) = tag.value()? {
                    let name = String::from_utf8_lossy(tag.name).into_owned();
                    tags.push((name, value.into_owned()));
                }
            }
        }
        let last_write = match answer.document("lastWrite")? {
            Some(write) => match write.get("lastWriteDate")? {
                Some(Value::Date(millis)) => Some(millis),
                _ => None,
            },
            None => None,
        };
        Ok(Self {
            role,
            set,
            members,
            primary: text("primary")?.and_then(|text| Address::parse(&text)),
            tags,
            last_write,
            wire: answer.whole("maxWireVersion")?.unwrap_or(0),
            sessions: answer
                .get("logicalSessionTimeoutMinutes")?
                .is_some_and(|v| v != Value::Null),
            mechanisms: texts(answer, "saslSupportedMechs")?,
        })
    }
}

fn texts(answer: Document<'_>, name: &str) -> Result<Vec<String>, Malformed> {
    let mut texts = Vec::new();
    if let Some(list) = answer.document(name)? {
        for element in list.elements() {
            if let Value::Text(text) = element?.value()? {
                texts.push(text.into_owned());
            }
        }
    }
    Ok(texts)
}

/// A server that was greeted, and how long its answer took.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// What it says.
    pub greeting: &'a Greeting,
    /// The round trip.
    pub latency: Duration,
}

impl ReadPreference {
    /// True when one of this role is the answer, whoever else there is.
    pub fn is_met_by(&self, role: Role) -> bool {
        match role {
            Role::Standalone | Role::Router => true,
            Role::Primary => matches!(self.mode, ReadMode::Primary | ReadMode::PrimaryPreferred),
            Role::Secondary | Role::Other => false,
        }
    }

    /// The places of those that may answer; among them any may be asked. `window` is how much longer than the
    /// shortest a round trip may take.
    pub fn choose(&self, candidates: &[Candidate<'_>], window: Duration) -> Vec<usize> {
        let of = |role: Role| -> Vec<usize> {
            let all = candidates.iter().enumerate();
            all.filter(|(_, candidate)| candidate.greeting.role == role)
                .map(|(place, _)| place)
                .collect()
        };
        let (primary, secondaries) = (of(Role::Primary), of(Role::Secondary));
        let suitable = |places: Vec<usize>| self.tagged(candidates, self.fresh(candidates, places));
        let or = |first: Vec<usize>, second: &dyn Fn() -> Vec<usize>| {
            if first.is_empty() { second() } else { first }
        };
        let chosen = match self.mode {
            ReadMode::Primary => primary,
            ReadMode::PrimaryPreferred => or(primary, &|| suitable(secondaries.clone())),
            ReadMode::Secondary => suitable(secondaries),
            ReadMode::SecondaryPreferred => or(suitable(secondaries), &|| primary.clone()),
            ReadMode::Nearest => suitable(primary.into_iter().chain(secondaries).collect()),
        };
        let latency = |place: &usize| candidates.get(*place).map(|c| c.latency);
        let shortest = chosen.iter().filter_map(latency).min().unwrap_or_default();
        let near =
            |place: &usize| latency(place).is_some_and(|latency| latency <= shortest + window);
        chosen.into_iter().filter(near).collect()
    }

    /// Those that are not too far behind whoever wrote last.
    fn fresh(&self, candidates: &[Candidate<'_>], mut places: Vec<usize>) -> Vec<usize> {
        let Some(most) = self.max_staleness else {
            return places;
        };
        let written = |candidate: &Candidate<'_>| candidate.greeting.last_write;
        let newest = candidates.iter().filter_map(written).max().unwrap_or(0);
        let most = i64::try_from(most.as_millis()).unwrap_or(i64::MAX);
        places.retain(|place| {
            let written = candidates.get(*place).and_then(written);
            written.is_some_and(|written| newest.saturating_sub(written) <= most)
        });
        places
    }

    /// Those of the first set of tags that anybody has.
    fn tagged(&self, candidates: &[Candidate<'_>], places: Vec<usize>) -> Vec<usize> {
        if self.tags.is_empty() {
            return places;
        }
        let has = |place: &usize, tags: &[(String, String)]| {
            let candidate = candidates.get(*place);
            candidate.is_some_and(|c| tags.iter().all(|tag| c.greeting.tags.contains(tag)))
        };
        let matching = self.tags.iter().map(|tags| -> Vec<usize> {
            let places = places.iter().filter(|place| has(place, tags));
            places.copied().collect()
        });
        matching
            .into_iter()
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridges::mongodb::bson::{Bson, Fields, fields, list};

    fn read(answer: Fields) -> Greeting {
        let bytes = answer.encode();
        Greeting::read(Document::new(&bytes).unwrap()).unwrap()
    }

    #[test]
    fn a_server_says_what_it_is() {
        for (answer, role) in [
            (fields! {"isWritablePrimary": true}, Role::Standalone),
            (fields! {"ismaster": true, "msg": "isdbgrid"}, Role::Router),
            (fields! {"ismaster": true, "setName": "r"}, Role::Primary),
            (fields! {"secondary": true, "setName": "r"}, Role::Secondary),
            (
                fields! {"secondary": true, "setName": "r", "hidden": true},
                Role::Other,
            ),
            (fields! {"arbiterOnly": true, "setName": "r"}, Role::Other),
            (fields! {"isreplicaset": true}, Role::Other),
        ] {
            assert_eq!(read(answer).role, role);
        }
        let greeting = read(fields! {
            "setName": "r", "hosts": list!["A:1"], "passives": list!["b"], "primary": "a:1", "tags": fields! {"dc": "x"},
            "lastWrite": fields! {"lastWriteDate": Bson::Date(5)}, "maxWireVersion": 17,
            "logicalSessionTimeoutMinutes": 30, "saslSupportedMechs": list!["SCRAM-SHA-1"],
        });
        assert_eq!(greeting.members.len(), 2);
        assert_eq!(greeting.primary.as_ref(), greeting.members.first());
        assert_eq!(
            (greeting.wire, greeting.sessions, greeting.last_write),
            (17, true, Some(5))
        );
    }

    fn member(role: &str, dc: &str, wrote: i64) -> Greeting {
        let written = fields! {"lastWriteDate": Bson::Date(wrote)};
        let greeting = fields! {"setName": "r", "tags": fields! {"dc": dc}, "lastWrite": written};
        read(greeting.with(role, true))
    }

    fn choose(mode: ReadMode, tags: &[&[&str]], members: &[(Greeting, u64)]) -> Vec<usize> {
        let pair = |value: &&str| ("dc".to_owned(), (*value).to_owned());
        let read = ReadPreference {
            mode,
            tags: tags
                .iter()
                .map(|tags| tags.iter().map(pair).collect())
                .collect(),
            max_staleness: Some(Duration::from_secs(90)),
        };
        let candidates: Vec<_> = members
            .iter()
            .map(|(greeting, millis)| Candidate {
                greeting,
                latency: Duration::from_millis(*millis),
            })
            .collect();
        read.choose(&candidates, Duration::from_millis(15))
    }

    #[test]
    fn the_preference_decides() {
        let set = [
            (member("ismaster", "x", 100_000), 10),
            (member("secondary", "x", 100_000), 1),
            (member("secondary", "y", 50_000), 5),
            (member("secondary", "y", 0), 5),
            (member("arbiterOnly", "y", 0), 0),
        ];
        assert_eq!(choose(ReadMode::Primary, &[], &set), [0]);
        assert_eq!(choose(ReadMode::PrimaryPreferred, &[], &set[1..]), [0, 1]);
        assert_eq!(choose(ReadMode::Secondary, &[], &set), [1, 2]);
        assert_eq!(choose(ReadMode::Secondary, &[&["z"], &["y"]], &set), [2]);
        assert_eq!(choose(ReadMode::SecondaryPreferred, &[&["z"]], &set), [0]);
        assert_eq!(
            choose(ReadMode::SecondaryPreferred, &[&["z"], &[]], &set),
            [1, 2]
        );
        assert_eq!(choose(ReadMode::Nearest, &[], &set), [0, 1, 2]);
        assert!(choose(ReadMode::Secondary, &[], &set[..1]).is_empty());
    }

    #[test]
    fn the_far_are_not_asked() {
        let set = [
            (member("secondary", "x", 0), 3),
            (member("secondary", "x", 0), 19),
        ];
        assert_eq!(choose(ReadMode::Nearest, &[], &set), [0]);
    }
}
