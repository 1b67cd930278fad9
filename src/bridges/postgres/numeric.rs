//! `numeric`, from base 10,000 to decimal text with its scale kept.

use super::wire::Bytes;
use crate::json::{Out, Text, two_digits};

/// Appends the value as the server prints it: `0.1000`, `-12`, `NaN`, `Infinity`. `None` when the bytes are
/// not a numeric.
pub fn write_numeric(out: &mut Text, bytes: &[u8]) -> Option<()> {
    let mut bytes = Bytes(bytes);
    let count = bytes.i16()?;
    let weight = i32::from(bytes.i16()?);
    let sign = bytes.i16()? as u16;
    let scale = usize::try_from(bytes.i16()?).ok()?;
    match sign {
        0x0000 => {}
        0x4000 => out.push('-'),
        0xC000 => {
            out.push_str("NaN");
            return Some(());
        }
        0xD000 => {
            out.push_str("Infinity");
            return Some(());
        }
        0xF000 => {
            out.push_str("-Infinity");
            return Some(());
        }
        _ => return None,
    }
    let mut left = i32::from(count);
    // Digit groups that the server leaves out are zero.
    let mut group = |position: i32| -> Option<i16> {
        if position > weight || left == 0 {
            return Some(0);
        }
        left -= 1;
        bytes.i16()
    };
    if weight < 0 {
        out.push('0');
    } else {
        let mut digits = itoa::Buffer::new();
        out.push_str(digits.format(group(weight)?));
        for position in (0..weight).rev() {
            push_group(out, group(position)?);
        }
    }
    if scale > 0 {
        out.push('.');
        let end = out.len() + scale;
        let mut position = -1;
        while out.len() < end {
            push_group(out, group(position)?);
            position -= 1;
        }
        out.truncate(end);
    }
    Some(())
}

/// Four digits, zeros included.
fn push_group(out: &mut Text, group: i16) {
    let group = i64::from(group.unsigned_abs());
    let ([a, b], [c, d]) = (two_digits(group / 100), two_digits(group));
    out.push_ascii(&[a, b, c, d]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(header: [i16; 4], groups: &[i16]) -> Option<String> {
        let bytes: Vec<u8> = header
            .iter()
            .chain(groups)
            .flat_map(|word| word.to_be_bytes())
            .collect();
        let mut out = Text::new();
        write_numeric(&mut out, &bytes).map(|()| out.into_string())
    }

    #[test]
    fn groups_become_digits() {
        assert_eq!(text([0, 0, 0, 0], &[]).unwrap(), "0");
        assert_eq!(text([0, 0, 0, 5], &[]).unwrap(), "0.00000");
        assert_eq!(text([1, -1, 0, 4], &[1000]).unwrap(), "0.1000");
        assert_eq!(text([1, 5, 0, 0], &[10]).unwrap(), "1000000000000000000000");
        assert_eq!(
            text([3, 1, 0x4000, 3], &[1, 2, 3450]).unwrap(),
            "-10002.345"
        );
        assert_eq!(
            text([1, -6, 0, 21], &[1000]).unwrap(),
            "0.000000000000000000001"
        );
        assert_eq!(text([0, 0, 0xC000_u16 as i16, 0], &[]).unwrap(), "NaN");
        assert_eq!(
            text([0, 0, 0xF000_u16 as i16, 0], &[]).unwrap(),
            "-Infinity"
        );
    }

    #[test]
    fn broken_values_are_refused() {
        assert_eq!(text([3, 1, 0, 3], &[1]), None);
        assert_eq!(text([0, 0, 1, 0], &[]), None);
    }
}
