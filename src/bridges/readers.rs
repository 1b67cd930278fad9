//! What databases send, apart from the sockets it comes by: for tests that have bytes and no database.

/// Reads an answer of D1 to one statement: the texts of its rows, each a list. `None` when something is wrong with it.
#[cfg(feature = "d1")]
pub fn d1(source: &mut dyn std::io::BufRead) -> Option<Vec<String>> {
    super::d1::read_row_texts(source)
}

/// Reads replies of Redis until something is wrong with them or there are no more, keeping so many bytes of each;
/// returns how many there were.
#[cfg(feature = "redis")]
pub fn redis(mut bytes: &[u8], kept: usize) -> usize {
    use super::redis::{Allowance, read_reply};
    let mut count = 0;
    while read_reply(&mut bytes, &mut Allowance::new(kept)).is_ok() {
        count += 1;
    }
    count
}
