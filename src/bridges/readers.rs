//! What databases send, apart from the sockets it comes by: for tests that have bytes and no database.

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
