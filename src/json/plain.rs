//! Short pieces of text, looked at and copied eight bytes or more at a time. A call that copies any number of bytes
//! takes longer to begin than such pieces take whole.

/// Copies `from` over `to`, which is as long.
#[inline]
pub(super) fn copy(to: &mut [u8], from: &[u8]) {
    match from.len() {
        0..2 => {
            if let (Some(to), Some(from)) = (to.first_mut(), from.first()) {
                *to = *from;
            }
        }
        2..4 => copy_ends::<2>(to, from),
        4..8 => copy_ends::<4>(to, from),
        8..16 => copy_ends::<8>(to, from),
        16..=32 => copy_ends::<16>(to, from),
        33..=64 => copy_ends::<32>(to, from),
        _ if to.len() == from.len() => to.copy_from_slice(from),
        _ => {}
    }
}

/// Copies the first and the last `N` bytes: all of them where there are at most twice as many.
#[inline]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), from.last_chunk()) {
        *to = *from;
    }
}

/// Copies up to the first byte that is special. How many that were; bytes of `to` behind them may have changed.
pub(super) fn copy_plain(to: &mut [u8], from: &[u8]) -> usize {
    let (words, rest) = from.as_chunks::<8>();
    let (places, places_of_rest) = to.as_chunks_mut::<8>();
    let mut count = 0;
    for (to, from) in places.iter_mut().zip(words) {
        *to = *from;
        if let Some(at) = special(u64::from_le_bytes(*from)) {
            return count + at;
        }
        count += 8;
    }
    for (to, from) in places_of_rest.iter_mut().zip(rest) {
        if !is_plain(*from) {
            return count;
        }
        *to = *from;
        count += 1;
    }
    count
}

/// Where the first special byte is.
pub(super) fn first_special(text: &[u8]) -> Option<usize> {
    text.iter().position(|byte| !is_plain(*byte))
}

/// True for what a JSON string holds as it is: ASCII that needs no escape.
fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..0x80) && byte != b'"' && byte != b'\\'
}

/// The first of eight bytes that is not plain. A subtraction in all of them at once sets the high bit of those that were
/// smaller; a borrow changes bytes after such a one only.
#[inline]
fn special(bytes: u64) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let below = bytes.wrapping_sub(ONES * 0x20);
    let quote = (bytes ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslash = (bytes ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    let found = (bytes | below | quote | backslash) & HIGH;
    (found != 0).then(|| (found.trailing_zeros() / 8) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_every_length_are_copied() {
        let from: Vec<u8> = (0..200).collect();
        for length in 0..from.len() {
            let mut to = vec![255; length];
            copy(&mut to, &from[..length]);
            assert_eq!(to, from[..length]);
        }
    }

    #[test]
    fn every_special_byte_is_found_wherever_it_is() {
        for byte in 0..=255 {
            for length in 1..20 {
                for at in 0..length {
                    // What a borrow might reach, and what might lend.
                    for around in [b' ', b'!', b'#', b'[', b']', 0x7f] {
                        let mut text = vec![around; length];
                        text[at] = byte;
                        let mut to = vec![0; length];
                        let count = copy_plain(&mut to, &text);
                        assert_eq!(count, first_special(&text).unwrap_or(length), "{text:?}");
                        assert_eq!(to[..count], text[..count]);
                    }
                }
            }
        }
    }
}
