//! What there is in the database: its targets, and the fields of one of them. Documents have no schema, so the fields
//! are those of a few documents at either end of the collection.

use std::collections::HashMap;

use super::answer::{count_of, malformed};
use super::bson::{Document, Fields, Value, fields};
use super::filter::always;
use super::session::Operation;
use crate::bridges::description::{DescribedColumn, Description, send_target};
use crate::bridges::told::Told;
use crate::error::JobError;
use crate::job::{Held, KeptBy, RowSink, ServerFacts, Summary};
use crate::limits;
use crate::options::Target;

/// What a name takes beside its text, while their number grows.
const NAME_BYTES: usize = 3 * size_of::<String>();

/// The names of all collections and views, without the server's own.
pub fn list_targets(
    operation: &mut Operation<'_>,
    sink: &mut RowSink,
) -> Result<Summary, JobError> {
    let mut names = Vec::new();
    let mut held = Held::default();
    collections(operation, always(), &mut |document| {
        let name = document
            .text("name")
            .map_err(malformed)?
            .unwrap_or_default();
        // By a longer name no job could ask for it.
        if !name.starts_with("system.") && name.len() <= limits::MAX_NAME_BYTES {
            held.add(
                name.len() + NAME_BYTES,
                "sorting the names of all collections",
            )?;
            names.push(name.into_owned());
        }
        Ok(())
    })?;
    names.sort_unstable();
    for name in names {
        send_target(sink, &name)?;
    }
    Ok(Summary::default())
}

/// A user who may not list the database still hears of what it may read.
fn collections(
    operation: &mut Operation<'_>,
    filter: Fields,
    each: &mut dyn FnMut(Document<'_>) -> Result<(), JobError>,
) -> Result<(), JobError> {
    let command = fields! {
        "listCollections": 1, "filter": filter, "nameOnly": true, "authorizedCollections": true, "cursor": fields! {},
    };
    operation.documents("$cmd.listCollections", command, each)
}

/// The fields of a target.
pub fn introspect(
    operation: &mut Operation<'_>,
    target: &Target,
    sink: &mut RowSink,
) -> Result<Summary, JobError> {
    let mut stored = false;
    collections(
        operation,
        fields! { "name": target.table() },
        &mut |document| {
            stored = document.text("type").map_err(malformed)?.as_deref() == Some("collection");
            Ok(())
        },
    )?;
    let mut sample = Sample::default();
    let find = fields! { "find": target.table(), "limit": limits::MONGODB_SAMPLE };
    operation.documents(target.table(), find.clone(), &mut |document| {
        sample.add(document)
    })?;
    // A view would be computed and sorted whole for its last documents.
    if stored && sample.documents == limits::MONGODB_SAMPLE {
        let last = find.with("sort", fields! { "_id": -1 });
        operation.documents(target.table(), last, &mut |document| sample.add(document))?;
    }
    let rows = count_of(operation, target, always())?;
    sample.describe(sink).send(sink, target.table(), rows)?;
    Ok(Summary::default())
}

/// The fields of some documents, in the order in which they were met.
#[derive(Default)]
struct Sample {
    documents: u64,
    told: Told,
    fields: Vec<Field>,
    places: HashMap<Vec<u8>, usize>,
}

#[derive(Default)]
struct Field {
    name: String,
    types: Vec<&'static str>,
    /// Documents that have it, with a value.
    valued: u64,
}

impl Sample {
    fn add(&mut self, document: Document<'_>) -> Result<(), JobError> {
        self.documents += 1;
        for element in document.elements() {
            let element = element.map_err(malformed)?;
            let place = match self.places.get(element.name) {
                Some(place) => *place,
                None if self.fields.len() >= limits::MAX_AGGREGATE_PARTS => continue,
                None => {
                    self.told.column(2 * element.name.len())?;
                    self.fields.push(Field {
                        name: String::from_utf8_lossy(element.name).into_owned(),
                        ..Field::default()
                    });
                    self.places
                        .insert(element.name.to_vec(), self.fields.len() - 1);
                    self.fields.len() - 1
                }
            };
            let Some(field) = self.fields.get_mut(place) else {
                continue;
            };
            let value = element.value().map_err(malformed)?;
            if let Some(name) = type_name(&value) {
                field.valued += 1;
                if !field.types.contains(&name) {
                    field.types.push(name);
                }
            }
        }
        Ok(())
    }

    fn describe(&self, sink: &RowSink) -> Description {
        let mut description = Description::default();
        for field in &self.fields {
            let data_type = match field.types.as_slice() {
                [] => "null".to_owned(),
                types => types.join(" | "),
            };
            let column = DescribedColumn {
                name: &field.name,
                data_type: &data_type,
                nullable: field.valued < self.documents,
                primary_key: field.name == "_id",
            };
            description.column(sink, &column);
        }
        description
    }
}

/// The server's own word for a value's type; `None` for what is no value.
fn type_name(value: &Value<'_>) -> Option<&'static str> {
    Some(match value {
        Value::Null | Value::Undefined => return None,
        Value::Double(_) => "double",
        Value::Text(_) => "string",
        Value::Document(_) => "object",
        Value::Array(_) => "array",
        Value::Binary { subtype: 3 | 4, .. } => "uuid",
        Value::Binary { .. } => "binData",
        Value::ObjectId(_) => "objectId",
        Value::Bool(_) => "bool",
        Value::Date(_) => "date",
        Value::Regex { .. } => "regex",
        Value::Pointer { .. } => "dbPointer",
        Value::Code { .. } => "javascript",
        Value::Symbol(_) => "symbol",
        Value::Int(_) => "int",
        Value::Timestamp(_) => "timestamp",
        Value::Long(_) => "long",
        Value::Decimal(_) => "decimal",
        Value::MinKey => "minKey",
        Value::MaxKey => "maxKey",
    })
}

/// Uses the connection as jobs do: a login that may do nothing would pass a mere ping.
pub fn test(operation: &mut Operation<'_>) -> Result<Summary, JobError> {
    collections(operation, always(), &mut |_| Ok(()))?;
    let answer = operation.run(fields! { "buildInfo": 1 })?;
    let version = answer
        .text("version")
        .map_err(malformed)?
        .unwrap_or_default();
    let version = format!("MongoDB {version}");
    let privileges = super::privileges::ask(operation)?;
    Ok(Summary {
        server: Some(ServerFacts {
            version,
            tls: operation.encrypted(),
            read_only: privileges.beyond_reading.is_empty(),
            kept_by: KeptBy::Role,
        }),
        ..Summary::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridges::mongodb::bson::Bson;

    #[test]
    fn fields_are_described_by_what_is_in_them() {
        let mut sample = Sample::default();
        for document in [
            fields! { "_id": 1, "a": "x", "b": Bson::Null },
            fields! { "_id": 2, "c": 0.5, "a": 7 },
        ] {
            let bytes = document.encode();
            sample.add(Document::new(&bytes).unwrap()).unwrap();
        }
        let fields: Vec<_> = sample
            .fields
            .iter()
            .map(|field| (field.name.as_str(), field.types.join("|"), field.valued))
            .collect();
        let of = |name, types: &str, valued| (name, types.to_owned(), valued);
        assert_eq!(
            fields,
            [
                of("_id", "int", 2),
                of("a", "string|int", 2),
                of("b", "", 0),
                of("c", "double", 1)
            ]
        );
    }
}
