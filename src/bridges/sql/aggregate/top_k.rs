//! The lists of one `top_k`, kept while the buckets are streamed.

use crate::error::JobError;
use crate::json::{Text, write_string, write_u64};
use crate::limits;

/// For every bucket, by its rank, the most frequent values with their counts. Lists are kept as bytes, one
/// behind the other: a count, the length of a text, the text.
pub(super) struct Lists {
    /// The measure, for messages.
    name: String,
    entries: Vec<u8>,
    /// Where the list of each rank begins.
    starts: Vec<u32>,
}

impl Lists {
    /// No list yet for the measure called `name`.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            entries: Vec::new(),
            starts: Vec::new(),
        }
    }

    /// Begins the list of the next rank; the first is 1. Fails like [`Lists::push`].
    pub(super) fn open(&mut self, used: usize) -> Result<(), JobError> {
        self.check(used)?;
        self.starts
            .push(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        Ok(())
    }

    /// Adds a value to the list that was begun last. Fails when all lists of the job, of which `used` bytes
    /// are other measures', become too long.
    pub(super) fn push(&mut self, key: &str, count: u64, used: usize) -> Result<(), JobError> {
        self.check(used + key.len())?;
        push_number(&mut self.entries, count);
        push_number(&mut self.entries, key.len() as u64);
        self.entries.extend_from_slice(key.as_bytes());
        Ok(())
    }

    fn check(&self, more: usize) -> Result<(), JobError> {
        if self.bytes() + more <= limits::TOP_K_BYTES {
            return Ok(());
        }
        Err(JobError::query_failed(format!(
            "the lists of top_k measure \"{}\" take more than {} MiB; ask for fewer buckets or a smaller k",
            self.name,
            limits::TOP_K_BYTES >> 20
        )))
    }

    /// What is held.
    pub(super) fn bytes(&self) -> usize {
        self.entries.len() + self.starts.len() * 4
    }

    /// Appends the list of a bucket: `[{"key":…,"count":…}]`.
    pub(super) fn write(&self, out: &mut Text, rank: u64) {
        let mut entries = self.entries_of(rank).unwrap_or_default();
        let mut separator = '[';
        while let Some((count, key)) = next_entry(&mut entries) {
            out.push(std::mem::replace(&mut separator, ','));
            out.push_str("{\"key\":");
            write_string(out, key);
            out.push_str(",\"count\":");
            write_u64(out, count);
            out.push('}');
        }
        out.push_str(if separator == '[' { "[]" } else { "]" });
    }

    fn entries_of(&self, rank: u64) -> Option<&[u8]> {
        let index = usize::try_from(rank.checked_sub(1)?).ok()?;
        let start = *self.starts.get(index)? as usize;
        let end = self.starts.get(index + 1);
        let end = end.map_or(self.entries.len(), |end| *end as usize);
        self.entries.get(start..end)
    }
}

/// Seven bits a byte, the lowest first; all but the last have the eighth set.
fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn next_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    let mut shift = 0;
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

fn next_entry<'a>(bytes: &mut &'a [u8]) -> Option<(u64, &'a str)> {
    let count = next_number(bytes)?;
    let length = usize::try_from(next_number(bytes)?).ok()?;
    let (key, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some((count, std::str::from_utf8(key).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn text(lists: &Lists, rank: u64) -> String {
        let mut out = Text::new();
        lists.write(&mut out, rank);
        out.into_string()
    }

    #[test]
    fn every_bucket_finds_its_own_list() {
        let mut lists = Lists::new("t");
        lists.open(0).unwrap();
        lists.open(0).unwrap();
        lists.push("a\"", 300, 0).unwrap();
        lists.push("", 1, 0).unwrap();
        lists.open(0).unwrap();
        lists.open(0).unwrap();
        lists.push("é", u64::MAX, 0).unwrap();
        assert_eq!(text(&lists, 1), "[]");
        assert_eq!(
            text(&lists, 2),
            r#"[{"key":"a\"","count":300},{"key":"","count":1}]"#
        );
        assert_eq!(text(&lists, 3), "[]");
        assert_eq!(
            text(&lists, 4),
            r#"[{"key":"é","count":18446744073709551615}]"#
        );
        assert_eq!(text(&lists, 0), "[]");
        assert_eq!(text(&lists, 5), "[]");
        assert_eq!(text(&Lists::new("t"), 1), "[]");
    }

    #[test]
    fn lists_are_bounded() {
        let mut lists = Lists::new("t");
        let key = "x".repeat(1 << 20);
        lists.open(0).unwrap();
        let failed = (1..100).find_map(|_| lists.push(&key, 1, 0).err());
        assert_eq!(failed.unwrap().code, ErrorCode::QueryFailed);
        assert!(Lists::new("t").push("x", 1, limits::TOP_K_BYTES).is_err());
        assert!(Lists::new("t").open(limits::TOP_K_BYTES + 1).is_err());
    }
}
