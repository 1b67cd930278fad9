//! The rules for one job, and how they are applied to it.

use serde_json::Value;

use crate::error::JobError;
use crate::job::{Caps, TargetColumn};
use crate::options::{NamedColumn, Request};
use crate::policy::file::{Lists, SourceEntry};
use crate::policy::names::NameRules;
use crate::policy::{ALL, denied};

/// The entries that apply to one source. All of them must agree.
#[derive(Debug)]
pub struct Permit<'a> {
    entries: Vec<&'a (String, SourceEntry)>,
    names: NameRules,
}

/// Asks the database which columns a target has.
pub type AskColumns<'a> = dyn FnMut(&str) -> Result<Vec<TargetColumn>, JobError> + 'a;

impl<'a> Permit<'a> {
    pub(super) fn new(entries: Vec<&'a (String, SourceEntry)>, names: NameRules) -> Self {
        Self { entries, names }
    }

    /// What the job may send.
    pub fn caps(&self) -> Caps {
        let least = |pick: fn(&SourceEntry) -> Option<u64>, what: &str| {
            let found = self.entries.iter().filter_map(|(source, entry)| {
                Some((pick(entry)?, format!("sources.{source}.{what}")))
            });
            found.min_by_key(|(most, _)| *most)
        };
        Caps {
            rows: least(|entry| entry.max_rows.map(|cap| cap.0), "maxRows"),
            bytes: least(|entry| entry.max_bytes.map(|cap| cap.0), "maxBytes"),
        }
    }

    /// Applies the rules to a job on `target`: refuses it, or narrows "all columns" to those that are allowed.
    ///
    /// # Errors
    /// `POLICY_DENIED`, naming the rule; and what `ask` fails with.
    pub fn apply(
        &self,
        request: &mut Request,
        target: &str,
        ask: &mut AskColumns<'_>,
    ) -> Result<(), JobError> {
        if matches!(
            request,
            Request::ListTargets | Request::Test | Request::Privileges
        ) {
            return Ok(());
        }
        let tables: Vec<String> = request.targets(target);
        for table in &tables {
            self.check_target(table)?;
        }
        if matches!(request, Request::IntrospectTarget) {
            return Ok(());
        }
        let mut known = Vec::with_capacity(tables.len());
        for name in tables {
            known.push(match self.restricts_columns(&name) {
                true => Some(Table {
                    columns: ask(&name)?,
                    name,
                }),
                false => None,
            });
        }
        if let (Request::Read(read), Some(Some(table))) = (&mut *request, known.first())
            && self
                .known(&table.columns, &read.tracking_column)
                .next()
                .is_none()
        {
            // A bridge looks for the column in its own way. It must not find one that was not checked here;
            // where there is none, all rows have changed.
            read.changed_since = None;
        }
        let mut verdict = Ok(());
        request.visit_columns(&mut |column| {
            let place = column.join.map_or(0, |join| join + 1);
            if verdict.is_ok()
                && let Some(Some(table)) = known.get(place)
            {
                verdict = self.check_column(table, column);
            }
        });
        verdict?;
        if let (Request::Read(_), Some(Some(table))) = (&*request, known.first()) {
            self.check_key(table)?;
        }
        let all = request.shows_all();
        if let (Some(Some(table)), true, Some(shown)) =
            (known.first(), all, request.shown_columns())
        {
            *shown = Some(self.allowed_columns(table)?);
        }
        Ok(())
    }

    /// What a row of `listTargets` or `introspectTarget` may show: `None` for a target that is denied.
    pub fn filter_row(&self, request: &Request, target: &str, mut row: Value) -> Option<Value> {
        match request {
            Request::ListTargets => {
                let name = row.get("name").and_then(Value::as_str)?;
                self.check_target(name).is_ok().then_some(row)
            }
            Request::IntrospectTarget => {
                if let Some(Value::Array(columns)) = row.get_mut("columns") {
                    columns.retain(|column| {
                        let name = column.get("name").and_then(Value::as_str);
                        name.is_some_and(|name| self.column_rule(target, name).is_none())
                    });
                }
                Some(row)
            }
            _ => Some(row),
        }
    }

    /// Refuses a target that is denied.
    pub fn check_target(&self, target: &str) -> Result<(), JobError> {
        for (source, SourceEntry { targets, .. }) in &self.entries {
            if let Some(place) = targets
                .deny
                .iter()
                .position(|rule| self.names.concerns_target(&rule.0, target))
            {
                return Err(denied(format!(
                    "the policy denies target \"{target}\" (sources.{source}.targets.deny[{place}])"
                )));
            }
            let named = |rules: &Vec<_>| {
                rules
                    .iter()
                    .any(|rule: &super::file::Name| self.names.allows_target(&rule.0, target))
            };
            match &targets.allow {
                Some(rules) if !named(rules) => {
                    return Err(denied(format!(
                        "the policy does not allow target \"{target}\" (sources.{source}.targets.allow)"
                    )));
                }
                None if self.names.is_system(target) => {
                    return Err(denied(format!(
                        "the policy allows the database's own tables only by name, and does not allow \
                         \"{target}\" (sources.{source}.targets.allow)"
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The rules about the columns of a target, with where they stand.
    fn column_lists<'t>(&'t self, target: &'t str) -> impl Iterator<Item = (String, &'t Lists)> {
        self.entries.iter().flat_map(move |(source, entry)| {
            let concerned = move |(key, _): &&(String, Lists)| {
                key == ALL || self.names.concerns_target(key, target)
            };
            entry
                .columns
                .0
                .iter()
                .filter(concerned)
                .map(move |(key, lists)| (format!("sources.{source}.columns.{key}"), lists))
        })
    }

    fn restricts_columns(&self, target: &str) -> bool {
        self.column_lists(target)
            .any(|(_, lists)| lists.allow.is_some() || !lists.deny.is_empty())
    }

    /// The rule that denies a column of the database, if one does.
    fn column_rule(&self, target: &str, column: &str) -> Option<String> {
        self.column_lists(target).find_map(|(place, lists)| {
            let denied = lists
                .deny
                .iter()
                .any(|rule| self.names.denies_column(&rule.0, column));
            let missing = lists.allow.as_ref().is_some_and(|rules| {
                !rules
                    .iter()
                    .any(|rule| self.names.allows_column(&rule.0, column))
            });
            match (denied, missing) {
                (true, _) => Some(format!("{place}.deny")),
                (false, true) => Some(format!("{place}.allow")),
                (false, false) => None,
            }
        })
    }

    /// The columns of the database that a job may mean by this name.
    fn known<'t>(
        &'t self,
        columns: &'t [TargetColumn],
        name: &'t str,
    ) -> impl Iterator<Item = &'t TargetColumn> {
        columns
            .iter()
            .filter(move |known| self.names.is_column(&known.name, name))
    }

    fn check_column(&self, table: &Table, column: NamedColumn<'_>) -> Result<(), JobError> {
        let Table { name, columns } = table;
        // Two columns that differ for the database may not differ here: then both must be allowed.
        let mut known = self.known(columns, column.name).peekable();
        if known.peek().is_none() {
            let rule = self.column_rule(name, column.name);
            let rule = rule.or_else(|| self.column_lists(name).next().map(|(place, _)| place));
            return Err(denied(format!(
                "\"{}\" is no column of \"{name}\" that the policy allows ({})",
                column.name,
                rule.unwrap_or_default()
            )));
        }
        match known.find_map(|known| self.column_rule(name, &known.name)) {
            None => Ok(()),
            Some(rule) => Err(denied(format!(
                "the policy denies column \"{}\" of \"{name}\" ({rule})",
                column.name
            ))),
        }
    }

    /// A walk goes by the key, and its cursor shows it.
    fn check_key(&self, table: &Table) -> Result<(), JobError> {
        let key = table.columns.iter().filter(|column| column.key);
        for column in key {
            if let Some(rule) = self.column_rule(&table.name, &column.name) {
                return Err(denied(format!(
                    "\"{}\" is read by its key, and the policy denies its column \"{}\" ({rule})",
                    table.name, column.name
                )));
            }
        }
        Ok(())
    }

    fn allowed_columns(&self, table: &Table) -> Result<Vec<String>, JobError> {
        let visible = table.columns.iter().filter(|column| !column.hidden);
        let allowed: Vec<String> = visible
            .filter(|column| self.column_rule(&table.name, &column.name).is_none())
            .map(|column| column.name.clone())
            .collect();
        if allowed.is_empty() {
            let rule = self.column_lists(&table.name).next();
            return Err(denied(format!(
                "the policy allows no column of \"{}\", or there is no such target ({})",
                table.name,
                rule.map(|(place, _)| place).unwrap_or_default()
            )));
        }
        Ok(allowed)
    }
}

/// A target whose columns are restricted.
struct Table {
    name: String,
    columns: Vec<TargetColumn>,
}
