//! A proxy in front of a server of HTTP that spoils answers when it is told to, and one that puts TLS before it.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::ServerConfig;
use serde_json::Value;

use super::Server;
use crate::tls;

/// Passes requests on, one a connection, and spoils the answers to the next ones as ordered.
pub struct FaultyHttp {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    faults: VecDeque<Value>,
    seen: BTreeMap<String, usize>,
}

impl FaultyHttp {
    /// In front of the server that listens there.
    pub fn start(target: SocketAddr) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = Server::start(Arc::new(move |client| serve(&client, target, &shared)));
        Self { server, state }
    }

    /// Its own address.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Orders these faults, one a request; each is an object with one or more of `status` (with `body`, `html`,
    /// `retryAfter` and `date`), `times` (1), `delay` (milliseconds), `cut` (no answer), and `cutAfter` (so many bytes of the
    /// answer). Requests are counted anew.
    pub fn order(&self, faults: &[Value]) {
        *lock(&self.state) = State {
            faults: faults.iter().cloned().collect(),
            seen: BTreeMap::new(),
        };
    }

    /// How many requests there were, by their path.
    pub fn seen(&self) -> BTreeMap<String, usize> {
        lock(&self.state).seen.clone()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(client: &TcpStream, target: SocketAddr, state: &Mutex<State>) -> io::Result<()> {
    let mut reader = BufReader::new(client);
    let Message { path, head, body } = read_message(&mut reader)?;
    let fault = {
        let mut state = lock(state);
        *state.seen.entry(path).or_default() += 1;
        let fault = state.faults.pop_front().unwrap_or_default();
        let times = fault["times"].as_u64().unwrap_or(1);
        if times > 1 {
            let mut again = fault.clone();
            again["times"] = (times - 1).into();
            state.faults.push_front(again);
        }
        fault
    };
    if let Some(delay) = fault["delay"].as_u64() {
        thread::sleep(Duration::from_millis(delay));
    }
    let mut client = client;
    if fault["cut"] == true {
        return client.shutdown(Shutdown::Both);
    }
    if let Some(status) = fault["status"].as_u64() {
        let body = match (fault["html"] == true, fault["body"].as_str()) {
            (true, _) => "<!DOCTYPE html>",
            (false, body) => body.unwrap_or(r#"{"error":"unavailable"}"#),
        };
        let header = |name: &str, value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => format!("{name}: {text}\r\n"),
            other => format!("{name}: {other}\r\n"),
        };
        let date = header("Date", &fault["date"]);
        let retry = header("Retry-After", &fault["retryAfter"]);
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} Said\r\n{date}{retry}Connection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        return client.write_all(format!("{head}{body}").as_bytes());
    }
    let mut onward = TcpStream::connect(target)?;
    // The server closes the connection behind its answer.
    onward.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    onward.write_all(&body)?;
    match fault["cutAfter"].as_u64() {
        Some(most) => io::copy(&mut onward.take(most), &mut client)?,
        None => io::copy(&mut onward, &mut client)?,
    };
    client.shutdown(Shutdown::Both)
}

/// A request.
pub(super) struct Message {
    /// Where it goes to.
    pub(super) path: String,
    /// Its first line and its headers.
    pub(super) head: String,
    /// Its body.
    pub(super) body: Vec<u8>,
}

/// Reads the next request; an error at the end of the connection.
pub(super) fn read_message(reader: &mut impl BufRead) -> io::Result<Message> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == "\r\n" {
            break;
        }
        if let Some(count) = line.strip_prefix("Content-Length: ") {
            length = count.trim().parse().map_err(io::Error::other)?;
        }
        head.push_str(&line);
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Message { path, head, body })
}

/// TLS in front of the plain server that listens there, on a free port of the loopback interface.
pub fn encrypted(target: SocketAddr, config: Arc<ServerConfig>) -> Server {
    Server::start(Arc::new(move |client| {
        let plain = tls::terminate(client, Arc::clone(&config))?;
        let onward = TcpStream::connect(target)?;
        let (mut from, mut to) = (plain.try_clone()?, onward.try_clone()?);
        let up = thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
        let (mut from, mut to) = (onward, plain);
        let copied = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
        let _ = up.join();
        copied.map(drop)
    }))
}
