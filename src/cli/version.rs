//! `--version` and `version`: the official line alone, or what a report about this binary should say.

use serde_json::{Value, json};

use crate::job::Package;
use crate::{bridges, limits};

/// The commit the binary was built from; `scripts/build-static.sh` sets it.
const COMMIT: Option<&str> = option_env!("SEMILAYER_BUILD_COMMIT");

/// The version, and nothing else.
pub fn short() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// The commit, if that is known.
pub fn commit() -> &'static str {
    COMMIT.unwrap_or("unknown")
}

/// Its bridges, which are features of the build, by their short names.
pub fn features() -> String {
    let names = bridges::capabilities().into_iter();
    names.map(Package::short_name).collect::<Vec<_>>().join(",")
}

fn platform() -> String {
    let libc = if cfg!(target_env = "musl") {
        "static musl"
    } else {
        "system libc"
    };
    format!(
        "{} {}, {libc}",
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

/// The version, and what this binary is made of.
pub fn verbose() -> String {
    [
        format!("semilayer-runner {}", short()),
        format!("commit:    {}", commit()),
        format!("platform:  {}", platform()),
        format!("protocol:  {}", limits::PROTOCOL_VERSION),
        format!("rust:      {} or newer", env!("CARGO_PKG_RUST_VERSION")),
        format!("bridges:   {}", bridges::capabilities().join(", ")),
    ]
    .join("\n")
}

/// The same for programs.
pub fn facts() -> Value {
    json!({
        "version": short(),
        "commit": commit(),
        "platform": platform(),
        "protocol": limits::PROTOCOL_VERSION,
        "bridges": bridges::capabilities(),
    })
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
            let short = Package::short_name(bridge);
            assert!(features().split(',').any(|name| name == short), "{bridge}");
        }
        assert_eq!(facts()["commit"], commit());
    }
}
