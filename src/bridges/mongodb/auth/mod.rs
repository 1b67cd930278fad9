//! Logging in.
//!
//! * `scram`: SCRAM-SHA-256 and SCRAM-SHA-1
//! * this file: which mechanism, and MONGODB-X509

mod scram;

use super::bson::{Bson, Fields, fields};
use super::wire::{Connection, Failure};
use crate::words::words;
use scram::{Hash, Scram};

words! {
    /// How a user proves who it is.
    Mechanism {
        /// A salted password, by SHA-256.
        ScramSha256 = "SCRAM-SHA-256",
        /// A salted password, by SHA-1.
        ScramSha1 = "SCRAM-SHA-1",
        /// The client certificate of the connection.
        X509 = "MONGODB-X509",
    }
}

/// Whom a configuration logs in as. It holds a password: no `Debug`.
#[derive(Clone)]
pub struct Credentials {
    /// The user; empty where the certificate tells it.
    pub user: String,
    /// The password.
    pub password: String,
    /// The database that knows the user.
    pub source: String,
    /// The mechanism; `None` for the best that the server has for this user.
    pub mechanism: Option<Mechanism>,
}

impl Credentials {
    /// What `hello` is asked so that it tells the user's mechanisms.
    pub fn question(&self) -> Option<String> {
        self.mechanism
            .is_none()
            .then(|| format!("{}.{}", self.source, self.user))
    }

    /// Logs in. `offered` are the mechanisms that the server named for this user.
    pub fn log_in(&self, connection: &mut Connection, offered: &[String]) -> Result<(), Failure> {
        let best = || {
            let (mechanism, name) = (Mechanism::ScramSha256, "SCRAM-SHA-256");
            if offered.iter().any(|offered| offered == name) {
                mechanism
            } else {
                Mechanism::ScramSha1
            }
        };
        match self.mechanism.unwrap_or_else(best) {
            Mechanism::ScramSha256 => self.scram(connection, Hash::Sha256, "SCRAM-SHA-256"),
            Mechanism::ScramSha1 => self.scram(connection, Hash::Sha1, "SCRAM-SHA-1"),
            Mechanism::X509 => {
                let mut command = fields! { "authenticate": 1, "mechanism": "MONGODB-X509" };
                if !self.user.is_empty() {
                    command.push("user", self.user.as_str());
                }
                connection
                    .command(&command.with("$db", "$external"))
                    .map(drop)
            }
        }
    }

    fn scram(&self, connection: &mut Connection, hash: Hash, name: &str) -> Result<(), Failure> {
        let scram = Scram::new(hash, &self.user, &self.password).map_err(refused)?;
        let payload = |text: String| Bson::Binary(0, text.into_bytes());
        let start = fields! {
            "saslStart": 1, "mechanism": name, "payload": payload(scram.first()),
            "options": fields! { "skipEmptyExchange": true }, "$db": self.source.as_str(),
        };
        let (conversation, challenge, _) = step(connection, &start)?;
        let (proof, expected) = scram.prove(&challenge).map_err(refused)?;
        let go_on = |text: String| {
            fields! {
                "saslContinue": 1, "conversationId": conversation, "payload": payload(text),
                "$db": self.source.as_str(),
            }
        };
        let (_, signature, mut done) = step(connection, &go_on(proof))?;
        // A server that does not know the password cannot know this either.
        if !expected.is_signed_by(&signature) {
            return Err(refused(
                "the server did not prove that it knows the password",
            ));
        }
        while !done {
            (_, _, done) = step(connection, &go_on(String::new()))?;
        }
        Ok(())
    }
}

/// One question of a conversation: its number, what the server says, and whether it is over.
fn step(connection: &mut Connection, command: &Fields) -> Result<(i32, String, bool), Failure> {
    use super::bson::Value;
    let answer = connection.command(command)?;
    let payload = match answer.get("payload")? {
        Some(Value::Binary { bytes, .. }) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    };
    let conversation = answer.whole("conversationId")?;
    let conversation = conversation.and_then(|number| i32::try_from(number).ok());
    Ok((conversation.unwrap_or(0), payload, answer.flag("done")?))
}

/// In the form of a server's refusal.
fn refused(problem: impl Into<String>) -> Failure {
    Failure::Server {
        code: 18,
        name: "AuthenticationFailed".to_owned(),
        message: problem.into(),
    }
}
