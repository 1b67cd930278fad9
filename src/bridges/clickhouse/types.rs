//! Types of columns, as the server spells them.

/// More than ever wrap a type.
const MAX_WRAPS: usize = 8;

/// A type, without what only wraps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnType {
    /// As the server spells it, and as a parameter of it is declared.
    pub(super) text: String,
    /// What kind of values it has.
    pub(super) kind: Kind,
    /// It may hold NULL.
    pub(super) nullable: bool,
}

/// Kinds of values that are told apart, because what a job compares with them has to be put into their form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole number of so many bits.
    Integer {
        /// It may be negative.
        signed: bool,
        /// 8 to 256.
        bits: u16,
    },
    /// A decimal with so many digits, and so many of them behind the point.
    Decimal {
        /// All digits.
        precision: usize,
        /// Those behind the point.
        scale: usize,
    },
    /// A binary fraction.
    Float,
    /// True or false, which is a UInt8 too.
    Bool,
    /// Bytes of any length.
    Text,
    /// So many bytes.
    FixedText(usize),
    /// One of some names.
    Enum,
    /// A day.
    Date {
        /// `Date32`, which knows earlier and later ones.
        wide: bool,
    },
    /// An instant, shown in this zone or the server's.
    DateTime {
        /// Digits of a second; `None` for the 32 bit type.
        scale: Option<usize>,
    },
    /// An identifier or an address: a parameter of the same type reads every spelling of it.
    Named,
    /// Anything else. Nothing is known of its values, and the server makes of constants what it can.
    Other,
}

impl ColumnType {
    /// Reads a type.
    pub(super) fn parse(text: &str) -> Self {
        let mut text = text.trim();
        let mut nullable = false;
        let mut wraps = 0;
        loop {
            wraps += 1;
            text = match split(text) {
                _ if wraps > MAX_WRAPS => {
                    return Self {
                        kind: Kind::Other,
                        text: text.to_owned(),
                        nullable,
                    };
                }
                ("Nullable", Some(inner)) => {
                    nullable = true;
                    inner
                }
                ("LowCardinality", Some(inner)) => inner,
                ("SimpleAggregateFunction", Some(inner)) => match members(inner).last() {
                    Some(value) => value.trim(),
                    None => inner,
                },
                (name, arguments) => {
                    return Self {
                        kind: kind(name, arguments.unwrap_or_default()),
                        text: text.to_owned(),
                        nullable,
                    };
                }
            }
        }
    }

    /// The same in UTC, for an instant whose text is in UTC.
    pub(super) fn in_utc(&self) -> String {
        match self.kind {
            Kind::DateTime { scale: Some(scale) } => format!("DateTime64({scale}, 'UTC')"),
            Kind::DateTime { scale: None } => "DateTime('UTC')".to_owned(),
            _ => self.text.clone(),
        }
    }

    /// True for a type that a `Nullable` can be made of.
    pub(super) fn may_be_nullable(&self) -> bool {
        self.kind != Kind::Other
    }
}

fn kind(name: &str, arguments: &str) -> Kind {
    let number = |text: &str| text.trim().parse().unwrap_or(0);
    let mut each = members(arguments);
    let mut argument = || number(each.next().unwrap_or_default());
    match name {
        "Float32" | "Float64" | "BFloat16" => Kind::Float,
        "Bool" => Kind::Bool,
        "String" => Kind::Text,
        "FixedString" => Kind::FixedText(argument()),
        "Decimal" => Kind::Decimal {
            precision: argument(),
            scale: argument(),
        },
        "Enum8" | "Enum16" => Kind::Enum,
        "Date" => Kind::Date { wide: false },
        "Date32" => Kind::Date { wide: true },
        "DateTime" => Kind::DateTime { scale: None },
        "DateTime64" => Kind::DateTime {
            scale: Some(argument()),
        },
        "UUID" | "IPv4" | "IPv6" | "Time" | "Time64" => Kind::Named,
        _ => {
            let (signed, bits) = match name.strip_prefix("UInt") {
                Some(bits) => (false, bits),
                None => (true, name.strip_prefix("Int").unwrap_or_default()),
            };
            match bits.parse() {
                Ok(bits @ (8 | 16 | 32 | 64 | 128 | 256)) => Kind::Integer { signed, bits },
                _ => Kind::Other,
            }
        }
    }
}

/// The name, and what is in the parentheses behind it.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once('(') {
        Some((name, rest)) => (name.trim_end(), rest.strip_suffix(')')),
        None => (text, None),
    }
}

/// What commas separate, outside of parentheses and quotes.
pub(super) fn members(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let end = member_end(rest);
        let member = rest.get(..end)?;
        let more = rest.get(end + 1..);
        rest = more.unwrap_or_default();
        (more.is_some() || !member.trim().is_empty()).then_some(member)
    })
}

/// Where the first member of a list ends.
fn member_end(list: &str) -> usize {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in list.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '`' | '"') => quote = Some(c),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => return at,
            (None, _) => {}
        }
    }
    list.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_found_inside_of_what_wraps_it() {
        for (text, inner, kind, nullable) in [
            ("String", "String", Kind::Text, false),
            (
                "LowCardinality(Nullable(String))",
                "String",
                Kind::Text,
                true,
            ),
            (
                "SimpleAggregateFunction(anyLast, Nullable(UInt64))",
                "UInt64",
                Kind::Integer {
                    signed: false,
                    bits: 64,
                },
                true,
            ),
            (
                "Nullable(Decimal(12, 2))",
                "Decimal(12, 2)",
                Kind::Decimal {
                    precision: 12,
                    scale: 2,
                },
                true,
            ),
            (
                "DateTime64(3, 'Asia/Tokyo')",
                "DateTime64(3, 'Asia/Tokyo')",
                Kind::DateTime { scale: Some(3) },
                false,
            ),
            (
                "DateTime('UTC')",
                "DateTime('UTC')",
                Kind::DateTime { scale: None },
                false,
            ),
            (
                "Enum8('a, (b' = 1)",
                "Enum8('a, (b' = 1)",
                Kind::Enum,
                false,
            ),
            (
                "FixedString(16)",
                "FixedString(16)",
                Kind::FixedText(16),
                false,
            ),
            (
                "Array(Nullable(Int8))",
                "Array(Nullable(Int8))",
                Kind::Other,
                false,
            ),
            ("IntervalDay", "IntervalDay", Kind::Other, false),
            ("Int512", "Int512", Kind::Other, false),
        ] {
            let found = ColumnType::parse(text);
            assert_eq!((found.text.as_str(), &found.kind), (inner, &kind), "{text}");
            assert_eq!(found.nullable, nullable, "{text}");
        }
    }

    #[test]
    fn what_is_wrapped_without_end_is_nothing_known() {
        let wrapped = |times| {
            let (open, close) = ("Nullable(".repeat(times), ")".repeat(times));
            ColumnType::parse(&format!("{open}Int8{close}")).kind
        };
        assert_ne!(wrapped(MAX_WRAPS - 1), Kind::Other);
        assert_eq!(wrapped(100_000), Kind::Other);
    }

    #[test]
    fn lists_are_split_where_they_are_lists() {
        assert_eq!(
            members("toDate(ts), f(a, `x,y`), 'it\\'s, one', -id").collect::<Vec<_>>(),
            ["toDate(ts)", " f(a, `x,y`)", " 'it\\'s, one'", " -id"]
        );
        assert_eq!(members("").count(), 0);
        assert_eq!(members("id").collect::<Vec<_>>(), ["id"]);
    }
}
