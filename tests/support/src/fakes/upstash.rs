//! A stand-in for the REST front end of Upstash: pipelines of commands as JSON, run on a Redis, Base64 back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::databases::{RedisClient, RedisReply};

/// The token that may do everything.
pub const UPSTASH_TOKEN: &str = "test-token-0123456789";
/// The token that may only run commands of one key each.
pub const UPSTASH_READ_ONLY_TOKEN: &str = "readonly-token-0123456789";

/// Serves until the process ends, on a Redis at this URL; answers longer than `most` bytes are refused. Its own URL.
pub fn upstash(redis: &str, most: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let redis = redis.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let redis = redis.clone();
            thread::spawn(move || serve(BufReader::new(stream), &redis, most));
        }
    });
    url
}

fn serve(mut stream: BufReader<TcpStream>, redis: &str, most: usize) {
    let mut client = RedisClient::connect(redis);
    while let Some((token, body)) = request(&mut stream) {
        let (status, mut answer) = answer(&mut client, &token, &body);
        let mut status = status;
        if answer.len() > most {
            status = 400;
            let error = format!(
                "ERR max response size exceeded. Limit: {most} bytes, Actual: {} bytes",
                answer.len()
            );
            answer = json!({ "error": error }).to_string();
        }
        let head = format!(
            "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        let sent = stream
            .get_mut()
            .write_all(format!("{head}{answer}").as_bytes());
        if sent.is_err() {
            return;
        }
    }
}

/// The token and the body of the next request; `None` when the other side hangs up.
fn request(stream: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut token = String::new();
    let mut length = 0;
    let mut first = true;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if std::mem::take(&mut first) {
            assert_eq!(line, "POST /pipeline HTTP/1.1");
        }
        if line.is_empty() {
            break;
        }
        if let Some(bearer) = line.strip_prefix("Authorization: Bearer ") {
            token = bearer.to_owned();
        }
        if let Some(count) = line.strip_prefix("Content-Length: ") {
            length = count.parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((token, body))
}

fn answer(client: &mut RedisClient, token: &str, body: &[u8]) -> (u16, String) {
    let read_only = token == UPSTASH_READ_ONLY_TOKEN;
    if token != UPSTASH_TOKEN && !read_only {
        let error = "WRONGPASS invalid or missing auth token";
        return (401, json!({ "error": error }).to_string());
    }
    let commands: Vec<Vec<String>> = serde_json::from_slice(body).expect("commands");
    let answers = commands.iter().map(|command| {
        if read_only && command.first().is_some_and(|name| name == "SCAN") {
            let error = "NOPERM this user has no permissions to run the 'scan' command";
            return json!({ "error": error });
        }
        match client.ask(command) {
            RedisReply::Error(error) => json!({ "error": error }),
            reply => json!({ "result": shown(reply) }),
        }
    });
    (200, answers.collect::<Value>().to_string())
}

fn shown(reply: RedisReply) -> Value {
    match reply {
        RedisReply::Nil | RedisReply::Error(_) => Value::Null,
        RedisReply::Int(number) => json!(number),
        RedisReply::Status(word) if word == "OK" => json!(word),
        RedisReply::Status(word) => json!(BASE64.encode(word.as_bytes())),
        RedisReply::Bytes(bytes) => json!(BASE64.encode(&bytes)),
        RedisReply::List(members) => members.into_iter().map(shown).collect(),
    }
}
