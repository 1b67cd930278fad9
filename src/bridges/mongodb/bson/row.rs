//! Documents as rows. The key, `_id`, is shown as text whatever its type, as the official bridge does.

use super::json::{Writer, write_hex};
use super::{Document, HiddenPaths, Malformed, Value, key_text};
use crate::json::{Text, write_i64, write_string};

/// Appends a row.
pub fn write_document(
    out: &mut Text,
    document: Document<'_>,
    hidden: &HiddenPaths,
) -> Result<(), Malformed> {
    Writer::new(out, hidden).members(document, Some(write_key))
}

/// The usual kinds of keys need no text of their own.
fn write_key(out: &mut Text, key: &Value<'_>) -> Result<(), Malformed> {
    let number = match key {
        Value::Text(text) => {
            write_string(out, text);
            return Ok(());
        }
        Value::ObjectId(id) => {
            write_hex(out, id);
            return Ok(());
        }
        Value::Int(number) => (*number).into(),
        Value::Long(number) => *number,
        key => {
            write_string(out, &key_text(key)?);
            return Ok(());
        }
    };
    out.push('"');
    write_i64(out, number);
    out.push('"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Bson, Fields, fields, list, parse_decimal};
    use super::*;

    fn json(fields: &Fields) -> String {
        let bytes = fields.encode();
        let mut out = Text::new();
        let document = Document::new(&bytes).unwrap();
        write_document(&mut out, document, &HiddenPaths::default()).unwrap();
        out.into_string()
    }

    #[test]
    fn every_type_has_its_json() {
        for (value, text) in [
            (Bson::Double(f64::NAN), "null"),
            (Bson::Double(-0.0), "0"),
            (Bson::Long(9_007_199_254_740_993), "9007199254740993"),
            (
                Bson::Decimal(parse_decimal("1.50").unwrap()),
                r#"{"$numberDecimal":"1.50"}"#,
            ),
            (Bson::Date(0), r#""1970-01-01T00:00:00.000Z""#),
            (Bson::Date(i64::MAX), "null"),
            (Bson::ObjectId([0xab; 12]), r#""abababababababababababab""#),
            (Bson::Binary(0, vec![1]), r#""AQ==""#),
            (
                Bson::Binary(4, vec![0x5a; 16]),
                r#""5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a""#,
            ),
            (
                Bson::Binary(3, vec![0; 16]),
                r#""AAAAAAAAAAAAAAAAAAAAAA==""#,
            ),
            (
                Bson::Regex("^a".into(), "i"),
                r#"{"$regularExpression":{"pattern":"^a","options":"i"}}"#,
            ),
            (
                Bson::Raw(0x11, vec![1, 0, 0, 0, 1, 0, 0, 0]),
                r#"{"$timestamp":"4294967297"}"#,
            ),
            (Bson::Raw(0xff, vec![]), r#"{"$minKey":1}"#),
            (
                list![1, Bson::Raw(0x06, vec![]), fields! {"_id": 7}],
                r#"[1,null,{"_id":7}]"#,
            ),
        ] {
            let row = fields! {"v": value, "u": Bson::Raw(0x06, vec![])};
            assert_eq!(json(&row), format!(r#"{{"v":{text}}}"#));
        }
    }

    #[test]
    fn a_key_is_text() {
        assert_eq!(json(&fields! {"_id": 7, "a": 7}), r#"{"_id":"7","a":7}"#);
        assert_eq!(json(&fields! {"_id": Bson::Null}), r#"{"_id":"null"}"#);
        assert_eq!(
            json(&fields! {"_id": fields! {"a": 1}}),
            r#"{"_id":"{\"a\":1}"}"#
        );
        assert_eq!(json(&fields! {}), "{}");
    }

    #[test]
    fn depth_is_bounded() {
        let mut deep = fields! {};
        for _ in 0..300 {
            deep = fields! {"a": deep};
        }
        let bytes = deep.encode();
        let document = Document::new(&bytes).unwrap();
        let nothing = HiddenPaths::default();
        assert_eq!(
            write_document(&mut Text::new(), document, &nothing),
            Err(Malformed)
        );
    }

    #[test]
    fn nothing_is_shown_of_what_is_hidden() {
        let address = || fields! {"zip": 1, "city": "x"};
        let row = fields! {
            "_id": 1, "a": address(), "l": list![address(), list![address()], 7], "a.zip": 1, "n": fields! {"0": address()},
        };
        let bytes = row.encode();
        let document = Document::new(&bytes).unwrap();
        let hidden: Vec<String> = ["_id", "a.zip", "l.zip", "n.3.zip"]
            .map(str::to_owned)
            .into();
        let mut out = Text::new();
        write_document(&mut out, document, &HiddenPaths::new(&hidden)).unwrap();
        assert_eq!(
            out.into_string(),
            r#"{"a":{"city":"x"},"l":[{"city":"x"},[{"city":"x"}],7],"n":{"0":{"city":"x"}}}"#
        );
    }
}
