//! A MongoDB client that does no more than it must: commands out, answers in, nothing looked at that is not asked for.

use std::io::{Read, Write};
use std::net::TcpStream;

use data_encoding::BASE64;
use ring::{digest, hmac, pbkdf2};
use url::Url;

use super::address;
use crate::bson::{binary, document, field, length, text};

/// A connection to one server, logged in.
pub struct MongodbClient {
    stream: TcpStream,
    database: String,
    output: Vec<u8>,
    answer: Vec<u8>,
}

impl MongodbClient {
    /// Connects to the server behind a URL and logs in, if it names a user. Commands are for its database.
    pub fn connect(url: &str) -> Self {
        let stream = TcpStream::connect(address(url)).expect("a MongoDB server");
        stream.set_nodelay(true).expect("a socket");
        let parsed = Url::parse(url).expect("a MongoDB URL");
        let mut client = Self {
            stream,
            database: "admin".to_owned(),
            output: Vec::new(),
            answer: Vec::new(),
        };
        if let Some(password) = parsed.password() {
            client.log_in(parsed.username(), password);
        }
        client.database = parsed.path().trim_start_matches('/').to_owned();
        client
    }

    /// Runs a command, the fields of a document; the document of its answer.
    pub fn run(&mut self, command: &[(u8, &str, &[u8])]) -> &[u8] {
        let database = text(&self.database);
        let fields = [command, &[(2, "$db", &database)]].concat();
        self.send(&document(&fields));
        self.receive()
    }

    /// Sends a whole command.
    fn send(&mut self, document: &[u8]) {
        let length = i32::try_from(21 + document.len()).expect("a short command");
        self.output.clear();
        // Length, number, answered number, kind; flags and a section of one document.
        for word in [length, 1, 0, 2013, 0] {
            self.output.extend(word.to_le_bytes());
        }
        self.output.push(0);
        self.output.extend(document);
        self.stream
            .write_all(&self.output)
            .expect("a server that reads");
    }

    fn receive(&mut self) -> &[u8] {
        let mut head = [0; 21];
        self.stream.read_exact(&mut head).expect("an answer");
        self.answer.resize(length(&head) - head.len(), 0);
        self.stream.read_exact(&mut self.answer).expect("an answer");
        let fine = field(&self.answer, "ok").and_then(|value| value.first_chunk());
        let fine = fine.map(|ok| f64::from_le_bytes(*ok));
        assert_eq!(fine, Some(1.0), "{}", String::from_utf8_lossy(&self.answer));
        &self.answer
    }

    /// SCRAM-SHA-256 (RFC 5802, RFC 7677), without a look at what the server proves.
    fn log_in(&mut self, user: &str, password: &str) {
        let first = format!("n={user},r=a-nonce-of-the-test-kit");
        let payload = binary(format!("n,,{first}").as_bytes());
        let answer = self.run(&[
            (16, "saslStart", &1_i32.to_le_bytes()),
            (2, "mechanism", &text("SCRAM-SHA-256")),
            (5, "payload", &payload),
        ]);
        let said = payload_of(answer);
        let conversation = field(answer, "conversationId").expect("a conversation")[..4].to_vec();
        let part = |name: &str| {
            let mut parts = said.split(',');
            let part = parts.find_map(|part| part.strip_prefix(name));
            part.expect("a part").to_owned()
        };
        let (nonce, salt, rounds) = (part("r="), part("s="), part("i="));
        let salt = BASE64.decode(salt.as_bytes()).expect("Base64");
        let rounds = rounds.parse().expect("a number of rounds");
        let mut salted = [0; digest::SHA256_OUTPUT_LEN];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            rounds,
            &salt,
            password.as_bytes(),
            &mut salted,
        );
        let signed = |key: &[u8], text: &[u8]| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key);
            hmac::sign(&key, text).as_ref().to_vec()
        };
        let key = signed(&salted, b"Client Key");
        let stored = digest::digest(&digest::SHA256, &key);
        let bare = format!("c=biws,r={nonce}");
        let signature = signed(stored.as_ref(), format!("{first},{said},{bare}").as_bytes());
        let proof: Vec<u8> = key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        let mut payload = format!("{bare},p={}", BASE64.encode(&proof));
        // The server's last word wants an empty one in return.
        while {
            let answer = self.run(&[
                (16, "saslContinue", &1_i32.to_le_bytes()),
                (16, "conversationId", &conversation),
                (5, "payload", &binary(payload.as_bytes())),
            ]);
            payload.clear();
            field(answer, "done").is_some_and(|value| value[0] == 0)
        } {}
    }
}

/// What the server says in the course of a login.
fn payload_of(answer: &[u8]) -> String {
    let payload = field(answer, "payload").expect("a payload");
    let bytes = &payload[5..5 + length(payload)];
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}
