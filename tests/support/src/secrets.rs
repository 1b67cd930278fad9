//! The secrets that a test process hands to its runners. No runner may ever print one; every runner's output is
//! searched for all of them when it ends.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use url::Url;

static SECRETS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Keeps a secret in mind. Words that may well stand in a log for another reason are no use: what is short, or
/// without a digit.
pub fn keep(secret: &str) {
    if secret.len() >= 10 && secret.contains(|c: char| c.is_ascii_digit()) {
        let mut secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.insert(secret.to_owned());
    }
}

/// Keeps the password of a URL, unless it is the user's name as well, which is no secret.
pub fn keep_url(text: &str) {
    if let Ok(url) = Url::parse(text)
        && let Some(password) = url.password()
        && password != url.username()
    {
        keep(password);
    }
}

/// Keeps what is secret in a variable of the environment.
pub fn keep_variable(name: &str, value: &str) {
    if (name.contains("TOKEN") || name.contains("PASSWORD"))
        && !name.ends_with("_FILE")
        && !name.ends_with("_PARAM")
    {
        keep(value);
    }
    keep_url(value);
}

/// Keeps what is secret in a source's configuration.
pub fn keep_config(config: &Value) {
    let text = |key: &str| config[key].as_str();
    if let Some(password) = text("password")
        && text("user").or(text("username")) != Some(password)
    {
        keep(password);
    }
    for key in ["url", "connectionString"] {
        text(key).into_iter().for_each(keep_url);
    }
}

/// A secret that is in this text.
pub fn found_in(text: &str) -> Option<String> {
    let secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
    secrets
        .iter()
        .find(|secret| text.contains(*secret))
        .cloned()
}
