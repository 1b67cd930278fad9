//! Sources as a gateway names them in `hello-ack` and in every job.

use serde_json::{Value, json};

use crate::secrets;

/// A source whose configuration travels with the job.
pub fn managed(id: &str, bridge: &str, config: Value) -> Value {
    secrets::keep_config(&config);
    json!({
        "id": id,
        "name": id,
        "bridge": format!("@semilayer/bridge-{bridge}"),
        "credentialsLocation": "managed",
        "config": config,
    })
}

/// A source whose configuration only the runner's environment knows.
pub fn runner_local(id: &str, name: &str, bridge: &str) -> Value {
    json!({
        "id": id,
        "name": name,
        "bridge": format!("@semilayer/bridge-{bridge}"),
        "credentialsLocation": "runner-local",
    })
}
