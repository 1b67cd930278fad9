//! BSON as far as commands and their answers need it.

/// A document of these fields: each a type's number, a name and the value's bytes.
pub fn document(fields: &[(u8, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, name, value) in fields {
        body.push(*kind);
        body.extend(name.bytes());
        body.push(0);
        body.extend(*value);
    }
    let length = i32::try_from(body.len() + 5).expect("a short document");
    [&length.to_le_bytes()[..], &body, &[0]].concat()
}

/// The bytes of a text.
pub fn text(text: &str) -> Vec<u8> {
    let length = i32::try_from(text.len() + 1).expect("a short text");
    [&length.to_le_bytes()[..], text.as_bytes(), &[0]].concat()
}

/// The bytes of binary data.
pub fn binary(bytes: &[u8]) -> Vec<u8> {
    let length = i32::try_from(bytes.len()).expect("short");
    [&length.to_le_bytes()[..], &[0], bytes].concat()
}

/// The value's bytes of a field. Panics on a type that answers do not have.
pub fn field<'a>(document: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    let mut fields = fields(document);
    let (_, _, value) = fields.find(|(_, name, _)| *name == wanted.as_bytes())?;
    Some(value)
}

/// The fields of a document or list: each a type's number, a name and the value's bytes. Panics on a type that answers do
/// not have.
pub fn fields(document: &[u8]) -> impl Iterator<Item = (u8, &[u8], &[u8])> {
    let mut rest = &document[4..];
    std::iter::from_fn(move || {
        let (kind, named) = rest.split_first().filter(|(kind, _)| **kind != 0)?;
        let end = named.iter().position(|byte| *byte == 0)?;
        let value = &named[end + 1..];
        let size = match kind {
            1 | 9 | 17 | 18 => 8,
            2 => 4 + length(value),
            3 | 4 => length(value),
            5 => 5 + length(value),
            7 => 12,
            8 => 1,
            10 => 0,
            16 => 4,
            other => panic!("a field of type {other}"),
        };
        rest = &value[size..];
        Some((*kind, &named[..end], &value[..size]))
    })
}

/// The length that a document, text or binary value begins with.
pub fn length(bytes: &[u8]) -> usize {
    u32::from_le_bytes(*bytes.first_chunk().expect("a length")) as usize
}
