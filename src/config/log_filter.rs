//! Which log lines are written: a level, or levels by module.

use log::LevelFilter;

use crate::bridges;
use crate::config::ConfigError;
use crate::text::nearest;

/// Modules of ours that log lines name; their own modules follow after `::`.
const ROOMS: &[&str] = &[
    "audit",
    "bridges",
    "cli",
    "config",
    "console",
    "engine",
    "error",
    "files",
    "gateway",
    "health",
    "inspect",
    "job",
    "json",
    "limits",
    "locks",
    "metrics",
    "net",
    "options",
    "policy",
    "protocol",
    "reducer",
    "secret",
    "service_manager",
    "shortage",
    "sources",
    "sql",
    "text",
    "tls",
    "words",
];
/// Libraries that have something to say, besides those of the bridges.
const LIBRARIES: &[&str] = &["r2d2", "rustls", "scheduled_thread_pool", "tungstenite"];
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// Log lines leave it out; it may be named all the same.
const OURS: &str = env!("CARGO_CRATE_NAME");

/// Levels by module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter {
    /// Of what is named nowhere below.
    level: LevelFilter,
    /// Modules as log lines name them, each with its level.
    modules: Vec<(String, LevelFilter)>,
}

impl LogFilter {
    /// The same level everywhere.
    pub fn level(level: LevelFilter) -> Self {
        Self {
            level,
            modules: Vec::new(),
        }
    }

    /// By `SEMILAYER_LOG`, or else by `RUST_LOG`, which may be meant for other programs: there only what is known
    /// here counts. `default` is the level of what is not named. `variable` looks into the environment; an empty
    /// value counts as unset.
    ///
    /// # Errors
    /// As [`LogFilter::parse`].
    pub fn load(
        variable: impl Fn(&str) -> Option<String>,
        default: LevelFilter,
    ) -> Result<Self, ConfigError> {
        const NAME: &str = "SEMILAYER_LOG";
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        if let Some(text) = set(NAME) {
            let filter = Self::parse(&text, default);
            return filter.map_err(|problem| ConfigError::variable(NAME, problem));
        }
        let ours = set("RUST_LOG").map(|text| {
            let known = text
                .split(',')
                .filter(|part| Self::parse(part, default).is_ok());
            known.collect::<Vec<_>>().join(",")
        });
        Ok(ours
            .and_then(|text| Self::parse(&text, default).ok())
            .unwrap_or_else(|| Self::level(default)))
    }

    /// Reads `warn`, `gateway=debug`, `info,engine::report=trace`; `default` is the level of what is not named.
    ///
    /// # Errors
    /// A level or a module that there is not, with those that there are.
    pub fn parse(text: &str, default: LevelFilter) -> Result<Self, String> {
        let mut level = None;
        let mut modules = Vec::new();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            match part.split_once('=') {
                Some((module, of_module)) => {
                    modules.push((known(module.trim())?, known_level(of_module.trim())?));
                }
                None => match known_level(part) {
                    Ok(found) => level = Some(found),
                    // A module alone: all it has to say.
                    Err(problem) => {
                        modules.push((known(part).map_err(|_| problem)?, LevelFilter::Trace));
                    }
                },
            }
        }
        Ok(Self {
            level: level.unwrap_or(default),
            modules,
        })
    }

    /// The level of a module, by its name in log lines.
    pub fn of(&self, module: &str) -> LevelFilter {
        let covers = |name: &str| {
            let rest = module.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        let covering = self.modules.iter().filter(|(name, _)| covers(name));
        // The longest name decides, and of two equal ones the last.
        let found = covering.max_by_key(|(name, _)| name.len());
        found.map_or(self.level, |(_, level)| *level)
    }

    /// With every level so many steps towards `trace`, or away from it.
    pub fn shifted(&self, steps: i8) -> Self {
        let shift = |level: LevelFilter| {
            let at = LevelFilter::iter()
                .position(|one| one == level)
                .unwrap_or(0);
            let at = at.saturating_add_signed(steps.into());
            let last = LevelFilter::Trace;
            LevelFilter::iter().nth(at).unwrap_or(last)
        };
        let modules = self.modules.iter();
        Self {
            level: shift(self.level),
            modules: modules
                .map(|(name, level)| (name.clone(), shift(*level)))
                .collect(),
        }
    }

    /// The most that any module says.
    pub fn most(&self) -> LevelFilter {
        let levels = self.modules.iter().map(|(_, level)| *level);
        levels.fold(self.level, |most, level| most.max(level))
    }
}

fn known_level(word: &str) -> Result<LevelFilter, String> {
    word.parse().map_err(|_| {
        let levels = LEVELS.join(", ");
        match nearest(word, LEVELS.into_iter().chain(["warning"])) {
            Some(near) => {
                let near = if near == "warning" { "warn" } else { near };
                format!("has no such level; did you mean {near}? Levels are {levels}")
            }
            None => format!(
                "has no such level; levels are {levels}, for all or by module: warn,gateway=debug"
            ),
        }
    })
}

fn known(module: &str) -> Result<String, String> {
    let module = match module.strip_prefix(OURS) {
        Some(rest) => rest.trim_start_matches("::"),
        None => module,
    };
    let room = module.split("::").next().unwrap_or_default();
    let drivers = bridges::packages().flat_map(|package| package.libraries);
    let mut all = ROOMS.iter().chain(LIBRARIES).chain(drivers).copied();
    if all.clone().any(|known| known == room) {
        return Ok(module.to_owned());
    }
    let mut text = "names a module that there is not".to_owned();
    if let Some(near) = nearest(room, all.by_ref()) {
        text.push_str(&format!("; did you mean {near}?"));
    }
    Err(format!("{text} Modules are {}", ROOMS.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::LevelFilter::{Debug, Error, Info, Off, Trace, Warn};

    fn parse(text: &str) -> Result<LogFilter, String> {
        LogFilter::parse(text, Info)
    }

    #[test]
    fn of_what_others_read_only_what_is_known_here_counts() {
        let load = |name: &str, text: &str| {
            LogFilter::load(|asked| (asked == name).then(|| text.to_owned()), Warn)
        };
        let filter = load("RUST_LOG", "hyper=debug,gateway=trace,blah").unwrap();
        assert_eq!((filter.of("gateway"), filter.of("engine")), (Trace, Warn));
        assert_eq!(load("RUST_LOG", "").unwrap(), LogFilter::level(Warn));
        let error = load("SEMILAYER_LOG", "blah").unwrap_err().to_string();
        assert!(
            error.starts_with("SEMILAYER_LOG has no such level"),
            "{error}"
        );
    }

    #[test]
    fn levels_are_shifted_together() {
        let filter = parse("info,gateway=trace,sql=off").unwrap();
        assert_eq!(
            filter.shifted(1),
            parse("debug,gateway=trace,sql=error").unwrap()
        );
        assert_eq!(
            filter.shifted(-2),
            parse("error,gateway=info,sql=off").unwrap()
        );
        assert_eq!(filter.shifted(0), filter);
    }

    #[test]
    fn levels_are_for_all_or_by_module() {
        let filter = parse("warn, gateway=debug,gateway::link=off").unwrap();
        assert_eq!(filter.of("engine::report"), Warn);
        assert_eq!(filter.of("gateway::reader"), Debug);
        assert_eq!(filter.of("gateway::link"), Off);
        assert_eq!(filter.of("gatewayish"), Warn);
        assert_eq!(filter.most(), Debug);
        let whole = parse("ERROR,semilayer_runner::tls=trace,rustls=info").unwrap();
        assert_eq!((whole.of("tls::roots"), whole.of("sql")), (Trace, Error));
        assert_eq!(whole.of("rustls::client"), Info);
        assert_eq!(parse("gateway").unwrap().of("gateway"), Trace);
        assert_eq!(parse("gateway=warn").unwrap().of("engine"), Info);
        assert_eq!(parse("").unwrap(), LogFilter::level(Info));
    }

    #[test]
    fn what_there_is_not_is_refused_with_what_there_is() {
        for (text, words) in [
            (
                "warning",
                "did you mean warn? Levels are off, error, warn, info, debug, trace",
            ),
            ("verbose", "levels are off, error, warn, info, debug, trace"),
            ("blah", "has no such level"),
            ("infos", "did you mean info?"),
            ("gatway=debug", "did you mean gateway?"),
            ("gateway=loud", "has no such level"),
            ("nowhere=debug", "Modules are audit, bridges"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }

    #[test]
    fn every_module_of_the_library_may_be_named() {
        let declared: Vec<_> = include_str!("../lib.rs")
            .lines()
            .filter_map(|line| {
                line.trim_start_matches("pub ")
                    .strip_prefix("mod ")?
                    .strip_suffix(';')
            })
            .collect();
        assert_eq!(declared, ROOMS);
    }
}
