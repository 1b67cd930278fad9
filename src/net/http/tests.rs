//! The client against servers of a few lines, and the parsers against bytes from memory.

use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Answer, Client, Head, HttpError, Method, Request, basic, bearer};
use crate::limits;
use crate::net::{DialError, Peer};

const LONG: Duration = Duration::from_secs(60);

/// One byte a read.
struct Slow(Cursor<Vec<u8>>);

impl Read for Slow {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let count = buf.len().min(1);
        self.0.read(&mut buf[..count])
    }
}

/// Reads one answer and its body of at most 100 bytes; also whether the connection may be used again.
fn answer_of(bytes: &[u8]) -> Result<(u16, Vec<u8>, bool), HttpError> {
    let mut results = [false, true].map(|slow| {
        let bytes = Cursor::new(bytes.to_vec());
        if slow {
            read_answer(BufReader::with_capacity(3, Slow(bytes)))
        } else {
            read_answer(BufReader::new(bytes))
        }
    });
    results.reverse();
    let [slow, fast] = results;
    match (&slow, &fast) {
        (Ok(slow), Ok(fast)) => assert_eq!(slow, fast),
        (Err(slow), Err(fast)) => assert_eq!(slow.to_string(), fast.to_string()),
        _ => panic!("the way the bytes come makes a difference"),
    }
    fast
}

fn read_answer<S: Read>(mut stream: BufReader<S>) -> Result<(u16, Vec<u8>, bool), HttpError> {
    let mut begun = false;
    let head = Head::read(&mut stream, &mut begun);
    let head = head.map_err(|source| HttpError::Head { begun, source })?;
    let mut slot = Some(stream);
    let mut answer = Answer::new(head, &mut slot);
    let (status, body) = (answer.status(), answer.whole(100)?);
    drop(answer);
    Ok((status, body, slot.is_some()))
}

#[test]
fn bodies_end_where_their_head_says() {
    for (bytes, status, body, kept) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"[..], 200, &b"abc"[..], true),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nConnection: Close\r\n\r\nabc", 200, b"abc", false),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, b"abc", false),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: a, keep-alive\r\n\r\n", 200, b"", true),
        (b"HTTP/1.1 404 No\r\n\r\nuntil the end", 404, b"until the end", false),
        (b"HTTP/1.1 204 No\r\n\r\n", 204, b"", true),
        (b"HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", 200, b"a", true),
        (b"HTTP/1.1 200 OK\nContent-Length: 1\n\na", 200, b"a", true),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n00a ; x=\"y\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nnext", 200, b"abc0123456789", true),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, b"", true),
    ] {
        let text = String::from_utf8_lossy(bytes);
        let found = answer_of(bytes).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found, (status, body.to_vec(), kept), "{text}");
    }
}

#[test]
fn nonsense_is_an_error_and_never_a_short_body() {
    let long = "x".repeat(limits::HTTP_HEAD);
    let many = "a: b\r\n".repeat(limits::HTTP_HEADERS + 1);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (bytes, problem) in [
        (String::new(), "no answer"),
        ("HTTP/1.1 200 OK\r\nA: b\r\n".into(), "no answer"),
        ("SSH-2.0-x\r\n\r\n".into(), "not HTTP"),
        (
            format!("HTTP/1.1 200 OK\r\nA: {long}\r\n\r\n"),
            "too long a head",
        ),
        (format!("HTTP/1.1 200 OK\r\n{many}\r\n"), "too many headers"),
        ("HTTP/1.1 101 Switching\r\n\r\n".into(), "protocol"),
        ("HTTP/1.1 100 Go on\r\n\r\n".repeat(9), "interim"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab".into(),
            "broke off",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n".into(),
            "longer than 100",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n".into(),
            "no number",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc".into(),
            "no number",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n".into(),
            "no number",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd".into(),
            "two lengths",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n".into(),
            "a length and",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n".into(),
            "transfer coding",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
                .into(),
            "transfer coding",
        ),
        (format!("{chunked}3\r\nabc\r\n"), "broke off"),
        (format!("{chunked}3\r\nab"), "broke off"),
        (
            format!("{chunked}3\r\nabcd\r\n0\r\n\r\n"),
            "longer than it says",
        ),
        (format!("{chunked}\r\n"), "length of a chunk"),
        (format!("{chunked}-3\r\nabc\r\n"), "length of a chunk"),
        (format!("{chunked}x\r\n"), "length of a chunk"),
        (
            format!("{chunked}fffffffffffffffff\r\n"),
            "length of a chunk",
        ),
        (format!("{chunked}1;{long}\r\n"), "length of a chunk"),
        (
            format!("{chunked}65\r\n{}\r\n0\r\n\r\n", "x".repeat(0x65)),
            "longer than 100",
        ),
        (
            format!("{chunked}0\r\n{}", format!("A: {long}\r\n").repeat(3)),
            "too long trailers",
        ),
        (format!("{chunked}0\r\nA: b\r\n"), "broke off"),
    ] {
        let error = answer_of(bytes.as_bytes())
            .map(|(_, body, _)| body)
            .unwrap_err();
        let text = crate::tls::chain(&error);
        assert!(text.contains(problem), "{bytes:.80}: {text}");
    }
}

#[test]
fn a_body_is_taken_line_by_line() {
    let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na\nbb\r\n6\r\nb\r\n\ncc\r\n0\r\n\r\n";
    let mut stream = BufReader::with_capacity(3, Slow(Cursor::new(bytes.to_vec())));
    let head = Head::read(&mut stream, &mut false).unwrap();
    let mut slot = Some(stream);
    let mut answer = Answer::new(head, &mut slot);
    let (mut line, mut lines) = (Vec::new(), Vec::new());
    while answer.line(&mut line, 3).unwrap() {
        lines.push(String::from_utf8(line.clone()).unwrap());
    }
    drop(answer);
    assert_eq!(lines, ["a", "bbb", "", "cc"]);
    assert!(slot.is_some());

    let mut stream = BufReader::new(&b"HTTP/1.1 200 OK\r\n\r\nabcdefg\n"[..]);
    let head = Head::read(&mut stream, &mut false).unwrap();
    let mut slot = Some(stream);
    let mut answer = Answer::new(head, &mut slot);
    let error = answer.line(&mut line, 3).unwrap_err();
    assert!(matches!(error, HttpError::TooLarge { limit: 3 }));
    drop(answer);
    assert!(slot.is_none());
}

fn peer(port: u16) -> Peer {
    Peer {
        host: "127.0.0.1".into(),
        port,
        proxy: None,
        tls: None,
    }
}

type Script = fn(&mut BufReader<TcpStream>, &mut Vec<String>);

/// Serves connections one after the other, each with its own script, and returns what it was sent.
fn server(scripts: Vec<Script>) -> (Client, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = thread::spawn(move || {
        let mut requests = Vec::new();
        for script in scripts {
            let (tcp, _) = listener.accept().unwrap();
            script(&mut BufReader::new(tcp), &mut requests);
        }
        requests
    });
    (Client::new(peer(port), LONG), served)
}

/// Reads one request and answers it.
fn serve(stream: &mut BufReader<TcpStream>, requests: &mut Vec<String>, answer: &str) {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut text).unwrap() > 0);
    }
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    text.push_str(std::str::from_utf8(&body).unwrap());
    requests.push(text);
    stream.get_mut().write_all(answer.as_bytes()).unwrap();
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRetry-After: 7\r\n\r\nok";

fn post(body: &[u8], repeatable: bool) -> Request<'_> {
    Request {
        method: Method::Post,
        path: "/pipeline?a=b",
        headers: &[("Content-Type", "application/json")],
        body,
        repeatable,
    }
}

fn ask(client: &mut Client, body: &[u8], repeatable: bool) -> Result<Vec<u8>, HttpError> {
    client
        .send(&post(body, repeatable), Instant::now() + LONG)?
        .whole(100)
}

#[test]
fn a_connection_serves_many_requests() {
    let (mut client, served) = server(vec![|stream, requests| {
        serve(stream, requests, OK);
        serve(stream, requests, OK);
    }]);
    let mut answer = client
        .send(&post(b"[1]", false), Instant::now() + LONG)
        .unwrap();
    assert_eq!(
        (answer.status(), answer.retry_after()),
        (200, Some(Duration::from_secs(7)))
    );
    assert_eq!(answer.whole(2).unwrap(), b"ok");
    drop(answer);
    ask(&mut client, b"[2]", false).unwrap();
    let requests = served.join().unwrap();
    let (host, rest) = requests[0].split_once("\r\nContent-Type").unwrap();
    assert!(host.starts_with("POST /pipeline?a=b HTTP/1.1\r\nHost: 127.0.0.1:"));
    assert_eq!(rest, ": application/json\r\nContent-Length: 3\r\n\r\n[1]");
    assert!(requests[1].ends_with("[2]"));
}

#[test]
fn an_answer_that_is_not_read_takes_its_connection_along() {
    let (mut client, served) = server(vec![
        |stream, requests| serve(stream, requests, OK),
        |stream, requests| serve(stream, requests, OK),
    ]);
    drop(
        client
            .send(&post(b"", false), Instant::now() + LONG)
            .unwrap(),
    );
    ask(&mut client, b"", false).unwrap();
    assert_eq!(served.join().unwrap().len(), 2);
}

#[test]
fn a_stale_connection_is_replaced_once_where_that_is_safe() {
    for repeatable in [true, false] {
        let (mut client, served) = server(vec![
            |stream, requests| serve(stream, requests, OK),
            |stream, requests| serve(stream, requests, OK),
        ]);
        ask(&mut client, b"1", true).unwrap();
        // The server hangs up, and waits for the next.
        thread::sleep(Duration::from_millis(20));
        let again = ask(&mut client, b"2", repeatable);
        if repeatable {
            assert_eq!(again.unwrap(), b"ok");
        } else {
            assert!(again.unwrap_err().retryable());
            ask(&mut client, b"3", false).unwrap();
        }
        assert_eq!(served.join().unwrap().len(), 2);
    }
}

#[test]
fn a_fresh_connection_that_breaks_off_is_an_error() {
    for answer in ["", "HTTP/1.1 2"] {
        let (mut client, served) = server(vec![
            |_, _| {},
            if answer.is_empty() {
                |stream, requests| serve(stream, requests, "")
            } else {
                |stream, requests| serve(stream, requests, "HTTP/1.1 2")
            },
        ]);
        // Refused at once, then read and left without an answer, or with half of one.
        assert!(ask(&mut client, b"x", true).is_err());
        let error = ask(&mut client, b"x", true).unwrap_err();
        assert!(matches!(error, HttpError::Head { begun, .. } if begun != answer.is_empty()));
        assert!(error.retryable());
        served.join().unwrap();
    }
}

#[test]
fn half_an_answer_on_a_kept_connection_is_not_asked_for_again() {
    let (mut client, served) = server(vec![|stream, requests| {
        serve(stream, requests, OK);
        serve(stream, requests, "HTTP/1.1 2");
    }]);
    ask(&mut client, b"1", true).unwrap();
    let error = ask(&mut client, b"2", true).unwrap_err();
    assert!(matches!(error, HttpError::Head { begun: true, .. }));
    served.join().unwrap();
}

#[test]
fn an_answer_to_half_a_request_is_heard() {
    let (mut client, served) = server(vec![|stream, _| {
        let early = "HTTP/1.1 413 Too large\r\nContent-Length: 4\r\n\r\nmuch";
        stream.get_mut().write_all(early.as_bytes()).unwrap();
        // Takes a little, so that the rest does not fit into the sockets' buffers.
        stream.read_exact(&mut [0; 64 << 10]).unwrap();
        stream
            .get_ref()
            .shutdown(std::net::Shutdown::Write)
            .unwrap();
        thread::sleep(Duration::from_millis(50));
    }]);
    let body = vec![b'x'; 32 << 20];
    let mut answer = client.send(&post(&body, false), Instant::now() + LONG);
    if let Ok(answer) = &mut answer {
        assert_eq!(
            (answer.status(), answer.whole(9).unwrap()),
            (413, b"much".to_vec())
        );
    } else {
        // The server's reset may have overtaken its words.
        assert!(matches!(answer, Err(HttpError::Send { .. })));
    }
    served.join().unwrap();
}

#[test]
fn a_request_ends_in_time_or_when_it_is_cut() {
    for cut in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = Client::new(peer(listener.local_addr().unwrap().port()), LONG);
        let cutter = client.cutter();
        let wait = if cut { LONG } else { Duration::from_millis(50) };
        let asking = thread::spawn(move || {
            client
                .send(&post(b"x", true), Instant::now() + wait)
                .map(|_| ())
        });
        let silent = listener.accept().unwrap();
        if cut {
            cutter.cut();
        }
        let error = asking.join().unwrap().unwrap_err();
        assert_eq!(error.is_cut(), cut, "{error:?}");
        assert!(!error.retryable());
        drop(silent);
    }
}

#[test]
fn a_dial_that_fails_is_told_apart() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = ask(&mut Client::new(peer(port), LONG), b"", true).unwrap_err();
    assert!(matches!(error, HttpError::Dial(DialError::Connect { .. })));
    assert!(error.retryable() && !error.is_cut());
}

#[test]
fn nothing_that_would_end_a_line_is_sent() {
    let injected = "x\r\nA: b";
    for (path, name, value) in [
        ("x", "A", "b"),
        ("", "A", "b"),
        ("/a b", "A", "b"),
        ("/a\r\nB: c", "A", "b"),
        ("/\u{e9}", "A", "b"),
        ("/", "", "b"),
        ("/", "A b", "b"),
        ("/", injected, "b"),
        ("/", "A", injected),
        ("/", "A", "b\n"),
        ("/", "A", "b\0"),
        ("/", "A", "\u{e9}"),
    ] {
        let request = Request {
            method: Method::Get,
            path,
            headers: &[(name, value)],
            body: b"",
            repeatable: true,
        };
        let refused = Client::new(peer(1), LONG)
            .send(&request, Instant::now() + LONG)
            .map(|_| ())
            .unwrap_err();
        assert!(
            matches!(refused, HttpError::Request(_)),
            "{path} {name} {value}"
        );
    }
}

#[test]
fn the_default_port_is_not_named() {
    for (host, port, line) in [
        ("example.com", 80, "Host: example.com\r\n"),
        ("example.com", 8080, "Host: example.com:8080\r\n"),
        ("::1", 80, "Host: [::1]\r\n"),
        ("::1", 81, "Host: [::1]:81\r\n"),
    ] {
        let peer = Peer {
            host: host.into(),
            ..peer(port)
        };
        let get = Request {
            method: Method::Get,
            ..post(b"", true)
        };
        let text = get.head(&peer).unwrap_or_default();
        assert!(
            text.contains(line) && !text.contains("Content-Length"),
            "{text}"
        );
    }
}

#[test]
fn credentials_have_their_forms() {
    assert_eq!(bearer("t"), "Bearer t");
    assert_eq!(basic("u", "p"), "Basic dTpw");
}
