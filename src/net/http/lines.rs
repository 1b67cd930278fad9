//! Lines of bounded length.

use std::io::{self, BufRead};

/// Appends the next line, its end included, to `out`, which may grow to `limit` bytes. False at the end of
/// the stream; what is left there without a line's end is a line too.
pub(super) fn append_line(
    stream: &mut impl BufRead,
    out: &mut Vec<u8>,
    limit: usize,
) -> io::Result<bool> {
    let mut any = false;
    loop {
        let buffered = match stream.fill_buf() {
            Ok(buffered) => buffered,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffered.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = buffered.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(buffered.len(), |end| end + 1);
        if count > limit.saturating_sub(out.len()) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        out.extend_from_slice(buffered.get(..count).unwrap_or(buffered));
        stream.consume(count);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// The line without its end.
pub(super) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
