//! The sources that the gateway has assigned to this runner: whether it can serve them.

use crate::bridges;
use crate::inspect::check::{Check, Mark};
use crate::sources::{CredentialsLocation, LocalNames, Source, SourceEnvironment};
use crate::text::printable;

/// A check a source. Another runner may serve what this one cannot, so that is no failure.
pub fn check_assigned(sources: &[Source], environment: &SourceEnvironment) -> Vec<Check> {
    let local = |source: &&Source| source.credentials == CredentialsLocation::RunnerLocal;
    let local = sources.iter().filter(local);
    let names = LocalNames::of(local.map(|source| source.name.as_str()));
    sources
        .iter()
        .map(|source| check(source, environment, &names))
        .collect()
}

fn check(source: &Source, environment: &SourceEnvironment, names: &LocalNames) -> Check {
    let name = printable(format!("assigned {}", source.name).chars());
    let bridge = printable(source.bridge.chars());
    let checked = |mark, text: String| {
        let text = printable(text.chars());
        Check::new(&name, mark, format!("{bridge}; {text}")).fact("bridge", bridge.as_str())
    };
    if !bridges::capabilities().contains(&source.bridge.as_str()) {
        let served = bridges::capabilities().join(", ");
        return checked(Mark::Warning, "this binary does not serve it".to_owned())
            .advise(format!("this binary serves {served}"));
    }
    if source.credentials == CredentialsLocation::Managed {
        return checked(Mark::Good, "SemiLayer sends its configuration".to_owned());
    }
    match environment.config_for(&source.name, &source.bridge, names) {
        Ok(_) => checked(Mark::Good, "its variables are found".to_owned()),
        Err(error) => checked(Mark::Warning, error.message),
    }
}
