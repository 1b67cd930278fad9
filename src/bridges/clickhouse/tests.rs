//! Conversations with a server of a few lines: framings of all ages, refused settings, a statement that is stopped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::json;

use super::config::Settings;
use super::conversation::{Conversation, Conversations, Server};
use super::error::Failure;
use super::statements::plain;
use crate::bridges::places::Place;
use crate::bridges::pool::Connector;
use crate::error::{ErrorCode, JobError, Retry};
use crate::job::{JobControl, Outcome};

const LONG: Duration = Duration::from_secs(30);

/// A request as it came: its first line, and its body.
type Asked = (String, String);

fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut first = String::new();
    if stream.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        match line.trim().to_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((first.trim().to_owned(), String::from_utf8(body).unwrap()))
}

/// Answers one request after the other, each on a connection that is closed behind it.
fn server(answers: Vec<Vec<u8>>) -> (u16, JoinHandle<Vec<Asked>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (tcp, _) = listener.accept().unwrap();
            let mut stream = BufReader::new(tcp);
            asked.extend(read_request(&mut stream));
            // Whoever has heard enough hangs up.
            let _ = stream.get_mut().write_all(&answer);
        }
        asked
    });
    (port, serving)
}

fn conversation(port: u16) -> Conversation {
    let config = json!({"host": "127.0.0.1", "port": port});
    let settings = Settings::from_config(config.as_object().unwrap()).unwrap();
    let conversations = Conversations(Arc::new(Server::new(settings)));
    conversations.connect(&job(), &Place::of_a_test()).unwrap()
}

fn job() -> Arc<JobControl> {
    Arc::new(JobControl::new("j", Instant::now() + LONG))
}

fn ask(conversation: &mut Conversation) -> Result<Vec<String>, JobError> {
    let mut rows = Vec::new();
    let asked = conversation.ask(&job(), &plain("SELECT 1"), &mut |line| {
        rows.push(line.to_owned());
        Ok(())
    });
    asked.map(|()| rows).map_err(JobError::from)
}

fn refusal(status: &str, text: &str) -> Vec<u8> {
    let length = text.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}")
        .into_bytes()
}

/// An answer of these chunks, which need not come to their end.
fn chunks(chunks: &[&[u8]], whole: bool) -> Vec<u8> {
    let mut answer =
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in chunks {
        answer.extend(format!("{:x}\r\n", chunk.len()).bytes());
        answer.extend(*chunk);
        answer.extend(b"\r\n");
    }
    if whole {
        answer.extend(b"0\r\n\r\n");
    }
    answer
}

fn answer_to(body: Vec<u8>) -> Result<Vec<String>, JobError> {
    let (port, serving) = server(vec![body]);
    let answer = ask(&mut conversation(port));
    serving.join().unwrap();
    answer
}

#[test]
fn rows_come_as_they_are_however_they_are_cut() {
    let rows: &[&[u8]] = &[
        b"{\"a\":\"x",
        b"\\n}\"}\n{\"a\":[{",
        b"}]}\n{\"a\":\"\xff\"}\n",
    ];
    assert_eq!(
        answer_to(chunks(rows, true)).unwrap(),
        ["{\"a\":\"x\\n}\"}", "{\"a\":[{}]}", "{\"a\":\"\u{fffd}\"}"]
    );
    assert_eq!(answer_to(chunks(&[], true)).unwrap(), Vec::<String>::new());
}

#[test]
fn a_large_row_is_one_and_too_large_a_row_an_error() {
    let row = |bytes: usize| format!("{{\"a\":\"{}\"}}\n", "x".repeat(bytes));
    let large = row(crate::limits::LARGE_ROW * 3);
    let rows = answer_to(chunks(
        &[row(1).as_bytes(), large.as_bytes(), row(2).as_bytes()],
        true,
    ));
    let lengths: Vec<_> = rows.unwrap().iter().map(String::len).collect();
    assert_eq!(lengths, [9, large.len() - 1, 10]);
    let too_large = row(crate::limits::ROW_BYTES + crate::limits::LARGE_ROW);
    let (port, serving) = server(vec![chunks(&[too_large.as_bytes()], true)]);
    let error = ask(&mut conversation(port)).unwrap_err();
    assert!(error.message.contains("SEMILAYER_MAX_ROW_BYTES"), "{error}");
    // It hears nothing of the rest.
    let _ = serving.join();
}

#[test]
fn a_failure_after_the_first_rows_is_one_in_every_form() {
    let words = "Code: 395. DB::Exception: Value passed. (X) (version 26.9)\n";
    let tagged = format!(
        "\r\n__exception__\r\nabcdefghijklmnop\r\n{words}56 abcdefghijklmnop\r\n__exception__\r\n"
    );
    let marked = format!("__exception__\r\n{words}");
    let old =
        "Code: 395, e.displayText() = DB::Exception: Value passed. (X), e.what() = DB::Exception\n";
    for (text, whole) in [
        (tagged.as_str(), false),
        (&marked, false),
        // A cut row before it.
        (&format!("{{\"a\":{tagged}"), false),
        (&format!("{{\"a\":{marked}"), false),
        (old, true),
        (words, true),
    ] {
        let body = chunks(&[b"{\"a\":1}\n", text.as_bytes()], whole);
        let error = answer_to(body).unwrap_err();
        assert_eq!(error.code, ErrorCode::QueryFailed);
        assert_eq!(error.message, "Value passed. (X) (error 395)", "{text}");
    }
}

#[test]
fn only_a_whole_body_is_an_answer() {
    for (parts, whole) in [
        (&[&b"{\"a\":1}\n"[..]][..], false),
        (&[b"{\"a\":1}\n{\"a\":"], false),
        (&[b"{\"a\":1}\n{\"a\":"], true),
        (&[b"<html>\n"], true),
        (&[b"[1]\n"], true),
        (&[b"{\"a\":1} x\n"], true),
        (&[b"{\"a\":1}{\"a\":1}\n"], true),
        (&[], false),
    ] {
        let error = answer_to(chunks(parts, whole)).unwrap_err();
        assert_eq!(error.code, ErrorCode::QueryFailed, "{parts:?}");
    }
    let page = answer_to(refusal("502 Bad Gateway", "<html>")).unwrap_err();
    assert_eq!(page.code, ErrorCode::SourceUnreachable);
}

#[test]
fn what_the_server_does_not_let_us_set_is_left_out() {
    let unknown = refusal(
        "404 Not Found",
        "Code: 115. DB::Exception: Unknown setting cancel_http",
    );
    let fixed = refusal(
        "500 Oops",
        "Code: 164. DB::Exception: Cannot modify 'readonly' setting in readonly mode",
    );
    let rows = || chunks(&[b"{\"a\":1}\n"], true);
    let (port, serving) = server(vec![unknown, fixed, rows(), rows()]);
    let mut conversation = conversation(port);
    assert_eq!(ask(&mut conversation).unwrap().len(), 1);
    assert_eq!(ask(&mut conversation).unwrap().len(), 1);
    let asked = serving.join().unwrap();
    let has = |word| {
        asked
            .iter()
            .map(|(line, _)| line.contains(word))
            .collect::<Vec<_>>()
    };
    assert_eq!(has("cancel_http"), [true, false, false, false]);
    assert_eq!(has("readonly=2"), [true, true, false, false]);
    // Without a setting, it is the method that keeps them read-only.
    assert_eq!(has("GET /?"), [false, false, true, true]);
    assert_eq!(asked[0].1, "SELECT 1");
}

#[test]
fn a_connection_that_breaks_may_be_replaced() {
    let error = answer_to(Vec::new()).unwrap_err();
    assert_eq!(error.code, ErrorCode::SourceUnreachable);
    assert_eq!(error.retry, Retry::NewConnection);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = ask(&mut conversation(port)).unwrap_err();
    assert_eq!(error.code, ErrorCode::SourceUnreachable);
    assert_eq!(error.retry, Retry::No);
}

#[test]
fn a_stopped_statement_is_killed_by_its_name() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let job = job();
    let asking = thread::spawn({
        let job = Arc::clone(&job);
        move || {
            let mut conversation = conversation(port);
            let asked = conversation.ask(&job, &plain("SELECT sleep(9)"), &mut |_| Ok(()));
            let failure = asked.unwrap_err();
            let reusable = Conversations(Arc::new(Server::new(
                Settings::from_config(json!({"host": "h"}).as_object().unwrap()).unwrap(),
            )))
            .reusable(&mut conversation);
            (failure, reusable)
        }
    });
    let (silent, _) = listener.accept().unwrap();
    let mut silent = BufReader::new(silent);
    let (first, _) = read_request(&mut silent).unwrap();
    let (_, id) = first.split_once("query_id=").unwrap();
    let id = id.split('&').next().unwrap();
    assert!(job.end(Outcome::Aborted(ErrorCode::Cancelled)));
    let stopping = thread::spawn({
        let job = Arc::clone(&job);
        move || job.stop_statement()
    });
    // The statement is not known yet, then it has not begun, and then it has.
    for body in [&b""[..], b"pending\tid\n", b"waiting\tid\n"] {
        let answer = chunks(&[body], true);
        let (other, _) = listener.accept().unwrap();
        let mut other = BufReader::new(other);
        let (line, body) = read_request(&mut other).unwrap();
        assert_eq!(line, "POST / HTTP/1.1");
        assert_eq!(body, format!("KILL QUERY WHERE query_id = '{id}' ASYNC"));
        other.get_mut().write_all(&answer).unwrap();
    }
    stopping.join().unwrap();
    let (failure, reusable) = asking.join().unwrap();
    let Failure::Job(error) = failure else {
        panic!("{failure:?}");
    };
    assert_eq!(error.code, ErrorCode::Cancelled);
    assert!(!reusable);
}
