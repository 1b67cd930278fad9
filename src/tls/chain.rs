//! Errors as people read them: with their causes, and those of TLS in words of ours.

use crate::tls::words;

/// An error with everything that caused it, outermost first. With TLS the cause is two levels down. A cause
/// that the text before it already quotes is not repeated. Errors of TLS are told in words of ours.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = words(error).unwrap_or_else(|| error.to_string());
    let mut next = error.source();
    while let Some(cause) = next {
        let plain = cause.to_string();
        let said = words(cause);
        match said {
            // Some drivers quote their cause.
            Some(said) if !plain.is_empty() && text.contains(&plain) => {
                text = text.replace(&plain, &said);
            }
            said => {
                let said = said.unwrap_or(plain);
                if !text.contains(&said) {
                    text.push_str(": ");
                    text.push_str(&said);
                }
            }
        }
        next = cause.source();
    }
    text
}
