//! `--version`: the official line alone, or what a report about this binary should say.

use crate::{bridges, limits};

/// The commit the binary was built from; `scripts/build-static.sh` sets it.
const COMMIT: Option<&str> = option_env!("SEMILAYER_BUILD_COMMIT");

/// The version, and nothing else.
pub fn short() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// The version, and what this binary is made of.
pub fn verbose() -> String {
    let libc = if cfg!(target_env = "musl") {
        "static musl"
    } else {
        "system libc"
    };
    [
        format!("semilayer-runner {}", short()),
        format!("commit:    {}", COMMIT.unwrap_or("unknown")),
        format!(
            "platform:  {} {}, {libc}",
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
        format!("protocol:  {}", limits::PROTOCOL_VERSION),
        format!("rust:      {} or newer", env!("CARGO_PKG_RUST_VERSION")),
        format!("bridges:   {}", bridges::capabilities().join(", ")),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_form_names_what_is_inside() {
        let text = verbose();
        assert!(text.starts_with(&format!("semilayer-runner {}\ncommit:    ", short())));
        for bridge in bridges::capabilities() {
            assert!(text.contains(bridge), "{bridge}");
        }
    }
}
