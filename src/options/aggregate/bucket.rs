//! Buckets: the spans of time, of numbers and of the earth that values fall into.

use serde_json::Value;

use crate::error::{ErrorCode, JobError};
use crate::options::OptionRules;
use crate::options::fields::{Options, check_parts, finite};
use crate::words::words;

/// How the values of a dimension become buckets.
#[derive(Debug, Clone, PartialEq)]
pub enum Bucket {
    /// Every value is one.
    Value,
    /// Spans of time, in UTC.
    Time(TimeUnit),
    /// Spans of this width, counted from zero.
    Step(f64),
    /// Spans between neighbours of this list, lower edge included; what is outside belongs to none.
    Breaks(Vec<f64>),
    /// Cells of the earth, by geohashes of so many characters.
    Geohash {
        /// Where the position is.
        place: GeoPlace,
        /// Characters, 1 to 12.
        precision: u8,
    },
    /// Cells of the earth, by the numbers of a hexagonal grid.
    H3 {
        /// Where the position is.
        place: GeoPlace,
        /// Fineness of the grid, 0 to 15.
        resolution: u8,
    },
}

/// Where a row has its position on earth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GeoPlace {
    /// Two columns with degrees.
    Degrees {
        /// Column of the latitude.
        latitude: String,
        /// Column of the longitude.
        longitude: String,
    },
    /// One column with a point.
    Point(String),
}

words! {
    /// A span of time.
    TimeUnit {
        /// `2025-01-05T10:00`
        Minute = "minute",
        /// `2025-01-05T10`
        Hour = "hour",
        /// `2025-01-05`
        Day = "day",
        /// ISO week of the ISO year, `2025-W01`
        Week = "week",
        /// `2025-01`
        Month = "month",
        /// `2025-Q1`
        Quarter = "quarter",
        /// `2025`
        Year = "year",
    }
}

/// Parses the `bucket` of a dimension.
pub(super) fn parse(
    dimension: Options<'_>,
    field: &str,
    rules: &OptionRules,
) -> Result<Bucket, JobError> {
    let path = dimension.path("bucket");
    match dimension.get("bucket") {
        None => Ok(Bucket::Value),
        Some(Value::String(word)) => TimeUnit::ALL
            .into_iter()
            .find(|unit| unit.as_str() == word)
            .map(Bucket::Time)
            .ok_or_else(|| {
                let words = TimeUnit::ALL.map(TimeUnit::as_str).join(", ");
                JobError::invalid_options(&path, format_args!("must be one of {words}"))
            }),
        Some(value) => {
            let bucket = Options::at(value, &path)?;
            match bucket.required_text("type")? {
                "numeric" => numeric(bucket),
                "geohash" => geohash(bucket, field),
                "h3" if rules.h3 => h3(bucket, field),
                "h3" => Err(JobError::new(
                    ErrorCode::UnsupportedOperator,
                    "Dialect does not implement h3Expr — caps advertise h3Bucket but pushdown is not wired",
                )),
                other => Err(bucket.refuse("type", format_args!("\"{other}\" is not known"))),
            }
        }
    }
}

/// Spans of one width, or between given edges; with neither, every number is a bucket.
fn numeric(bucket: Options<'_>) -> Result<Bucket, JobError> {
    if let Some(step) = bucket.number("step")? {
        return if step > 0.0 {
            Ok(Bucket::Step(step))
        } else {
            Err(bucket.refuse("step", "must be above zero"))
        };
    }
    let Some(value) = bucket.get("breaks") else {
        return Ok(Bucket::Value);
    };
    let path = bucket.path("breaks");
    let breaks: Option<Vec<f64>> = value
        .as_array()
        .and_then(|edges| edges.iter().map(finite).collect());
    match breaks {
        Some(breaks) if breaks.len() >= 2 && breaks.is_sorted() => {
            check_parts(breaks.len(), &path)?;
            Ok(Bucket::Breaks(breaks))
        }
        _ => Err(JobError::invalid_options(
            &path,
            "must be an array of at least two numbers, the smallest first",
        )),
    }
}

fn geohash(bucket: Options<'_>, field: &str) -> Result<Bucket, JobError> {
    let place = place(bucket, field)?;
    // In range after the clamp; a fraction is cut.
    let precision = bucket.number("precision")?.unwrap_or(5.0).clamp(1.0, 12.0) as u8;
    Ok(Bucket::Geohash { place, precision })
}

fn h3(bucket: Options<'_>, field: &str) -> Result<Bucket, JobError> {
    let place = place(bucket, field)?;
    let resolution = bucket.number("resolution")?.unwrap_or(7.0).clamp(0.0, 15.0) as u8;
    Ok(Bucket::H3 { place, resolution })
}

fn place(bucket: Options<'_>, field: &str) -> Result<GeoPlace, JobError> {
    let point = bucket.column("geoField")?;
    match (
        bucket.column("latField")?,
        bucket.column("lngField")?,
        point,
    ) {
        (Some(latitude), Some(longitude), _) => Ok(GeoPlace::Degrees {
            latitude,
            longitude,
        }),
        (_, _, Some(column)) => Ok(GeoPlace::Point(column)),
        _ => {
            let problem = format!(
                "Geo bucket on dim \"{field}\" requires either latField+lngField or geoField"
            );
            Err(bucket.refuse("latField", problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::RULES;
    use serde_json::json;

    fn bucket_under(rules: &OptionRules, bucket: Value) -> Result<Bucket, JobError> {
        let dimension = json!({ "bucket": bucket });
        parse(
            Options::at(&dimension, "options.dimensions[0]")?,
            "a",
            rules,
        )
    }

    fn bucket(bucket: Value) -> Result<Bucket, JobError> {
        bucket_under(&RULES, bucket)
    }

    #[test]
    fn a_bridge_may_have_another_grid() {
        let rules = OptionRules { h3: true, ..RULES };
        let value = json!({"type": "h3", "resolution": 20, "geoField": "p"});
        assert_eq!(
            bucket_under(&rules, value).unwrap(),
            Bucket::H3 {
                place: GeoPlace::Point("p".to_owned()),
                resolution: 15,
            }
        );
    }

    #[test]
    fn every_kind_of_bucket_is_understood() {
        for (value, want) in [
            (json!(null), Bucket::Value),
            (json!("week"), Bucket::Time(TimeUnit::Week)),
            (json!({"type": "numeric"}), Bucket::Value),
            (json!({"type": "numeric", "step": 0.5}), Bucket::Step(0.5)),
            (
                json!({"type": "numeric", "breaks": [1, 2.5]}),
                Bucket::Breaks(vec![1.0, 2.5]),
            ),
            (
                json!({"type": "geohash", "precision": 20, "geoField": "p"}),
                Bucket::Geohash {
                    place: GeoPlace::Point("p".to_owned()),
                    precision: 12,
                },
            ),
        ] {
            assert_eq!(bucket(value.clone()).unwrap(), want, "{value}");
        }
    }

    #[test]
    fn nothing_but_numbers_stands_where_numbers_belong() {
        for (value, path) in [
            (json!("century"), "options.dimensions[0].bucket:"),
            (json!(5), "options.dimensions[0].bucket:"),
            (json!({"type": "zzz"}), "options.dimensions[0].bucket.type:"),
            (
                json!({"type": "numeric", "step": "1) , (SELECT 1"}),
                "options.dimensions[0].bucket.step:",
            ),
            (
                json!({"type": "numeric", "step": 0}),
                "options.dimensions[0].bucket.step:",
            ),
            (
                json!({"type": "numeric", "breaks": ["0", "5 + 5"]}),
                "options.dimensions[0].bucket.breaks:",
            ),
            (
                json!({"type": "numeric", "breaks": [1]}),
                "options.dimensions[0].bucket.breaks:",
            ),
            (
                json!({"type": "numeric", "breaks": [30, 10, 100]}),
                "options.dimensions[0].bucket.breaks:",
            ),
            (
                json!({"type": "geohash", "latField": "a"}),
                "options.dimensions[0].bucket.latField:",
            ),
        ] {
            let error = bucket(value).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidOptions);
            assert!(error.message.starts_with(path), "{error}");
        }
        let error = bucket(json!({"type": "h3"})).unwrap_err();
        assert_eq!(error.code, ErrorCode::UnsupportedOperator);
    }
}
