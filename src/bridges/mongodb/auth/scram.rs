//! SCRAM (RFC 5802, RFC 7677) without channel binding, as MongoDB has it: SHA-1 takes a digest for the password,
//! SHA-256 the password itself after SASLprep.

use std::borrow::Cow;
use std::num::NonZeroU32;

use md5::{Digest, Md5};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac, pbkdf2};

use crate::limits;
use crate::net::base64;
use crate::text::hex;

/// The hash of the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
}

/// One exchange. It holds a password: no `Debug`.
pub(super) struct Scram {
    hash: Hash,
    password: String,
    /// The first message without its `n,,`.
    first: String,
    nonce: String,
}

/// What the server must answer to the proof.
pub(super) struct Signature {
    key: hmac::Key,
    exchange: String,
}

impl Scram {
    pub(super) fn new(hash: Hash, user: &str, password: &str) -> Result<Self, &'static str> {
        let mut bytes = [0; 24];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| "the system has no random numbers")?;
        Self::with_nonce(hash, user, password, base64::encode(&bytes))
    }

    fn with_nonce(
        hash: Hash,
        user: &str,
        password: &str,
        nonce: String,
    ) -> Result<Self, &'static str> {
        let password = match hash {
            Hash::Sha256 => stringprep::saslprep(password)
                .map(Cow::into_owned)
                .map_err(|_| "the password has characters that SASLprep forbids")?,
            Hash::Sha1 => hex(&Md5::digest(format!("{user}:mongo:{password}"))),
        };
        let user = user.replace('=', "=3D").replace(',', "=2C");
        Ok(Self {
            hash,
            password,
            first: format!("n={user},r={nonce}"),
            nonce,
        })
    }

    /// The message that begins the exchange.
    pub(super) fn first(&self) -> String {
        format!("n,,{}", self.first)
    }

    /// The message with the proof, and what the server must answer to it.
    pub(super) fn prove(&self, challenge: &str) -> Result<(String, Signature), &'static str> {
        let attribute = |name: &str| {
            let mut parts = challenge.split(',');
            parts.find_map(|part| part.strip_prefix(name))
        };
        let broken = "the server's challenge cannot be read";
        let nonce = attribute("r=").ok_or(broken)?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("the server's challenge does not belong to this exchange");
        }
        let salt = attribute("s=").and_then(base64::decode).ok_or(broken)?;
        let iterations: u32 = attribute("i=").and_then(|i| i.parse().ok()).ok_or(broken)?;
        let rounds = NonZeroU32::new(iterations).ok_or(broken)?;
        if !(4096..=limits::SCRAM_ITERATIONS).contains(&iterations) {
            return Err("the server asks for too few or too many rounds of hashing");
        }
        let (derive, algorithm, hash, length) = match self.hash {
            Hash::Sha1 => (
                pbkdf2::PBKDF2_HMAC_SHA1,
                hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                &digest::SHA1_FOR_LEGACY_USE_ONLY,
                20,
            ),
            Hash::Sha256 => (
                pbkdf2::PBKDF2_HMAC_SHA256,
                hmac::HMAC_SHA256,
                &digest::SHA256,
                32,
            ),
        };
        let mut salted = vec![0; length];
        pbkdf2::derive(derive, rounds, &salt, self.password.as_bytes(), &mut salted);
        let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(algorithm, key), text);
        let client_key = sign(&salted, b"Client Key");
        let stored_key = digest::digest(hash, client_key.as_ref());
        let last = format!("c=biws,r={nonce}");
        let exchange = format!("{},{challenge},{last}", self.first);
        let signature = sign(stored_key.as_ref(), exchange.as_bytes());
        let both = client_key.as_ref().iter().zip(signature.as_ref());
        let proof: Vec<u8> = both.map(|(key, signature)| key ^ signature).collect();
        let server_key = sign(&salted, b"Server Key");
        let expected = Signature {
            key: hmac::Key::new(algorithm, server_key.as_ref()),
            exchange,
        };
        Ok((format!("{last},p={}", base64::encode(&proof)), expected))
    }
}

impl Signature {
    /// True when the server's last message carries this signature.
    pub(super) fn is_signed_by(&self, answer: &str) -> bool {
        let mut parts = answer.split(',');
        parts
            .find_map(|part| part.strip_prefix("v="))
            .and_then(base64::decode)
            .is_some_and(|signature| {
                hmac::verify(&self.key, self.exchange.as_bytes(), &signature).is_ok()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchanges of the two specifications.
    #[test]
    fn the_specifications_exchanges() {
        let nonce = "rOprNGfwEbeRWgbNEkqO".to_owned();
        let scram = Scram::with_nonce(Hash::Sha256, "user", "pencil", nonce).unwrap();
        let challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (proof, signature) = scram.prove(challenge).unwrap();
        assert_eq!(
            proof,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert!(signature.is_signed_by("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!signature.is_signed_by("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!signature.is_signed_by("e=other-error"));

        // MongoDB's own: the password is a digest of user and password.
        let nonce = "fyko+d2lbbFgONRv9qkxdawL".to_owned();
        let scram = Scram::with_nonce(Hash::Sha1, "user", "pencil", nonce).unwrap();
        let challenge = "r=fyko+d2lbbFgONRv9qkxdawLHo+Vgk7qvUOKUwuWLIWg4l/9SraGMHEE,s=rQ9ZY3MntBeuP3E1TDVC4w==,i=10000";
        let (proof, signature) = scram.prove(challenge).unwrap();
        assert!(
            proof.ends_with(",p=MC2T8BvbmWRckDw8oWl5IVghwCY="),
            "{proof}"
        );
        assert!(signature.is_signed_by("v=UMWeI25JD1yNYZRMpZ4VHvhZ9e0="));
    }

    #[test]
    fn a_challenge_of_somebody_else_is_refused() {
        let scram = Scram::new(Hash::Sha256, "a,b=c", "x").unwrap();
        assert!(scram.first().starts_with("n,,n=a=2Cb=3Dc,r="));
        let nonce = &scram.nonce;
        for challenge in [
            String::new(),
            "r=other,s=QUJD,i=4096".to_owned(),
            format!("r={nonce},s=QUJD,i=4096"),
            format!("r={nonce}x,s=!!,i=4096"),
            format!("r={nonce}x,s=QUJD,i=1"),
            format!("r={nonce}x,s=QUJD,i=4000000000"),
        ] {
            assert!(scram.prove(&challenge).is_err(), "{challenge}");
        }
    }
}
