//! Over HTTP, as the REST front end of Upstash has it: a pipeline of one command. The value is read as the document it is.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{Floor, repeat, values};
use crate::database::Source;
use crate::tables::Tables;

/// Looks up values by their keys.
pub(super) fn points(
    source: &Source,
    token: &str,
    tables: &Tables,
    number: u64,
    time: Duration,
) -> Floor {
    let url = Url::parse(&source.url).expect("a URL");
    let address = url.socket_addrs(|| None).expect("an address");
    let mut stream = BufReader::new(TcpStream::connect(&*address).expect("an Upstash"));
    repeat(number, time, |key| {
        let body = json!([["GET", tables.points.key(key)]]).to_string();
        let request = format!(
            "POST /pipeline HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream
            .get_mut()
            .write_all(request.as_bytes())
            .expect("a server that reads");
        answer(&mut stream)
    })
}

/// The answer to a command.
#[derive(Deserialize)]
struct Answer<'a> {
    /// In Base64.
    result: Option<&'a str>,
}

/// Reads an answer and the values in it; how many these are.
fn answer(stream: &mut BufReader<TcpStream>) -> usize {
    let mut length = 0;
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).expect("a head");
        if let Some(digits) = line.strip_prefix("Content-Length: ") {
            length = digits.trim_end().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    let results: Vec<Answer<'_>> = serde_json::from_slice(&body).expect("results");
    let found = results.iter().filter_map(|answer| answer.result);
    let values = found.map(|text| BASE64.decode(text.as_bytes()).expect("Base64"));
    values.inspect(|value| values::read(value)).count()
}
