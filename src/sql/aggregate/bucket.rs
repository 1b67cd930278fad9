//! What a bucket is in each language.

use crate::options::{Bucket, Dimension, GeoPlace};
use crate::sql::Builder;
use crate::sql::aggregate::Aggregation;

impl Aggregation<'_> {
    /// Appends the value that stands for the bucket a row falls into. What of it is shown is made by the
    /// bridges (`bridges::aggregate`).
    pub(super) fn bucket(&self, builder: &mut Builder<'_>, dimension: &Dimension) {
        let column = self.column(dimension.join, &dimension.field);
        let facts = self.column_facts(dimension.join, &dimension.field);
        match &dimension.bucket {
            Bucket::Value => {
                builder.push(&column).push(facts.grouped);
            }
            Bucket::Time(unit) => {
                let text = self.dialect.time_bucket(*unit, &column, facts);
                builder.push(&text);
            }
            Bucket::Step(step) => self.dialect.step(builder, &column, *step),
            Bucket::Breaks(breaks) => {
                builder.push("CASE");
                for (i, (from, to)) in breaks.iter().zip(breaks.iter().skip(1)).enumerate() {
                    builder.push(" WHEN ").push(&column).push(" >= ");
                    self.dialect.edge(builder, *from);
                    builder.push(" AND ").push(&column).push(" < ");
                    self.dialect.edge(builder, *to);
                    builder.push(&format!(" THEN {i}"));
                }
                builder.push(" END");
            }
            Bucket::Geohash { place, precision } => {
                let place = self.place(dimension, place);
                builder.push(&self.dialect.geohash(&place, *precision));
            }
            Bucket::H3 { place, resolution } => {
                let place = self.place(dimension, place);
                builder.push(&self.dialect.h3(&place, *resolution));
            }
        }
    }

    /// A place whose columns are ready SQL.
    fn place(&self, dimension: &Dimension, place: &GeoPlace) -> GeoPlace {
        match place {
            GeoPlace::Degrees {
                latitude,
                longitude,
            } => GeoPlace::Degrees {
                latitude: self.column(dimension.join, latitude),
                longitude: self.column(dimension.join, longitude),
            },
            GeoPlace::Point(column) => GeoPlace::Point(self.column(dimension.join, column)),
        }
    }
}
