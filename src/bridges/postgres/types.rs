//! Which form the values of a type have, and how they are asked for.

use super::form::Form;

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, with domains resolved to what is under them.
    pub oid: u32,
}

impl Column {
    /// The column of exactly this name.
    pub fn find<'a>(columns: &'a [Self], name: &str) -> Option<&'a Self> {
        columns.iter().find(|column| column.name == name)
    }
}

/// What the select list says so that a column arrives in a form we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    /// The column itself.
    None,
    /// `::text`
    Text,
    /// `::text[]`: the official driver shows such arrays as lists of strings.
    TextArray,
}

/// How to ask for a column of this type (domains resolved).
pub fn cast(oid: u32) -> Cast {
    match oid {
        _ if form(oid).is_some() => Cast::None,
        // regproc, macaddr, money, time, timetz, numrange
        1008 | 1040 | 791 | 1183 | 1270 | 3907 => Cast::TextArray,
        _ => Cast::Text,
    }
}

/// The form of a value of this type, and whether it is an array of it; `None` for types that are asked for
/// as text.
pub fn form(oid: u32) -> Option<(Form, bool)> {
    Some(match oid {
        16 => (Form::Bool, false),
        17 => (Form::Bytea, false),
        20 => (Form::Int8, false),
        21 => (Form::Int2, false),
        23 => (Form::Int4, false),
        26 => (Form::Oid, false),
        700 => (Form::Float4, false),
        701 => (Form::Float8, false),
        1700 => (Form::Numeric, false),
        18 => (Form::Char, false),
        // name, text, unknown, bpchar, varchar
        19 | 25 | 705 | 1042 | 1043 => (Form::Text, false),
        114 => (Form::Json, false),
        3802 => (Form::Jsonb, false),
        1082 => (Form::Date, false),
        1114 | 1184 => (Form::Timestamp, false),
        1186 => (Form::Interval, false),
        2950 => (Form::Uuid, false),
        600 => (Form::Point, false),
        718 => (Form::Circle, false),
        869 => (Form::Inet, false),
        650 => (Form::Cidr, false),
        1000 => (Form::Bool, true),
        1001 => (Form::Bytea, true),
        1016 => (Form::Int8, true),
        1005 => (Form::Int2, true),
        1007 => (Form::Int4, true),
        1028 => (Form::Oid, true),
        1021 => (Form::Float4, true),
        1022 => (Form::Float8, true),
        1231 => (Form::NumericNumber, true),
        // text, bpchar, varchar
        1009 | 1014 | 1015 => (Form::Text, true),
        199 => (Form::Json, true),
        3807 => (Form::Jsonb, true),
        1182 => (Form::Date, true),
        1115 | 1185 => (Form::Timestamp, true),
        1187 => (Form::Interval, true),
        2951 => (Form::Uuid, true),
        1017 => (Form::Point, true),
        1041 => (Form::Inet, true),
        651 => (Form::Cidr, true),
        _ => return None,
    })
}

/// A cast to the array type that [`form`] reads; `None` when it is no array.
pub fn array_type(oid: u32) -> Option<&'static str> {
    Some(match oid {
        1000 => "::bool[]",
        1001 => "::bytea[]",
        1016 => "::int8[]",
        1005 => "::int2[]",
        1007 => "::int4[]",
        1028 => "::oid[]",
        1021 => "::float4[]",
        1022 => "::float8[]",
        1231 => "::numeric[]",
        1009 => "::text[]",
        1014 => "::bpchar[]",
        1015 => "::varchar[]",
        199 => "::json[]",
        3807 => "::jsonb[]",
        1182 => "::date[]",
        1115 => "::timestamp[]",
        1185 => "::timestamptz[]",
        1187 => "::interval[]",
        2951 => "::uuid[]",
        1017 => "::point[]",
        1041 => "::inet[]",
        651 => "::cidr[]",
        _ => return None,
    })
}
