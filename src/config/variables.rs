//! The variable of a name, and the one that a misspelt name means.

use crate::config::variable::Variable;
use crate::config::variable_list::VARIABLES;
use crate::text::nearest;

/// What begins with this is one of ours.
const OURS: &str = "SEMILAYER_";
/// What begins with this describes a source.
const SOURCE: &str = "SEMILAYER_SOURCE_";
/// Read by the scripts beside the binary.
const OF_SCRIPTS: [&str; 2] = ["SEMILAYER_RUNNER", "SEMILAYER_BUILD_COMMIT"];

/// The variable of this name.
pub fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}

/// A name that nothing reads, and the one that was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misspelt {
    /// As it is set.
    pub name: String,
    /// As it should be, if that can be guessed.
    pub meant: Option<String>,
}

impl Misspelt {
    /// What is wrong, in a line.
    pub fn text(&self) -> String {
        match &self.meant {
            Some(meant) => format!("{} is read by nothing; did you mean {meant}?", self.name),
            None => format!("{} is read by nothing", self.name),
        }
    }
}

/// The names that look like one of our variables and are none.
pub fn misspelt<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Misspelt> {
    names.into_iter().filter_map(misspelling).collect()
}

fn misspelling(name: &str) -> Option<Misspelt> {
    let upper = name.to_ascii_uppercase();
    // Another spelling of `SEMILAYER` is known by its neighbour alone.
    let is_ours = upper.starts_with(OURS);
    if find(name).is_some()
        || name.starts_with(SOURCE)
        || OF_SCRIPTS.contains(&name)
        || is_service_link(name)
        || !(is_ours || upper.starts_with("SEM"))
    {
        return None;
    }
    let known = VARIABLES.iter().map(|variable| variable.name);
    let meant = source_meant(&upper).or_else(|| {
        nearest(&upper, known.filter(|name| name.starts_with(OURS))).map(str::to_owned)
    });
    (is_ours || meant.is_some()).then(|| Misspelt {
        name: name.to_owned(),
        meant,
    })
}

/// A variable of a source whose first two words are not quite right.
fn source_meant(upper: &str) -> Option<String> {
    let mut parts = upper.splitn(3, '_');
    let (semilayer, source, rest) = (parts.next()?, parts.next()?, parts.next()?);
    nearest(&format!("{semilayer}_{source}_"), [SOURCE]).map(|right| format!("{right}{rest}"))
}

/// Kubernetes tells of each service by such variables; one called `semilayer-runner` has several that look like
/// ours.
fn is_service_link(name: &str) -> bool {
    name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name
            .split_once("_PORT_")
            .is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;

    fn meant(name: &str) -> Option<String> {
        let found = misspelt([name]);
        found
            .into_iter()
            .next()
            .map(|one| one.meant.unwrap_or_default())
    }

    #[test]
    fn slips_of_the_pen_are_told_with_what_was_meant() {
        for (name, right) in [
            ("SEMILAYER_WORKER", "SEMILAYER_WORKERS"),
            ("SEMILAYER_RUNNER_TOKN", "SEMILAYER_RUNNER_TOKEN"),
            (
                "SEMILAYER_RUNNER_TOKEN_FILES",
                "SEMILAYER_RUNNER_TOKEN_FILE",
            ),
            ("SEMILAYR_RUNNER_ID", "SEMILAYER_RUNNER_ID"),
            ("semilayer_runner_id", "SEMILAYER_RUNNER_ID"),
            ("SEMILAYER_SOURCES_SHOP_URL", "SEMILAYER_SOURCE_SHOP_URL"),
            ("SEMILAYER_COLOUR_OF_THE_SKY", ""),
        ] {
            assert_eq!(meant(name).as_deref(), Some(right), "{name}");
        }
    }

    #[test]
    fn what_others_set_is_left_alone() {
        for name in [
            "SEMILAYER_WORKERS",
            "SEMILAYER_SOURCE_SHOP_PAHT",
            "SEMILAYER_RUNNER_SERVICE_HOST",
            "SEMILAYER_RUNNER_PORT",
            "SEMILAYER_RUNNER_PORT_9464_TCP_ADDR",
            "SEMAPHORE_ID",
            "PATH",
        ] {
            assert_eq!(meant(name), None, "{name}");
        }
    }

    #[test]
    fn defaults_are_those_that_hold() {
        let millis = |time: std::time::Duration| time.as_millis().to_string();
        for (name, default) in [
            ("SEMILAYER_WORKERS", limits::WORKERS.to_string()),
            ("SEMILAYER_QUEUE", limits::QUEUE.to_string()),
            ("SEMILAYER_CHUNK_ROWS", limits::CHUNK_ROWS.to_string()),
            ("SEMILAYER_CHUNK_BYTES", limits::CHUNK_BYTES.to_string()),
            ("SEMILAYER_MAX_ROW_BYTES", limits::ROW_BYTES.to_string()),
            ("SEMILAYER_HEARTBEAT_MS", millis(limits::HEARTBEAT)),
            (
                "SEMILAYER_SHUTDOWN_GRACE_MS",
                millis(limits::SHUTDOWN_GRACE),
            ),
            ("SEMILAYER_GATEWAY_URL", limits::GATEWAY_URL.to_owned()),
            ("SEMILAYER_RUNNER_VERSION", limits::VERSION_LABEL.to_owned()),
        ] {
            assert_eq!(find(name).unwrap().default, default, "{name}");
        }
    }

    #[test]
    fn names_are_there_once() {
        for (place, variable) in VARIABLES.iter().enumerate() {
            let first = VARIABLES.iter().position(|v| v.name == variable.name);
            assert_eq!(first, Some(place), "{}", variable.name);
            assert!(!variable.meaning.is_empty());
        }
    }
}
