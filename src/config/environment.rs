//! The process' variables, and the secrets that are mounted as one folder: a file of `SEMILAYER_SECRETS_DIR`, or
//! of the folder systemd names in `CREDENTIALS_DIRECTORY`, stands for the variable whose name it has. What is set
//! as a variable goes before the folders.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use crate::config::{ConfigError, variables};
use crate::files::read_secret;
use crate::limits;

/// The folders, in the order in which they are looked into.
const FOLDERS: [&str; 2] = ["SEMILAYER_SECRETS_DIR", "CREDENTIALS_DIRECTORY"];
/// Whose values may be read from a file at any time, by the variable with this ending.
const FILE: &str = "_FILE";

/// Variables by name. Holds secrets: never printed.
#[derive(Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    /// Where those come from that are no variables of the process.
    files: BTreeMap<OsString, PathBuf>,
    problems: Vec<ConfigError>,
}

impl Environment {
    /// Of these variables, and of the folders they name.
    pub fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        environment.variables.extend(variables);
        for folder in FOLDERS {
            let Some(path) = environment.variables.get(OsStr::new(folder)) else {
                continue;
            };
            if path.is_empty() {
                continue;
            }
            let path = PathBuf::from(path);
            if let Err(problem) = environment.add_folder(&path) {
                environment
                    .problems
                    .push(ConfigError::variable(folder, problem));
            }
        }
        environment
    }

    /// The text of a variable.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = self.variables.get(OsStr::new(name))?;
        Some(value.to_string_lossy().into_owned())
    }

    /// The file that a variable stands for, or was read from.
    pub fn file(&self, name: &str) -> Option<&Path> {
        self.files.get(OsStr::new(name)).map(PathBuf::as_path)
    }

    /// Every variable.
    pub fn pairs(&self) -> impl Iterator<Item = (OsString, OsString)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
    }

    /// The names of the variables, as far as they are text.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().filter_map(|name| name.to_str())
    }

    /// What is wrong with the folders.
    pub fn problems(&self) -> &[ConfigError] {
        &self.problems
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), String> {
        let shown = folder.display();
        let entries = fs::read_dir(folder).map_err(|error| format!("{shown}: {error}"))?;
        for (number, entry) in entries.enumerate() {
            if number == limits::SECRET_FILES {
                return Err(format!(
                    "{shown} holds too many files for a folder of secrets"
                ));
            }
            let entry = entry.map_err(|error| format!("{shown}: {error}"))?;
            let name = entry.file_name();
            // Kubernetes keeps what it has mounted under names that begin with a point.
            if let Some(name) = name.to_str().filter(|name| name.starts_with("SEMILAYER_")) {
                self.add_file(name, &entry.path())?;
            }
        }
        Ok(())
    }

    /// A secret is read when it is needed, so that it may change; anything else is read now.
    fn add_file(&mut self, name: &str, path: &Path) -> Result<(), String> {
        let by_file = format!("{name}{FILE}");
        let is_set = |name: &str| {
            let value = self.variables.get(OsStr::new(name));
            value.is_some_and(|value| !value.is_empty())
        };
        if is_set(name) || is_set(&by_file) {
            return Ok(());
        }
        let late = name.starts_with("SEMILAYER_SOURCE_") || variables::find(&by_file).is_some();
        let (name, value) = if late {
            (by_file, path.as_os_str().to_owned())
        } else {
            (name.to_owned(), OsString::from(read_secret(path)?))
        };
        self.files.insert(OsString::from(&name), path.to_owned());
        self.variables.insert(OsString::from(name), value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Environment {
        let own = |text: &str| OsString::from(text);
        Environment::of(pairs.iter().map(|(name, value)| (own(name), own(value))))
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("semilayer-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("..data")).unwrap();
        for (file, text) in [
            ("SEMILAYER_RUNNER_TOKEN", "rk_file\n"),
            ("SEMILAYER_SOURCE_SHOP_URL", "postgres://h/d\n"),
            ("SEMILAYER_RUNNER_ID", "id-of-a-file\n"),
            ("readme", "x"),
        ] {
            fs::write(folder.join(file), text).unwrap();
        }
        folder
    }

    #[test]
    fn files_stand_for_variables_of_their_name() {
        let folder = folder("folder");
        let path = folder.to_str().unwrap();
        for name in FOLDERS {
            let environment = of(&[(name, path)]);
            assert_eq!(environment.problems(), []);
            let token = folder.join("SEMILAYER_RUNNER_TOKEN");
            let named = environment.get("SEMILAYER_RUNNER_TOKEN_FILE");
            assert_eq!(named.as_deref(), token.to_str());
            assert_eq!(
                environment.file("SEMILAYER_RUNNER_TOKEN_FILE"),
                Some(&*token)
            );
            assert_eq!(
                environment.get("SEMILAYER_RUNNER_ID").as_deref(),
                Some("id-of-a-file")
            );
            assert!(environment.get("SEMILAYER_SOURCE_SHOP_URL_FILE").is_some());
            assert_eq!(environment.get("readme"), None);
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_set_goes_before_the_folder() {
        let folder = folder("before");
        let path = folder.to_str().unwrap();
        let environment = of(&[
            ("SEMILAYER_SECRETS_DIR", path),
            ("SEMILAYER_RUNNER_TOKEN", "rk_set"),
            ("SEMILAYER_SOURCE_SHOP_URL_FILE", "/elsewhere"),
            ("SEMILAYER_RUNNER_ID", ""),
        ]);
        assert_eq!(environment.get("SEMILAYER_RUNNER_TOKEN_FILE"), None);
        let shop = environment.get("SEMILAYER_SOURCE_SHOP_URL_FILE");
        assert_eq!(shop.as_deref(), Some("/elsewhere"));
        // An empty variable counts as unset.
        assert_eq!(
            environment.get("SEMILAYER_RUNNER_ID").as_deref(),
            Some("id-of-a-file")
        );
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let environment = of(&[("SEMILAYER_SECRETS_DIR", "/nonexistent/folder")]);
        let [problem] = environment.problems() else {
            panic!("one problem");
        };
        let text = problem.to_string();
        assert!(
            text.starts_with("SEMILAYER_SECRETS_DIR /nonexistent/folder: "),
            "{text}"
        );
    }
}
