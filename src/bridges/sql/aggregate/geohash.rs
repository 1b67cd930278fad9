//! Which bridges have geohash buckets.

use crate::error::{ErrorCode, JobError};
use crate::options::{AggregateOptions, Bucket, GeoPlace};

/// Refuses geohash buckets where the bridge has none, in the official words: `degrees` and `points` tell
/// whether it can make them of two columns, and of one.
pub(in crate::bridges::sql) fn check_geohash(
    options: &AggregateOptions,
    degrees: bool,
    points: bool,
) -> Result<(), JobError> {
    for dimension in &options.dimensions {
        let (Bucket::Geohash { place, .. } | Bucket::H3 { place, .. }) = &dimension.bucket else {
            continue;
        };
        let problem = match place {
            GeoPlace::Degrees { .. } if degrees => continue,
            GeoPlace::Point(_) if points => continue,
            GeoPlace::Degrees { .. } => {
                "Dialect does not implement geohashExpr — caps advertise geohashBucket but pushdown is not wired"
                    .to_owned()
            }
            GeoPlace::Point(_) => format!(
                "Dialect cannot decode \"geoField\" for geo bucket on dim \"{}\" — supply latField/lngField \
                 or use a dialect that implements decodeGeoField",
                dimension.field
            ),
        };
        return Err(JobError::new(ErrorCode::UnsupportedOperator, problem));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{JobKind, RULES, Request};
    use serde_json::json;

    #[test]
    fn each_place_is_allowed_by_itself() {
        let options = |bucket| {
            let options = json!({"dimensions": [{"field": "cell", "bucket": bucket}]});
            match Request::parse(JobKind::Aggregate, "t", &options, &RULES).unwrap() {
                Request::Aggregate(options) => options,
                _ => panic!("not an aggregate"),
            }
        };
        let degrees = options(json!({"type": "geohash", "latField": "a", "lngField": "b"}));
        let point = options(json!({"type": "geohash", "geoField": "p"}));
        assert!(check_geohash(&degrees, true, false).is_ok());
        assert!(check_geohash(&point, false, true).is_ok());
        let error = check_geohash(&degrees, false, true).unwrap_err();
        assert_eq!(error.code, ErrorCode::UnsupportedOperator);
        let error = check_geohash(&point, true, false).unwrap_err();
        assert!(error.message.contains("geo bucket on dim \"cell\""));
    }
}
