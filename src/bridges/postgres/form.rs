//! How a column's type is asked for and written as JSON. The types whose JSON is not
//! simply the server's text, and the common ones, are read in binary; of everything else the server writes
//! the text itself, so that no type is unknown.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::numeric::write_numeric;
use super::wire::Bytes;
use crate::json::{
    Out, Text, write_bytes, write_date, write_document, write_f32, write_f64, write_i64,
    write_lossy, write_timestamp,
};

/// Days, and microseconds, from 1970 to the server's own epoch, 2000.
const EPOCH_DAYS: i64 = 10_957;
pub(super) const EPOCH_MICROS: i64 = EPOCH_DAYS * 86_400_000_000;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `true`, `false`
    Bool,
    /// A 16-bit number.
    Int2,
    /// A 32-bit number.
    Int4,
    /// A 64-bit number, as a string.
    Int8,
    /// An unsigned 32-bit number.
    Oid,
    /// A number of its own shortest digits; null when not finite.
    Float4,
    /// A number; null when not finite.
    Float8,
    /// A string with the scale kept.
    Numeric,
    /// `numeric` inside an array: a number, exact.
    NumericNumber,
    /// A string.
    Text,
    /// One byte; zero is the empty string.
    Char,
    /// A document.
    Json,
    /// A document behind a version byte.
    Jsonb,
    /// A Node buffer.
    Bytea,
    /// Midnight UTC of a day.
    Date,
    /// An instant, or a time without zone read as UTC.
    Timestamp,
    /// An object of the parts that are not zero.
    Interval,
    /// A string.
    Uuid,
    /// `{x, y}`
    Point,
    /// `{x, y, radius}`
    Circle,
    /// An address, with its mask unless that is the whole address.
    Inet,
    /// A network, always with its mask.
    Cidr,
}

impl Form {
    /// Appends a value that is not NULL. `None` when the bytes are not a value of this form.
    pub fn write(self, out: &mut Text, value: &[u8]) -> Option<()> {
        let mut bytes = Bytes(value);
        match self {
            Self::Bool => out.push_str(if bytes.array::<1>()? == [0] {
                "false"
            } else {
                "true"
            }),
            Self::Int2 => write_i64(out, bytes.i16()?.into()),
            Self::Int4 => write_i64(out, bytes.i32()?.into()),
            Self::Oid => write_i64(out, u32::from_be_bytes(bytes.array()?).into()),
            Self::Int8 => {
                let value = bytes.i64()?;
                out.push('"');
                write_i64(out, value);
                out.push('"');
            }
            Self::Float4 => write_f32(out, f32::from_be_bytes(bytes.array()?)),
            Self::Float8 => write_f64(out, bytes.f64()?),
            Self::Numeric => {
                out.push('"');
                write_numeric(out, value)?;
                out.push('"');
            }
            Self::NumericNumber => {
                let start = out.len();
                write_numeric(out, value)?;
                // NaN and the infinities.
                if out.ends_with(b"Ny") {
                    out.truncate(start);
                    out.push_str("null");
                }
            }
            // A database of encoding SQL_ASCII may send anything.
            Self::Text => write_lossy(out, value),
            Self::Char => write_lossy(out, value.strip_suffix(&[0]).unwrap_or(value)),
            Self::Json => write_document(out, &String::from_utf8_lossy(value)),
            Self::Jsonb => write_document(out, &String::from_utf8_lossy(value.strip_prefix(&[1])?)),
            Self::Bytea => write_bytes(out, value),
            Self::Date => match bytes.i32()? {
                i32::MAX | i32::MIN => out.push_str("null"),
                days => write_date(out, i64::from(days) + EPOCH_DAYS),
            },
            Self::Timestamp => match bytes.i64()? {
                i64::MAX | i64::MIN => out.push_str("null"),
                micros => write_timestamp(out, micros.saturating_add(EPOCH_MICROS)),
            },
            Self::Interval => write_interval(out, bytes.i64()?, bytes.i32()?, bytes.i32()?),
            Self::Uuid => write_uuid(out, bytes.array()?),
            Self::Point => write_numbers(out, &["{\"x\":", ",\"y\":"], &mut bytes)?,
            Self::Circle => {
                write_numbers(out, &["{\"x\":", ",\"y\":", ",\"radius\":"], &mut bytes)?
            }
            Self::Inet | Self::Cidr => write_address(out, &mut bytes, self == Self::Cidr)?,
        }
        Some(())
    }

    /// Appends an array of this form: lower bounds are dropped, nesting is kept.
    pub fn write_array(self, out: &mut Text, value: &[u8]) -> Option<()> {
        let mut bytes = Bytes(value);
        let dimensions = usize::try_from(bytes.i32()?).ok().filter(|n| *n <= 6)?;
        let (_has_nulls, _element_type) = (bytes.i32()?, bytes.i32()?);
        let mut lengths = [0_i32; 6];
        for length in lengths.iter_mut().take(dimensions) {
            *length = bytes.i32()?;
            let _lower_bound = bytes.i32()?;
        }
        match lengths.get(..dimensions)? {
            [] => out.push_str("[]"),
            lengths => self.write_dimension(out, &mut bytes, lengths)?,
        }
        Some(())
    }

    fn write_dimension(self, out: &mut Text, bytes: &mut Bytes<'_>, lengths: &[i32]) -> Option<()> {
        let (length, inner) = lengths.split_first()?;
        out.push('[');
        for i in 0..*length {
            // A few bytes may say that there are billions of nothing.
            if out.is_full() {
                break;
            }
            if i > 0 {
                out.push(',');
            }
            if inner.is_empty() {
                match usize::try_from(bytes.i32()?) {
                    Ok(size) => self.write(out, bytes.take(size)?)?,
                    Err(_) => out.push_str("null"),
                }
            } else {
                self.write_dimension(out, bytes, inner)?;
            }
        }
        out.push(']');
        Some(())
    }
}

/// Zero parts are left out; the fraction of a second is in milliseconds; a negative time negates every part
/// of it.
fn write_interval(out: &mut Text, micros: i64, days: i32, months: i32) {
    let millis = micros % 1_000_000;
    let parts = [
        ("years", i64::from(months / 12)),
        ("months", i64::from(months % 12)),
        ("days", i64::from(days)),
        ("hours", micros / 3_600_000_000),
        ("minutes", micros / 60_000_000 % 60),
        ("seconds", micros / 1_000_000 % 60),
    ];
    let mut separator = '{';
    let mut key = |out: &mut Text, name: &str| {
        out.push(std::mem::replace(&mut separator, ','));
        out.push('"');
        out.push_str(name);
        out.push_str("\":");
    };
    for (name, value) in parts.into_iter().filter(|(_, value)| *value != 0) {
        key(out, name);
        write_i64(out, value);
    }
    if millis != 0 {
        key(out, "milliseconds");
        // Below 1,000,000, so exact as a double.
        write_f64(out, millis as f64 / 1000.0);
    }
    if separator == '{' {
        out.push('{');
    }
    out.push('}');
}

fn write_uuid(out: &mut Text, bytes: [u8; 16]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let hex = |nibble: u8| HEX.get(usize::from(nibble & 15)).copied().unwrap_or(b'0');
    let [
        [a1, a2],
        [a3, a4],
        [a5, a6],
        [a7, a8],
        [b1, b2],
        [b3, b4],
        [c1, c2],
        [c3, c4],
        [d1, d2],
        [d3, d4],
        [e1, e2],
        [e3, e4],
        [e5, e6],
        [e7, e8],
        [e9, ea],
        [eb, ec],
    ] = bytes.map(|byte| [hex(byte >> 4), hex(byte)]);
    out.push_ascii(&[
        b'"', a1, a2, a3, a4, a5, a6, a7, a8, b'-', b1, b2, b3, b4, b'-', c1, c2, c3, c4, b'-', d1,
        d2, d3, d4, b'-', e1, e2, e3, e4, e5, e6, e7, e8, e9, ea, eb, ec, b'"',
    ]);
}

fn write_numbers(out: &mut Text, keys: &[&str], bytes: &mut Bytes<'_>) -> Option<()> {
    for key in keys {
        out.push_str(key);
        write_f64(out, bytes.f64()?);
    }
    out.push('}');
    Some(())
}

fn write_address(out: &mut Text, bytes: &mut Bytes<'_>, mask_always: bool) -> Option<()> {
    let [_family, bits, _is_cidr, length] = bytes.array()?;
    let (address, whole) = match length {
        4 => (IpAddr::from(bytes.array::<4>()?), 32),
        16 => (IpAddr::from(bytes.array::<16>()?), 128),
        _ => return None,
    };
    out.push('"');
    let _ = match address {
        IpAddr::V4(address) => write!(out, "{address}"),
        IpAddr::V6(address) => write_ipv6(out, address),
    };
    if mask_always || bits != whole {
        out.push('/');
        write_i64(out, bits.into());
    }
    out.push('"');
    Some(())
}

/// The server writes the last two groups as IPv4 not only for mapped addresses but after any six zero ones.
fn write_ipv6(out: &mut Text, address: Ipv6Addr) -> fmt::Result {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => {
            let [.., a, b, c, d] = address.octets();
            write!(out, "::{}", Ipv4Addr::new(a, b, c, d))
        }
        _ => write!(out, "{address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(form: Form, value: &[u8]) -> String {
        let mut out = Text::new();
        form.write(&mut out, value).unwrap();
        out.into_string()
    }

    #[test]
    fn intervals_leave_out_what_is_zero() {
        let interval = |micros: i64, days: i32, months: i32| {
            let mut out = Text::new();
            write_interval(&mut out, micros, days, months);
            out.into_string()
        };
        assert_eq!(interval(0, 0, 0), "{}");
        assert_eq!(
            interval(14_706_789_000, 3, 14),
            r#"{"years":1,"months":2,"days":3,"hours":4,"minutes":5,"seconds":6,"milliseconds":789}"#
        );
        assert_eq!(
            interval(-1_500_000, 0, 0),
            r#"{"seconds":-1,"milliseconds":-500}"#
        );
        assert_eq!(interval(1, 0, 0), r#"{"milliseconds":0.001}"#);
    }

    #[test]
    fn addresses_read_as_the_server_prints_them() {
        let inet = |address: Ipv6Addr, bits| {
            let mut value = vec![3, bits, 0, 16];
            value.extend(address.octets());
            text(Form::Inet, &value)
        };
        assert_eq!(
            text(Form::Inet, &[2, 32, 0, 4, 10, 0, 0, 1]),
            "\"10.0.0.1\""
        );
        assert_eq!(
            text(Form::Cidr, &[2, 32, 1, 4, 10, 0, 0, 1]),
            "\"10.0.0.1/32\""
        );
        assert_eq!(inet("::1".parse().unwrap(), 128), "\"::1\"");
        assert_eq!(inet("::1:2".parse().unwrap(), 64), "\"::0.1.0.2/64\"");
        assert_eq!(
            inet("2001:db8::8a2e:370:7334".parse().unwrap(), 128),
            "\"2001:db8::8a2e:370:7334\""
        );
    }

    #[test]
    fn arrays_keep_their_nesting() {
        let mut value = Vec::new();
        for word in [2, 1, 23, 2, 1, 2, 5, 4, 7, -1, 4, 8, 4, 9_i32] {
            value.extend(word.to_be_bytes());
        }
        let mut out = Text::new();
        Form::Int4.write_array(&mut out, &value).unwrap();
        assert_eq!(out.as_str(), "[[7,null],[8,9]]");
        assert_eq!(Form::Int4.write_array(&mut out, &value[..20]), None);
    }

    #[test]
    fn infinite_dates_are_null() {
        assert_eq!(text(Form::Date, &i32::MAX.to_be_bytes()), "null");
        assert_eq!(text(Form::Timestamp, &i64::MIN.to_be_bytes()), "null");
        assert_eq!(
            text(Form::Date, &0_i32.to_be_bytes()),
            "\"2000-01-01T00:00:00.000Z\""
        );
    }
}
