//! Select lists.

use std::collections::HashMap;

use super::key::Key;
use super::storage::exactly;
use super::{Database, catalog};
use crate::bridges::sql::SelectList;
use crate::error::JobError;
use crate::limits;
use crate::options::Target;
use crate::sql::overlong;

/// What a statement selects; in a walk by a key.
pub(in crate::bridges) struct List {
    pub(super) selected: Selected,
    pub(super) key: Option<Key>,
}

impl SelectList for List {
    fn sql(&self) -> &str {
        &self.selected.sql
    }
}

/// A select list.
#[derive(Default)]
pub(super) struct Selected {
    /// The list.
    pub sql: String,
    /// Columns at its end that are not shown.
    pub hidden: usize,
    /// Where the columns of the key are, counted from its end.
    pub places: Vec<usize>,
    /// All columns come exactly.
    pub exact: bool,
}

/// The list of these columns of a target, or of all of them, and of a key.
pub(super) fn select(
    database: &mut dyn Database,
    target: &Target,
    names: Option<&[String]>,
    key: Option<&Key>,
) -> Result<Selected, JobError> {
    if database.rounds() {
        return select_exactly(database, target, names, key);
    }
    let mut sql = database.dialect().select_list(names);
    if let Some(key) = key {
        sql.push_str(", ");
        sql.push_str(&key.select_list());
    }
    let hidden = key.map_or(0, |key| key.parts().len());
    Ok(Selected {
        sql,
        hidden,
        places: (1..=hidden).rev().collect(),
        exact: false,
    })
}

/// The same, one by one. A key is taken from the columns that are shown, as far as it is among them: results may have
/// no more columns than tables.
fn select_exactly(
    database: &mut dyn Database,
    target: &Target,
    names: Option<&[String]>,
    key: Option<&Key>,
) -> Result<Selected, JobError> {
    let columns = catalog::columns(database, target)?;
    let language = database.dialect();
    let key = key.map_or(&[][..], Key::parts);
    let mut places = vec![None; key.len()];
    let mut list = Vec::with_capacity(columns.len() + key.len());
    let all = columns.iter().filter(|column| !column.hidden);
    let shown: Vec<_> = match names {
        Some(names) => names.iter().map(String::as_str).collect(),
        None => all.map(|column| column.name.as_str()).collect(),
    };
    let by_name: HashMap<_, _> = columns
        .iter()
        .map(|column| (column.name.to_ascii_lowercase(), column))
        .collect();
    let most = limits::EXACT_LIST_BYTES;
    let mut room = most;
    for name in shown {
        let Some(known) = by_name.get(&name.to_ascii_lowercase()) else {
            // The database knows it: as the rowid, or not at all.
            list.push(language.column(name));
            continue;
        };
        let own = language.column(&known.name);
        let place = key.iter().position(|part| {
            let rest = part.expression.strip_prefix(&own);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        });
        if let Some(place) = place.and_then(|place| places.get_mut(place)) {
            *place = Some(list.len());
        }
        let value = exactly(&own, place.is_some());
        let value = format!("{value} AS {}", language.quote(&known.name));
        // A name in capitals and small letters is another one, and each is said several times.
        room = room
            .checked_sub(value.len())
            .ok_or_else(|| overlong(most))?;
        list.push(value);
    }
    let shown = list.len();
    for (part, place) in key.iter().zip(&mut places) {
        if place.is_none() {
            *place = Some(list.len());
            list.push(exactly(&part.expression, true));
        }
    }
    let places = places.into_iter().flatten();
    Ok(Selected {
        hidden: list.len() - shown,
        places: places.map(|place| list.len() - place).collect(),
        // Of no columns at all there is no table.
        exact: !list.is_empty(),
        sql: match list.is_empty() {
            true => language.select_list(None),
            false => list.join(", "),
        },
    })
}
