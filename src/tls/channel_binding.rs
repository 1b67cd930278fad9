//! What ties a login to the TLS session it happens in, so that nobody between the two ends can pass it on.

use ring::digest::{self, Algorithm};

use super::certificate::signature_algorithm;

/// The channel binding `tls-server-end-point` (RFC 5929, 4.1): the server's certificate under the hash function that
/// it is signed with. `None` when its signature has none of its own or it is no certificate.
pub fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let hash = hash_of(signature_algorithm(certificate)?)?;
    Some(digest::digest(hash, certificate).as_ref().to_vec())
}

/// SHA-256 stands for the broken ones as well. RSASSA-PSS has its hash among its parameters, which are not read:
/// logging in without a binding is possible as well.
fn hash_of(algorithm: &[u8]) -> Option<&'static Algorithm> {
    match algorithm {
        // 1.2.840.113549.1.1: RSA with MD5, SHA-1, SHA-256, SHA-384, SHA-512.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, kind] => match kind {
            4 | 5 | 11 => Some(&digest::SHA256),
            12 => Some(&digest::SHA384),
            13 => Some(&digest::SHA512),
            _ => None,
        },
        // 1.2.840.10045.4: ECDSA with SHA-1.
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => Some(&digest::SHA256),
        // 1.2.840.10045.4.3: ECDSA with SHA-256, SHA-384, SHA-512.
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, kind] => match kind {
            2 => Some(&digest::SHA256),
            3 => Some(&digest::SHA384),
            4 => Some(&digest::SHA512),
            _ => None,
        },
        _ => None,
    }
}
