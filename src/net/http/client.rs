//! One connection to one server, opened when it is needed and kept while the server keeps it.

use std::io::{BufReader, Write};
use std::time::{Duration, Instant};

use super::{Answer, Head, HttpError, Request};
use crate::limits;
use crate::net::{Budget, Cutter, Link, Peer};

/// Asks one server, one request at a time.
pub struct Client {
    peer: Peer,
    connect: Duration,
    cutter: Cutter,
    kept: Option<BufReader<Link>>,
}

impl Client {
    /// A client that has not connected yet, and gives each attempt to do so this much time.
    pub fn new(peer: Peer, connect: Duration) -> Self {
        Self {
            peer,
            connect,
            cutter: Cutter::default(),
            kept: None,
        }
    }

    /// Ends the request that is under way, from any thread. The client is of no use afterwards.
    pub fn cutter(&self) -> Cutter {
        self.cutter.clone()
    }

    /// True when the connection is, or will be, encrypted.
    pub fn encrypted(&self) -> bool {
        self.peer.tls.is_some()
    }

    /// Sends a request and reads the head of its answer. Both, and the body after them, must be over by
    /// `until`. A kept connection that turns out to be closed is replaced once, if the request may be
    /// repeated and nothing of an answer has come.
    ///
    /// # Errors
    /// Where it failed. An answer of any status is an answer.
    pub fn send(&mut self, request: &Request<'_>, until: Instant) -> Result<Answer<'_>, HttpError> {
        let text = request.head(&self.peer)?;
        let mut kept = self.kept.take().filter(|stream| {
            // What a server says unasked is its good-bye.
            stream.buffer().is_empty()
        });
        let (head, stream) = loop {
            let stale_is_fine = kept.is_some() && request.repeatable;
            let mut stream = match kept.take() {
                Some(stream) => stream,
                None => self.connect(until)?,
            };
            stream.get_mut().until(until);
            match exchange(&mut stream, text.as_bytes(), request.body) {
                Ok(head) => break (head, stream),
                Err(error) if stale_is_fine && error.is_stale() => {
                    log::debug!("a kept connection was closed: {error}");
                }
                Err(error) => return Err(error),
            }
        };
        self.kept = Some(stream);
        Ok(Answer::new(head, &mut self.kept))
    }

    fn connect(&self, until: Instant) -> Result<BufReader<Link>, HttpError> {
        let left = until.saturating_duration_since(Instant::now());
        let budget = Budget::new(self.connect.min(left));
        let link = Link::open(&self.peer, budget, &self.cutter)?;
        Ok(BufReader::with_capacity(limits::HTTP_BUFFER, link))
    }
}

fn exchange(stream: &mut BufReader<Link>, head: &[u8], body: &[u8]) -> Result<Head, HttpError> {
    let sent = send(stream.get_mut(), head, body);
    let mut begun = false;
    let answer = Head::read(stream, &mut begun);
    match (sent, answer) {
        (Ok(()), Ok(head)) => Ok(head),
        // A server may answer and hang up before it has taken a body that is too long for it.
        (Err(_), Ok(head)) => Ok(head.last()),
        (Err(source), Err(_)) => Err(HttpError::Send { source }),
        (Ok(()), Err(source)) => Err(HttpError::Head { begun, source }),
    }
}

/// Short requests leave in one packet.
fn send(link: &mut Link, head: &[u8], body: &[u8]) -> std::io::Result<()> {
    if body.len() <= limits::HTTP_BUFFER {
        link.write_all(&[head, body].concat())?;
    } else {
        link.write_all(head)?;
        link.write_all(body)?;
    }
    link.flush()
}
