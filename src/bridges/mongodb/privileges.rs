//! What the user may do beyond reading. There is no session that only reads: only roles keep a user from writing.

use std::collections::BTreeSet;

use super::answer::malformed;
use super::bson::{Document, Value, fields};
use super::session::Operation;
use crate::error::JobError;
use crate::job::Privileges;

/// Actions that change documents.
const WRITES: [&str; 4] = ["insert", "update", "remove", "bypassDocumentValidation"];
/// Actions that change what there is, or who may do what.
const MANAGES: [&str; 17] = [
    "createCollection",
    "dropCollection",
    "dropDatabase",
    "createIndex",
    "dropIndex",
    "collMod",
    "renameCollection",
    "createUser",
    "dropUser",
    "changeAnyUserPassword",
    "grantRole",
    "revokeRole",
    "createRole",
    "dropRole",
    "shutdown",
    "replSetConfigure",
    "anyAction",
];
/// Actions on what other users run.
const DISTURBS: [&str; 3] = ["killop", "killAnySession", "killAnyCursor"];

/// Stands for every place there is.
const EVERYWHERE: &str = "every database";

/// Asks the server about the connection's own user.
pub fn ask(operation: &mut Operation<'_>) -> Result<Privileges, JobError> {
    let answer = operation.run(fields! { "connectionStatus": 1, "showPrivileges": true })?;
    read(answer)
}

fn read(answer: Document<'_>) -> Result<Privileges, JobError> {
    let Some(status) = answer.document("authInfo").map_err(malformed)? else {
        return Ok(Privileges::default());
    };
    let users = documents(status, "authenticatedUsers")?;
    let Some(user) = users.first() else {
        // Without a login there is nothing to keep anybody from anything, and with one nothing is allowed yet.
        return Ok(Privileges {
            role: "anybody".to_owned(),
            beyond_reading: vec!["do anything (the server asks for no login)".to_owned()],
        });
    };
    let text = |document: Document<'_>, name| -> Result<String, JobError> {
        let text = document.text(name).map_err(malformed)?;
        Ok(text.unwrap_or_default().into_owned())
    };
    let mut written = BTreeSet::new();
    let (mut managed, mut disturbed) = (BTreeSet::new(), BTreeSet::new());
    for privilege in documents(status, "authenticatedUserPrivileges")? {
        let place = match privilege.document("resource").map_err(malformed)? {
            None => EVERYWHERE.to_owned(),
            Some(resource) if resource.flag("cluster").map_err(malformed)? => {
                "the cluster".to_owned()
            }
            Some(resource) if resource.flag("anyResource").map_err(malformed)? => {
                EVERYWHERE.to_owned()
            }
            Some(resource) => match (text(resource, "db")?, text(resource, "collection")?) {
                (database, _) if database.is_empty() => EVERYWHERE.to_owned(),
                (database, collection) if collection.is_empty() => database,
                // Where the server keeps what a user of its own may change.
                (_, collection) if collection.starts_with("system.") => continue,
                (database, collection) => format!("{database}.{collection}"),
            },
        };
        let Some(actions) = privilege.document("actions").map_err(malformed)? else {
            continue;
        };
        for action in actions.elements() {
            let Value::Text(action) = action
                .and_then(|action| action.value())
                .map_err(malformed)?
            else {
                continue;
            };
            if WRITES.contains(&&*action) {
                written.insert(place.clone());
            } else if MANAGES.contains(&&*action) {
                managed.insert(place.clone());
            } else if DISTURBS.contains(&&*action) {
                disturbed.insert(action.into_owned());
            }
        }
    }
    let list = |places: BTreeSet<String>| match places.get(EVERYWHERE) {
        Some(everywhere) => everywhere.clone(),
        None => places.into_iter().collect::<Vec<_>>().join(", "),
    };
    let mut beyond_reading = Vec::new();
    if !written.is_empty() {
        beyond_reading.push(format!("write to {}", list(written)));
    }
    if !managed.is_empty() {
        beyond_reading.push(format!("create, change or drop in {}", list(managed)));
    }
    if !disturbed.is_empty() {
        beyond_reading.push("end what others run".to_owned());
    }
    Ok(Privileges {
        role: format!("{}@{}", text(*user, "user")?, text(*user, "db")?),
        beyond_reading,
    })
}

fn documents<'a>(document: Document<'a>, name: &str) -> Result<Vec<Document<'a>>, JobError> {
    let mut found = Vec::new();
    if let Some(list) = document.document(name).map_err(malformed)? {
        for element in list.elements() {
            if let Value::Document(document) = element.and_then(|e| e.value()).map_err(malformed)? {
                found.push(document);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridges::mongodb::bson::{Fields, list};

    fn phrases(users: Vec<Fields>, privileges: Vec<Fields>) -> (String, Vec<String>) {
        let status =
            fields! { "authenticatedUsers": users, "authenticatedUserPrivileges": privileges };
        let bytes = fields! { "authInfo": status }.encode();
        let found = read(Document::new(&bytes).unwrap()).unwrap();
        (found.role, found.beyond_reading)
    }

    fn privilege(database: &str, collection: &str, action: &str) -> Fields {
        let resource = fields! { "db": database, "collection": collection };
        fields! { "resource": resource, "actions": list!["find", action] }
    }

    #[test]
    fn rights_are_told_by_place() {
        let user = || vec![fields! { "user": "u", "db": "admin" }];
        let read = privilege("d", "", "listIndexes");
        assert_eq!(
            phrases(user(), vec![read.clone()]),
            ("u@admin".into(), vec![])
        );
        let (_, may) = phrases(
            user(),
            vec![
                read,
                privilege("d", "c", "insert"),
                privilege("d", "c", "remove"),
                privilege("e", "", "update"),
                privilege("d", "system.js", "insert"),
                privilege("", "", "dropCollection"),
            ],
        );
        assert_eq!(
            may,
            [
                "write to d.c, e",
                "create, change or drop in every database"
            ]
        );
        assert_eq!(
            phrases(vec![], vec![]).1,
            ["do anything (the server asks for no login)"]
        );
    }
}
