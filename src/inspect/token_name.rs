//! Under which name the gateway looks for the token, when it does not find it where it is.

use std::thread;

use crate::gateway::{Credentials, Destination, End, authenticate};
use crate::inspect::check::{Check, Mark};
use crate::limits;
use crate::net::Budget;

/// Query parameters in which tokens usually travel.
const USUAL: [&str; 7] = [
    "token",
    "key",
    "apiKey",
    "api_key",
    "access_token",
    "runnerToken",
    "auth",
];

/// Tries the usual ways to send the token, slowly, and says which the gateway accepts. Only for a gateway that
/// may see the token anyway.
pub fn find_name(
    destination: &Destination<'_>,
    credentials: &Credentials,
    hello: &str,
) -> Vec<Check> {
    let mut tried = Vec::new();
    for way in ways(credentials) {
        thread::sleep(limits::TRIAL_PAUSE);
        let budget = Budget::new(limits::TRIAL_BUDGET);
        let (name, setting) = match &way.token_parameter {
            Some(name) => (
                format!("\"{name}\""),
                format!("SEMILAYER_TOKEN_PARAM={name}"),
            ),
            None => (
                "an Authorization header".to_owned(),
                "SEMILAYER_TOKEN_HEADER=1".to_owned(),
            ),
        };
        match authenticate(destination, &way, hello, budget) {
            Err(end) if end.may_be_misnamed() => tried.push(name),
            Err(end) if !finds_token(&end) => {
                let text = format!("the search for it ends: {}", end.detail());
                return vec![Check::new("parameter", Mark::Warning, text).advise(end.advice())];
            }
            _ => {
                let text = format!("accepted as {name}: set {setting}");
                return vec![Check::new("parameter", Mark::Warning, text).fact("set", setting)];
            }
        }
    }
    let text = format!("not accepted as {} either", tried.join(", "));
    let advice = "mint a new token in the Console; if that is refused as well, ask the service's support \
                  how the token travels";
    vec![Check::new("parameter", Mark::Warning, text).advise(advice)]
}

fn ways(credentials: &Credentials) -> Vec<Credentials> {
    let named = USUAL
        .into_iter()
        .filter(|name| credentials.token_parameter.as_deref() != Some(name))
        .map(|name| Credentials {
            token_parameter: Some(name.to_owned()),
            ..credentials.clone()
        });
    let header = Credentials {
        token_parameter: None,
        header: true,
        ..credentials.clone()
    };
    let header = (!credentials.header).then_some(header);
    named.chain(header).collect()
}

/// A gateway that does not know the runner has looked at its token.
fn finds_token(end: &End) -> bool {
    matches!(end, End::Closed { code: 4401, .. }) && !end.may_be_misnamed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn what_was_tried_already_is_not_tried_again() {
        let mut credentials = Credentials {
            runner_id: "id".into(),
            token: Secret::new("rk_1".into()),
            token_parameter: Some("key".into()),
            id_parameter: None,
            header: false,
        };
        let all = ways(&credentials);
        assert_eq!(all.len(), USUAL.len());
        assert!(
            all.iter()
                .all(|way| way.token_parameter != credentials.token_parameter)
        );
        assert!(all.last().unwrap().header);
        credentials.header = true;
        assert_eq!(ways(&credentials).len(), USUAL.len() - 1);
    }
}
