//! The server that a URL names.

use std::env;

use url::Url;

use crate::net::{Peer, Proxy, without_brackets};
use crate::tls;

/// The server of an `https` or `http` URL. With TLS its certificate is checked against the runner's roots, and
/// the way leads through the proxy that the environment names for it.
///
/// # Errors
/// What is wrong with the URL, or with the proxy, without a secret.
pub fn peer_of(url: &Url) -> Result<Peer, String> {
    let encrypted = match url.scheme() {
        "https" => true,
        "http" => false,
        other => return Err(format!("it begins with \"{other}:\" instead of https:")),
    };
    let host = url.host_str().ok_or("it names no host")?;
    let host = without_brackets(host).to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    if port == 0 {
        return Err("its port must be a number from 1 to 65535".to_owned());
    }
    let (tls, proxy) = if encrypted {
        let tls = tls::verified().map_err(|error| error.to_string())?;
        let proxy = Proxy::choose(&host, port, |name| env::var(name).ok());
        (
            Some(tls),
            proxy.map_err(|problem| format!("HTTPS_PROXY: {problem}"))?,
        )
    } else {
        (None, None)
    };
    Ok(Peer {
        host,
        port,
        proxy,
        tls,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_a_url_of_http() {
        let peer = |url: &str| peer_of(&Url::parse(url).unwrap());
        let found = peer("http://[::1]:8123/a?b").unwrap();
        assert_eq!(
            (found.authority().as_str(), found.tls.is_some()),
            ("[::1]:8123", false)
        );
        let found = peer("https://db.example.com").unwrap();
        assert_eq!(
            (found.authority().as_str(), found.tls.is_some()),
            ("db.example.com:443", true)
        );
        let wrong = peer("redis://u:s3cret@h").err().unwrap();
        assert!(wrong.contains("redis:") && !wrong.contains("s3cret"));
    }
}
