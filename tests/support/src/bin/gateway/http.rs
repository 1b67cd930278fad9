//! Jobs by HTTP. One request a connection; nothing more is needed to try something with curl.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use runner_testkit::Gateway;
use serde_json::json;

use crate::arguments::{Arguments, job_from_json};
use crate::{dispatch, print_answer, to_json};

/// Largest body taken.
const MAX_BODY: u64 = 16 << 20;

/// Serves until the process ends.
pub fn serve(gateway: &Gateway, arguments: &Arguments) -> ! {
    let listener = TcpListener::bind(("127.0.0.1", arguments.http_port)).expect("a port for HTTP");
    println!(
        "jobs:    POST http://{}/jobs",
        listener.local_addr().expect("an address")
    );
    thread::scope(|scope| {
        for stream in listener.incoming().flatten() {
            scope.spawn(|| {
                if let Err(error) = answer(stream, gateway, arguments) {
                    eprintln!("a request failed: {error}");
                }
            });
        }
    });
    unreachable!("a listener accepts for ever")
}

fn answer(mut stream: TcpStream, gateway: &Gateway, arguments: &Arguments) -> io::Result<()> {
    let (first, body) = read_request(&stream)?;
    let (status, text) = if !first.starts_with("POST /jobs ") {
        (
            "404 Not Found",
            json!({ "error": "POST /jobs is all there is" }),
        )
    } else if !gateway.is_connected() {
        (
            "503 Service Unavailable",
            json!({ "error": "no runner is connected" }),
        )
    } else {
        match job_from_json(arguments, &body) {
            Err(problem) => ("400 Bad Request", json!({ "error": problem })),
            Ok(line) => {
                println!("\n$ {line}");
                let answer = dispatch(gateway, arguments, &line, line.options.clone());
                print_answer(&answer, arguments.json);
                ("200 OK", to_json(&answer))
            }
        }
    };
    let text = format!("{text}\n");
    let length = text.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
    )
}

/// First line and body of a request.
fn read_request(stream: &TcpStream) -> io::Result<(String, String)> {
    let mut reader = BufReader::new(stream.take(MAX_BODY));
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body)?;
    Ok((first, body))
}
