//! A way through a SOCKS proxy (RFC 1928), with user and password (RFC 1929).

use std::io::{self, Read, Write};
use std::net::IpAddr;

use crate::net::Proxy;

const VERSION: u8 = 5;
const CONNECT: u8 = 1;
const NO_LOGIN: u8 = 0;
const BY_PASSWORD: u8 = 2;

/// Asks the proxy at the other end of `stream` for a connection to a host, which is a name where the proxy is to look
/// it up.
///
/// # Errors
/// The proxy's refusal (`PermissionDenied`), or what went wrong.
pub fn open_socks(
    mut stream: impl Read + Write,
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> io::Result<()> {
    let methods: &[u8] = match proxy.user() {
        Some(_) => &[NO_LOGIN, BY_PASSWORD],
        None => &[NO_LOGIN],
    };
    let count = u8::try_from(methods.len()).unwrap_or(u8::MAX);
    stream.write_all(&[&[VERSION, count], methods].concat())?;
    match (answer(&mut stream)?, proxy.user()) {
        ([VERSION, NO_LOGIN], _) => {}
        ([VERSION, BY_PASSWORD], Some(user)) => log_in(&mut stream, user)?,
        ([VERSION, _], _) => {
            return Err(refused(
                "it asks for a user and a password, or another way to log in",
            ));
        }
        _ => return Err(no_socks()),
    }
    let mut request = vec![VERSION, CONNECT, 0];
    match host.parse() {
        Ok(IpAddr::V4(ip)) => request.extend([&[1][..], &ip.octets()].concat()),
        Ok(IpAddr::V6(ip)) => request.extend([&[4][..], &ip.octets()].concat()),
        Err(_) => request.extend([&[3], short(host)?.as_slice()].concat()),
    }
    request.extend(port.to_be_bytes());
    stream.write_all(&request)?;
    let [version, outcome, _, kind] = answer(&mut stream)?;
    if version != VERSION {
        return Err(no_socks());
    }
    if outcome != 0 {
        return Err(refused(words(outcome)));
    }
    // The address that it connects from, which nobody needs, and a port.
    let length = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(answer::<1>(&mut stream).map(|[length]| length)?),
        _ => return Err(no_socks()),
    };
    stream.read_exact(&mut vec![0; length + 2])
}

fn log_in(stream: &mut (impl Read + Write), user: &str) -> io::Result<()> {
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let request = [vec![1], short(user)?, short(password)?].concat();
    stream.write_all(&request)?;
    match answer(stream)? {
        [_, 0] => Ok(()),
        _ => Err(refused("it does not know this user and password")),
    }
}

/// A text with its length before it.
fn short(text: &str) -> io::Result<Vec<u8>> {
    let length = u8::try_from(text.len());
    let length = length.map_err(|_| refused("a name for it has more than 255 bytes"))?;
    Ok([&[length], text.as_bytes()].concat())
}

fn answer<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn words(outcome: u8) -> &'static str {
    match outcome {
        2 => "its rules do not allow the connection",
        3 => "the network cannot be reached from there",
        4 => "the host cannot be reached from there",
        5 => "the host refuses the connection",
        6 => "the connection took too long",
        _ => "it does not connect to the host",
    }
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

fn no_socks() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "what answers there does not speak SOCKS 5",
    )
}
