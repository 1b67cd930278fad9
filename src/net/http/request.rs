//! A request, and the text of its head.

use super::HttpError;
use crate::net::{Peer, base64};

/// What is asked of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Its content; the request has no body.
    Get,
    /// To take the body.
    Post,
}

/// A request. Path and headers may hold secrets, so it has no `Debug`.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// Path and query, percent-encoded.
    pub path: &'a str,
    /// Headers beyond the host and the body's length.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
    /// Asking twice does no more than asking once. Such a request is sent again, once, when the kept
    /// connection turns out to be closed.
    pub repeatable: bool,
}

impl Request<'_> {
    /// The head as it is sent.
    ///
    /// # Errors
    /// `Request`, without the text in question, when it would end a line early.
    pub(super) fn head(&self, peer: &Peer) -> Result<String, HttpError> {
        let graphic = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !self.path.starts_with('/') || !graphic(self.path) {
            return Err(HttpError::Request("its path is not one of HTTP"));
        }
        let default = if peer.tls.is_some() { 443 } else { 80 };
        let authority = peer.authority();
        let host = match authority.rsplit_once(':') {
            Some((host, _)) if peer.port == default => host,
            _ => &authority,
        };
        let method = match self.method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        let mut text = format!("{method} {} HTTP/1.1\r\n", self.path);
        let mut line = |name: &str, value: &str| {
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(HttpError::Request("the name of a header is not one"));
            }
            // Bytes beyond ASCII are allowed, and mean something else to every server.
            if !value
                .bytes()
                .all(|b| b == b'\t' || (b' '..=b'~').contains(&b))
            {
                return Err(HttpError::Request(
                    "a header's value holds forbidden characters",
                ));
            }
            text.push_str(name);
            text.push_str(": ");
            text.push_str(value);
            text.push_str("\r\n");
            Ok(())
        };
        line("Host", host)?;
        for (name, value) in self.headers {
            line(name, value)?;
        }
        if self.method == Method::Post {
            line("Content-Length", &self.body.len().to_string())?;
        }
        text.push_str("\r\n");
        Ok(text)
    }
}

/// A character of a token (RFC 9110, 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The value of an `Authorization` header with a token.
pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// The value of an `Authorization` header with a user and a password.
pub fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        base64::encode(format!("{user}:{password}").as_bytes())
    )
}
