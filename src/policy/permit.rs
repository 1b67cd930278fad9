//! The rules for one job, and how they are applied to it.

use std::sync::Arc;

use crate::error::JobError;
use crate::job::{Caps, Columns, NameRules, Package};
use crate::options::{NamedColumn, Request, Target};
use crate::policy::file::{Cap, Lists, Name, SourceEntry};
use crate::policy::table::{Table, owner};
use crate::policy::{ALL, denied, paths};

/// The entries that apply to one source. All of them must agree.
#[derive(Debug, Clone)]
pub struct Permit {
    entries: Vec<Arc<(String, SourceEntry)>>,
}

/// Asks the database which columns a target has.
type AskColumns<'a> = dyn FnMut(&Target) -> Result<Columns, JobError> + 'a;

/// True for names that rows which describe the database must not tell.
pub type Hidden = Box<dyn Fn(&str) -> bool + Send>;

impl Permit {
    pub(super) fn new(entries: Vec<Arc<(String, SourceEntry)>>) -> Self {
        Self { entries }
    }

    /// What the job may send.
    pub fn caps(&self) -> Caps {
        Caps {
            rows: self.least(|entry| entry.max_rows, "maxRows"),
            bytes: self.least(|entry| entry.max_bytes, "maxBytes"),
        }
    }

    /// How many seconds the job may take, and the rule that says so.
    pub fn seconds(&self) -> Option<(u64, String)> {
        self.least(|entry| entry.max_seconds, "maxSeconds")
    }

    fn least(&self, pick: fn(&SourceEntry) -> Option<Cap>, what: &str) -> Option<(u64, String)> {
        let found = self.entries().filter_map(|(source, entry)| {
            Some((pick(entry)?.0, format!("sources.{source}.{what}")))
        });
        found.min_by_key(|(most, _)| *most)
    }

    /// Applies the rules to a job: refuses it, or narrows "all columns" to those that are allowed.
    ///
    /// # Errors
    /// `POLICY_DENIED`, naming the rule; and what `ask` fails with.
    pub fn apply(
        &self,
        package: &Package,
        request: &mut Request,
        ask: &mut AskColumns<'_>,
    ) -> Result<(), JobError> {
        let names = &package.names;
        let targets: Vec<Target> = request.targets().into_iter().cloned().collect();
        for target in &targets {
            self.check_target(names, target)?;
        }
        let restricted = |target: &Target| self.restricts_columns(names, target);
        if matches!(request, Request::IntrospectTarget(_)) || !targets.iter().any(restricted) {
            return Ok(());
        }
        // With joins, the columns of all tables tell which of them a filter is about.
        let mut tables = Vec::with_capacity(targets.len());
        for target in targets {
            tables.push(Table {
                columns: ask(&target)?,
                restricted: self.restricts_columns(names, &target),
                target,
            });
        }
        let Some(table) = tables.first() else {
            return Ok(());
        };
        if let (Request::Read(read), true) = (&mut *request, table.restricted)
            && !matches!(table.columns, Columns::Schemaless { .. })
            && table.known(names, &read.tracking_column).next().is_none()
        {
            // A bridge looks for the column in its own way. It must not find one that was not checked here;
            // where there is none, all rows have changed.
            read.changed_since = None;
        }
        let mut verdict = Ok(());
        request.visit_columns(&mut |column| {
            if verdict.is_ok()
                && let Some(table) = tables.get(owner(names, &tables, column))
                && table.restricted
            {
                verdict = self.check_column(names, table, column);
            }
        });
        verdict?;
        if !table.restricted {
            return Ok(());
        }
        if let Request::Read(_) = request {
            self.check_key(names, table)?;
        }
        if request.shows_all() {
            let (shown, hidden) = self.allowed_columns(names, table)?;
            if let Some(list) = request.shown_columns() {
                *list = shown;
            }
            if let Some(list) = request.hidden() {
                *list = hidden;
            }
        }
        // Documents show their key whatever is asked for.
        if let Columns::Schemaless { key } = table.columns
            && self.path_rule(names, &table.target, key).is_some()
            && let Some(list) = request.hidden()
        {
            list.push(key.to_owned());
        }
        Ok(())
    }

    /// What the answer to `listTargets` or `introspectTarget` must not tell.
    pub fn hidden(&self, package: &'static Package, request: &Request) -> Option<Hidden> {
        let permit = self.clone();
        match request {
            Request::ListTargets => Some(Box::new(move |name| {
                let target = (package.options.target)(name);
                let target = target.unwrap_or_else(|_| Target::whole(name));
                permit.check_target(&package.names, &target).is_err()
            })),
            Request::IntrospectTarget(target) => {
                let target = target.clone();
                Some(Box::new(move |column| {
                    let rule = permit.column_rule(&package.names, &target, column);
                    rule.is_some()
                }))
            }
            _ => None,
        }
    }

    /// Refuses a target that is denied.
    fn check_target(&self, names: &NameRules, target: &Target) -> Result<(), JobError> {
        let text = target.text();
        for (source, SourceEntry { targets, .. }) in self.entries() {
            if let Some(place) = targets
                .deny
                .iter()
                .position(|rule| names.concerns_target(&rule.0, target))
            {
                return Err(denied(format!(
                    "the policy denies target \"{text}\" (sources.{source}.targets.deny[{place}])"
                )));
            }
            if target.catalog().is_some() {
                return Err(denied(format!(
                    "the policy allows no name with a catalog, and does not allow target \"{text}\" \
                     (sources.{source}.targets)"
                )));
            }
            let named = |rules: &Vec<Name>| {
                let mut rules = rules.iter();
                rules.any(|rule| names.allows_target(&rule.0, target))
            };
            match &targets.allow {
                Some(rules) if !named(rules) => {
                    return Err(denied(format!(
                        "the policy does not allow target \"{text}\" (sources.{source}.targets.allow)"
                    )));
                }
                None if names.is_system(target) => {
                    return Err(denied(format!(
                        "the policy allows the database's own tables only by name, and does not allow \
                         \"{text}\" (sources.{source}.targets.allow)"
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn entries(&self) -> impl Iterator<Item = (&String, &SourceEntry)> {
        self.entries.iter().map(|entry| (&entry.0, &entry.1))
    }

    /// The rules about the columns of a target, with where they stand.
    fn column_lists<'t>(
        &'t self,
        names: &'t NameRules,
        target: &'t Target,
    ) -> impl Iterator<Item = (String, &'t Lists)> {
        self.entries().flat_map(move |(source, entry)| {
            let concerned =
                move |(key, _): &&(String, Lists)| key == ALL || names.concerns_target(key, target);
            let lists = entry.columns.0.iter().filter(concerned);
            lists.map(move |(key, lists)| (format!("sources.{source}.columns.{key}"), lists))
        })
    }

    fn restricts_columns(&self, names: &NameRules, target: &Target) -> bool {
        self.column_lists(names, target)
            .any(|(_, lists)| lists.allow.is_some() || !lists.deny.is_empty())
    }

    /// The rule that denies a column of the database, if one does.
    fn column_rule(&self, names: &NameRules, target: &Target, column: &str) -> Option<String> {
        self.rule(
            names,
            target,
            |rule| names.denies_column(rule, column),
            |rule| names.is_column(rule, column),
        )
    }

    /// The rule that denies what may be inside of another column, if one does.
    fn path_rule(&self, names: &NameRules, target: &Target, path: &str) -> Option<String> {
        self.rule(
            names,
            target,
            |rule| paths::touches(names, rule, path),
            |rule| paths::covers(names, rule, path),
        )
    }

    fn rule(
        &self,
        names: &NameRules,
        target: &Target,
        denies: impl Fn(&str) -> bool,
        allows: impl Fn(&str) -> bool,
    ) -> Option<String> {
        self.column_lists(names, target)
            .find_map(|(place, Lists { allow, deny })| {
                let missing = |rules: &Vec<Name>| !rules.iter().any(|rule| allows(&rule.0));
                if deny.iter().any(|rule| denies(&rule.0)) {
                    Some(format!("{place}.deny"))
                } else if allow.as_ref().is_some_and(missing) {
                    Some(format!("{place}.allow"))
                } else {
                    None
                }
            })
    }

    fn check_column(
        &self,
        names: &NameRules,
        table: &Table,
        column: NamedColumn<'_>,
    ) -> Result<(), JobError> {
        let Table {
            target, columns, ..
        } = table;
        let text = target.text();
        let rule = if let Columns::Schemaless { .. } = columns {
            self.path_rule(names, target, column.name)
        } else {
            // Two columns that differ for the database may not differ here: then both must be allowed.
            let mut known = table.known(names, column.name).peekable();
            if known.peek().is_none() {
                let rule = self.column_rule(names, target, column.name);
                let rule = rule.or_else(|| self.some_rule(names, target));
                return Err(denied(format!(
                    "\"{}\" is no column of \"{text}\" that the policy allows ({})",
                    column.name,
                    rule.unwrap_or_default()
                )));
            }
            known.find_map(|known| self.column_rule(names, target, &known.name))
        };
        match rule {
            None => Ok(()),
            Some(rule) => Err(denied(format!(
                "the policy denies column \"{}\" of \"{text}\" ({rule})",
                column.name
            ))),
        }
    }

    fn some_rule(&self, names: &NameRules, target: &Target) -> Option<String> {
        self.column_lists(names, target)
            .next()
            .map(|(place, _)| place)
    }

    /// A walk goes by the key, and its cursor shows it.
    fn check_key(&self, names: &NameRules, table: &Table) -> Result<(), JobError> {
        let target = &table.target;
        let rule = match &table.columns {
            Columns::NoSuchTarget => None,
            Columns::Known(columns) => columns.iter().filter(|column| column.key).find_map(|c| {
                let rule = self.column_rule(names, target, &c.name)?;
                Some((c.name.as_str(), rule))
            }),
            Columns::Schemaless { key } => {
                let rule = self.path_rule(names, target, key);
                rule.map(|rule| (*key, rule))
            }
        };
        match rule {
            None => Ok(()),
            Some((column, rule)) => Err(denied(format!(
                "\"{}\" is read by its key, and the policy denies its column \"{column}\" ({rule})",
                target.text()
            ))),
        }
    }

    /// What becomes of "all columns": those to show, where they can be listed, and those to hide.
    fn allowed_columns(
        &self,
        names: &NameRules,
        table: &Table,
    ) -> Result<(Option<Vec<String>>, Vec<String>), JobError> {
        let target = &table.target;
        let lists = || self.column_lists(names, target).map(|(_, lists)| lists);
        let (shown, hidden) = match &table.columns {
            Columns::NoSuchTarget => (Some(Vec::new()), Vec::new()),
            Columns::Known(columns) => {
                let visible = columns.iter().filter(|column| !column.hidden);
                let allowed =
                    visible.filter(|c| self.column_rule(names, target, &c.name).is_none());
                (Some(allowed.map(|c| c.name.clone()).collect()), Vec::new())
            }
            Columns::Schemaless { .. } => {
                let mut allowed: Vec<String> = Vec::new();
                for Name(name) in lists().filter_map(|lists| lists.allow.as_ref()).flatten() {
                    // What is denied inside of it is hidden.
                    let rule = self.rule(
                        names,
                        target,
                        |rule| paths::covers_denied(names, rule, name),
                        |rule| paths::covers(names, rule, name),
                    );
                    if rule.is_none() && !allowed.contains(name) {
                        allowed.push(name.clone());
                    }
                }
                let hidden = lists().flat_map(|lists| &lists.deny);
                let listed = lists().any(|lists| lists.allow.is_some());
                (
                    listed.then_some(allowed),
                    hidden.map(|Name(name)| name.clone()).collect(),
                )
            }
        };
        if shown.as_ref().is_some_and(Vec::is_empty) {
            return Err(denied(format!(
                "the policy allows no column of \"{}\", or there is no such target ({})",
                target.text(),
                self.some_rule(names, target).unwrap_or_default()
            )));
        }
        Ok((shown, hidden))
    }
}
