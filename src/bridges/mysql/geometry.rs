//! Geometry values: MySQL's storage form (an SRID, then WKB) as the JSON of the official bridges. Input is
//! whatever the server sent, so every count is checked by reading, never trusted for an allocation.

use crate::json::{Text, write_bytes, write_f64};
use crate::limits;

/// The two shapes a geometry has in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GeometryStyle {
    /// `{"x":1,"y":2}` and nested arrays of it, as the official mysql bridge has them.
    Points,
    /// GeoJSON, as the official mariadb bridge has it.
    GeoJson,
}

const POINT: u32 = 1;
const LINE_STRING: u32 = 2;
const POLYGON: u32 = 3;
const MULTI_POINT: u32 = 4;
const MULTI_LINE_STRING: u32 = 5;
const MULTI_POLYGON: u32 = 6;
const COLLECTION: u32 = 7;

/// Writes a geometry; the SRID is dropped. What cannot be decoded is shown as the bytes it is.
pub(super) fn write_geometry(out: &mut Text, value: &[u8], style: GeometryStyle) {
    let start = out.len();
    let decoded = value.split_at_checked(4).and_then(|(_srid, wkb)| {
        let mut reader = Reader { rest: wkb, style };
        reader.geometry(out, None, 0)
    });
    if decoded.is_none() {
        out.truncate(start);
        write_bytes(out, value);
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    style: GeometryStyle,
}

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*head)
    }

    fn u32(&mut self, little: bool) -> Option<u32> {
        let bytes = self.bytes::<4>()?;
        Some(if little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    }

    fn f64(&mut self, little: bool) -> Option<f64> {
        let bytes = self.bytes::<8>()?;
        Some(if little {
            f64::from_le_bytes(bytes)
        } else {
            f64::from_be_bytes(bytes)
        })
    }

    /// One geometry with its header. Inside a multi-geometry (`member` names the kind) only the coordinates
    /// are written.
    fn geometry(&mut self, out: &mut Text, member: Option<u32>, depth: usize) -> Option<()> {
        if depth > limits::MAX_NESTING {
            return None;
        }
        let little = match self.bytes::<1>()? {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        let kind = self.u32(little)?;
        if member.is_some_and(|expected| expected != kind) {
            return None;
        }
        let tagged = self.style == GeometryStyle::GeoJson && member.is_none();
        if tagged {
            out.push_str("{\"type\":\"");
            out.push_str(name(kind)?);
            out.push_str(if kind == COLLECTION {
                "\",\"geometries\":"
            } else {
                "\",\"coordinates\":"
            });
        }
        match kind {
            POINT => self.point(out, little)?,
            LINE_STRING => self.points(out, little)?,
            POLYGON => self.list(out, little, |reader, out| reader.points(out, little))?,
            MULTI_POINT | MULTI_LINE_STRING | MULTI_POLYGON => {
                let of = kind - 3;
                self.list(out, little, |reader, out| {
                    reader.geometry(out, Some(of), depth + 1)
                })?;
            }
            COLLECTION => self.list(out, little, |reader, out| {
                reader.geometry(out, None, depth + 1)
            })?,
            _ => return None,
        }
        if tagged {
            out.push('}');
        }
        Some(())
    }

    fn points(&mut self, out: &mut Text, little: bool) -> Option<()> {
        self.list(out, little, |reader, out| reader.point(out, little))
    }

    fn list(
        &mut self,
        out: &mut Text,
        little: bool,
        mut member: impl FnMut(&mut Self, &mut Text) -> Option<()>,
    ) -> Option<()> {
        let count = self.u32(little)?;
        out.push('[');
        for n in 0..count {
            if n > 0 {
                out.push(',');
            }
            member(self, out)?;
        }
        out.push(']');
        Some(())
    }

    fn point(&mut self, out: &mut Text, little: bool) -> Option<()> {
        let (x, y) = (self.f64(little)?, self.f64(little)?);
        let (before, between, after) = match self.style {
            GeometryStyle::Points => ("{\"x\":", ",\"y\":", '}'),
            GeometryStyle::GeoJson => ("[", ",", ']'),
        };
        out.push_str(before);
        write_f64(out, x);
        out.push_str(between);
        write_f64(out, y);
        out.push(after);
        Some(())
    }
}

fn name(kind: u32) -> Option<&'static str> {
    Some(match kind {
        POINT => "Point",
        LINE_STRING => "LineString",
        POLYGON => "Polygon",
        MULTI_POINT => "MultiPoint",
        MULTI_LINE_STRING => "MultiLineString",
        MULTI_POLYGON => "MultiPolygon",
        COLLECTION => "GeometryCollection",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(wkb: &[u8], style: GeometryStyle) -> String {
        let mut value = vec![0xe6, 0x10, 0, 0];
        value.extend_from_slice(wkb);
        let mut out = Text::new();
        write_geometry(&mut out, &value, style);
        out.into_string()
    }

    fn point(x: f64, y: f64) -> Vec<u8> {
        let mut wkb = vec![1, 1, 0, 0, 0];
        wkb.extend_from_slice(&x.to_le_bytes());
        wkb.extend_from_slice(&y.to_le_bytes());
        wkb
    }

    fn collection(members: &[Vec<u8>], kind: u8) -> Vec<u8> {
        let mut wkb = vec![1, kind, 0, 0, 0, members.len() as u8, 0, 0, 0];
        wkb.extend(members.iter().flatten());
        wkb
    }

    #[test]
    fn each_style_has_its_shape() {
        let value = collection(&[point(1.0, 2.0), collection(&[point(3.0, -0.5)], 4)], 7);
        assert_eq!(
            text(&value, GeometryStyle::Points),
            r#"[{"x":1,"y":2},[{"x":3,"y":-0.5}]]"#
        );
        assert_eq!(
            text(&value, GeometryStyle::GeoJson),
            r#"{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},{"type":"MultiPoint","coordinates":[[3,-0.5]]}]}"#
        );
    }

    #[test]
    fn big_endian_is_read_too() {
        let mut wkb = vec![0, 0, 0, 0, 1];
        wkb.extend_from_slice(&1.5f64.to_be_bytes());
        wkb.extend_from_slice(&2.5f64.to_be_bytes());
        assert_eq!(text(&wkb, GeometryStyle::Points), r#"{"x":1.5,"y":2.5}"#);
    }

    #[test]
    fn what_is_cut_or_lies_is_shown_as_bytes() {
        let whole = collection(&[point(1.0, 2.0)], 7);
        for end in 0..whole.len() {
            let shown = text(&whole[..end], GeometryStyle::GeoJson);
            assert!(shown.starts_with("{\"type\":\"Buffer\""), "{end}: {shown}");
        }
        let many = [1, 2, 0, 0, 0, 255, 255, 255, 255];
        assert!(text(&many, GeometryStyle::Points).contains("Buffer"));
        let mut deep = Vec::new();
        for _ in 0..10_000 {
            deep.extend_from_slice(&[1, 7, 0, 0, 0, 1, 0, 0, 0]);
        }
        assert!(text(&deep, GeometryStyle::Points).contains("Buffer"));
        let mut out = Text::new();
        write_geometry(&mut out, &[1, 2], GeometryStyle::Points);
        assert_eq!(out.as_str(), r#"{"type":"Buffer","data":[1,2]}"#);
    }
}
