//! The secrets that a test process hands to its runners. No runner may ever tell one: all that a runner prints or
//! logs is searched for all of them when it ends, and so is every error frame that a gateway gets.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use data_encoding::BASE64;
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::TOKEN;

static SECRETS: LazyLock<Mutex<Secrets>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Secrets {
    /// Shared with those who search, or every other test would wait for them.
    words: Arc<BTreeSet<String>>,
    /// What they hold may change while a test goes on: when they were last written, and their length, as last read.
    files: BTreeMap<PathBuf, Option<(SystemTime, u64)>>,
}

impl Secrets {
    /// Words that may well stand in a log for another reason are no use: what is short, and what is neither a
    /// token nor has a digit in it.
    fn keep(&mut self, secret: &str) {
        let telling = secret.starts_with("rk_") || secret.contains(|c: char| c.is_ascii_digit());
        if secret.len() >= 6 && telling && !self.words.contains(secret) {
            Arc::make_mut(&mut self.words).insert(secret.to_owned());
        }
    }

    /// The password of a URL, unless it is the user's name as well, which is no secret: as it is written, as it is
    /// meant, and as a proxy gets it. And the private key that the URL names.
    fn keep_url(&mut self, text: &str) {
        self.keep_login(text);
        let Ok(url) = Url::parse(text) else {
            return;
        };
        if let Some(password) = url.password()
            && password != url.username()
        {
            self.keep_password(url.username(), password);
            self.keep_password(&decoded(url.username()), &decoded(password));
        }
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "sslkey" => self.keep_file(&value),
                "authToken" => self.keep(&value),
                _ => {}
            }
        }
    }

    /// What stands before the last `@`, however a parser may cut it.
    fn keep_login(&mut self, url: &str) {
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let login = rest.rsplit_once('@').map_or("", |(login, _)| login);
        if let Some((user, password)) = login.split_once(':')
            && user != password
            // The host and port of a URL that has an `@` in its query.
            && !user.contains('.')
        {
            self.keep_password(user, password);
        }
    }

    /// A password with everything that would give it away: its tails and heads where a URL may be cut, both ways of
    /// writing it in a URL, and what stands in a head of HTTP.
    fn keep_password(&mut self, user: &str, password: &str) {
        self.keep(password);
        let encoded: String = form_urlencoded::byte_serialize(password.as_bytes()).collect();
        self.keep(&encoded);
        self.keep(&encoded.replace('+', "%20"));
        for pair in [
            format!("{user}:{password}"),
            format!(":{password}"),
            password.to_owned(),
        ] {
            let whole = BASE64.encode(pair.as_bytes());
            self.keep(whole.trim_end_matches('='));
        }
        for (at, cut) in password.match_indices(['@', ':', '/', '#', '?', '&', '%', '\\', ' ']) {
            self.keep(&password[..at]);
            self.keep(&password[at + cut.len()..]);
        }
    }

    fn keep_file(&mut self, file: &str) {
        self.files.entry(PathBuf::from(file)).or_default();
        self.read_files();
    }

    /// A line of a private key is as secret as the whole.
    fn read_files(&mut self) {
        let mut texts = Vec::new();
        for (file, read) in &mut self.files {
            let facts = fs::metadata(file).ok();
            let state = facts.and_then(|facts| Some((facts.modified().ok()?, facts.len())));
            if *read != state {
                *read = state;
                texts.extend(text_of(file));
            }
        }
        for line in texts.iter().flat_map(|text| text.lines()) {
            if !line.starts_with("-----") {
                self.keep(line.trim());
                if line.contains("://") {
                    self.keep_url(line);
                }
            }
        }
    }
}

/// The text of a file that may hold a secret: a configuration may name what never ends, or waits for another end.
fn text_of(file: &Path) -> Option<String> {
    let facts = fs::metadata(file).ok()?;
    let readable = facts.is_file() && facts.len() <= 1 << 20;
    readable.then(|| fs::read_to_string(file).ok()).flatten()
}

fn secrets() -> MutexGuard<'static, Secrets> {
    SECRETS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Without its percent signs.
fn decoded(text: &str) -> String {
    let text = text.replace('+', "%2B").replace('&', "%26");
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    pairs.next().unwrap_or_default().0.into_owned()
}

/// Keeps what is secret in a variable of the environment.
pub fn keep_variable(name: &str, value: &str) {
    const SECRET: [&str; 5] = ["TOKEN", "PASSWORD", "_PASS", "SECRET", "ACCOUNT_ID"];
    if name == "SEMILAYER_SECRETS_DIR" || name == "CREDENTIALS_DIRECTORY" {
        let files = fs::read_dir(value).into_iter().flatten().flatten();
        files.for_each(|file| keep_folder_file(&file.path()));
    } else if name.ends_with("_FILE") && name.starts_with("SEMILAYER_")
        || name.ends_with("_SSL_KEY")
    {
        secrets().keep_file(value);
    } else if SECRET.iter().any(|word| name.contains(word)) && !name.ends_with("_PARAM") {
        secrets().keep_password("", value);
    }
    secrets().keep_url(value);
}

/// Keeps what is secret in a file that is named like a variable.
fn keep_folder_file(file: &Path) {
    let name = file.file_name().map(|name| name.to_string_lossy());
    if let (Some(name), Some(text)) = (name, text_of(file)) {
        keep_variable(&name, text.trim_end());
    }
}

/// Keeps what is secret among the arguments of a command.
pub fn keep_arguments(arguments: &[&str]) {
    for (place, argument) in arguments.iter().enumerate() {
        let value = argument.strip_prefix("--token=");
        let next = (*argument == "--token").then(|| arguments.get(place + 1).copied());
        if let Some(token) = value.or(next.flatten()) {
            secrets().keep(token);
        }
    }
}

/// Keeps what is secret in a source's configuration.
pub fn keep_config(config: &Value) {
    let text = |key: &str| config[key].as_str();
    if let Some(password) = text("password").or(text("pass"))
        && text("user").or(text("username")) != Some(password)
    {
        let user = text("user").or(text("username")).unwrap_or_default();
        secrets().keep_password(user, password);
    }
    for key in ["authToken", "apiToken", "accountId", "token"] {
        text(key)
            .into_iter()
            .for_each(|token| secrets().keep(token));
    }
    for key in ["url", "connectionString"] {
        text(key)
            .into_iter()
            .for_each(|url| secrets().keep_url(url));
    }
    let key = text("sslkey").into_iter();
    key.for_each(|file| secrets().keep_file(file));
}

/// A secret that is in this text.
pub fn found_in(text: &str) -> Option<String> {
    let words = {
        let mut secrets = secrets();
        secrets.read_files();
        secrets.keep(TOKEN);
        Arc::clone(&secrets.words)
    };
    let mut words = words.iter();
    words.find(|secret| text.contains(*secret)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temp::TempDir;

    #[test]
    fn every_way_to_hand_over_a_secret_is_known() {
        let folder = TempDir::new();
        let key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n";
        let key = folder.write("key.pem", key);
        let password = folder.write("password", "in-a-file-1\n");
        let path = |file: &PathBuf| file.to_str().unwrap().to_owned();
        keep_variable("SEMILAYER_RUNNER_TOKEN", "rk_of-a-variable");
        keep_variable("SEMILAYER_SOURCE_A_PASS", "of-a-variable-2");
        keep_variable("SEMILAYER_SOURCE_A_PASSWORD_FILE", &path(&password));
        keep_variable("SEMILAYER_SOURCE_A_URL", "postgres://u:of%20a-url-3@h/d");
        keep_variable("HTTPS_PROXY", "http://proxy-user:of-a-proxy-4@h:3128");
        keep_arguments(&["start", "--token", "rk_argument", "--token=rk_joined"]);
        keep_config(&serde_json::json!({"user": "u", "password": "of-a-config-5"}));
        keep_variable(
            "SEMILAYER_SOURCE_B_URL",
            "redis://u:Tr0ub@dor9-tail/x7-end@h/0",
        );
        keep_config(&serde_json::json!({"url": format!("mysql://h/d?sslkey={}", path(&key))}));
        keep_config(
            &serde_json::json!({"url": "libsql://h?authToken=of%20a-url-7", "authToken": "of-a-config-8"}),
        );
        keep_config(&serde_json::json!({"accountId": "of-a-config-9"}));
        // Neither ends by itself.
        for endless in ["/dev/zero", "/proc/self/fd/0"] {
            keep_config(&serde_json::json!({"sslkey": endless}));
            keep_variable("SEMILAYER_SOURCE_A_SSL_KEY", endless);
        }
        for secret in [
            "of-a-config-9",
            "rk_of-a-variable",
            "of-a-variable-2",
            "in-a-file-1",
            "of%20a-url-3",
            "of a-url-3",
            "of-a-proxy-4",
            // What stands in Proxy-Authorization.
            "cHJveHktdXNlcjpvZi1hLXByb3h5LTQ=",
            "rk_argument",
            "rk_joined",
            "Tr0ub@dor9-tail/x7-end",
            "dor9-tail/x7-end",
            "x7-end",
            "Tr0ub%40dor9-tail%2Fx7-end",
            "OlRyMHViQGRvcjktdGFpbC94Ny1lbmQ",
            "of-a-config-5",
            "of a-url-7",
            "of-a-config-8",
            "MIGHAgEAMBMGByqGSM49",
        ] {
            let text = format!("2026-01-01 INFO it is {secret}, they say");
            // Perhaps by a part of it.
            assert!(
                found_in(&text).is_some_and(|found| secret.contains(&found)),
                "{secret}"
            );
        }
        folder.write("password", "changed-meanwhile-6");
        assert!(found_in("changed-meanwhile-6").is_some());
        secrets().keep_url("postgres://runner1:runner1@h/d");
        assert_eq!(found_in("role runner1 on h, not PRIVATE KEY"), None);
    }
}
