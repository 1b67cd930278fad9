//! Numbers. JavaScript's own text is used for floats because the same text is what cursors, top-k keys and
//! bucket labels are made of; integers are always exact, also past 2^53.

use crate::json::Out;

/// Writes a signed integer exactly.
pub fn write_i64(out: &mut impl Out, value: i64) {
    out.push_str(itoa::Buffer::new().format(value));
}

/// Writes an unsigned integer exactly.
pub fn write_u64(out: &mut impl Out, value: u64) {
    out.push_str(itoa::Buffer::new().format(value));
}

/// Writes a double; NaN and the infinities are `null` and -0 is `0`, as `JSON.stringify` has it.
pub fn write_f64(out: &mut impl Out, value: f64) {
    write_float(out, value);
}

/// Writes a single-precision number by its own shortest digits (0.1, not 0.10000000149011612).
pub fn write_f32(out: &mut impl Out, value: f32) {
    write_float(out, value);
}

fn write_float(out: &mut impl Out, value: impl ryu_js::Float) {
    match ryu_js::Buffer::new().format(value) {
        "NaN" | "Infinity" | "-Infinity" => out.push_str("null"),
        digits => out.push_str(digits),
    }
}

/// A double as JavaScript's `String(x)` prints it: `1e+21`, `1e-7`, `100`, `Infinity`.
pub fn js_number(value: f64) -> String {
    ryu_js::Buffer::new().format(value).to_owned()
}

/// The text JavaScript gives a JSON number, except that long integers stay exact.
pub fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if !number.is_i64() && !number.is_u64() => js_number(float),
        _ => number.to_string(),
    }
}

/// The last two decimal digits of a number that is not negative, for text of a fixed form: it is put together
/// as bytes and appended at once, which is several times faster than formatting.
pub fn two_digits(number: i64) -> [u8; 2] {
    let digit = |digit: i64| b'0' + u8::try_from(digit % 10).unwrap_or(0);
    [digit(number / 10), digit(number)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f64_text(value: f64) -> String {
        let mut out = String::new();
        write_f64(&mut out, value);
        out
    }

    #[test]
    fn doubles_read_as_javascript_prints_them() {
        for (value, text) in [
            (1e21, "1e+21"),
            (1e-7, "1e-7"),
            (100.0, "100"),
            (-0.0, "0"),
            (0.1, "0.1"),
            (f64::NAN, "null"),
            (f64::INFINITY, "null"),
        ] {
            assert_eq!(f64_text(value), text);
        }
        assert_eq!(js_number(f64::NEG_INFINITY), "-Infinity");
    }

    #[test]
    fn a_float4_keeps_its_own_digits() {
        let mut out = String::new();
        write_f32(&mut out, 0.1);
        assert_eq!(out, "0.1");
    }
}
