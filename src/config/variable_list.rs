//! Every variable of the environment that the runner reads: the one list from which the help, the manual, the
//! completions and `status` come. Not for the keys of sources, which are their bridges' business.

use crate::config::variable::{Privacy, Topic, Variable};

/// Declares them by topic: how much may be shown, name, default, meaning.
macro_rules! variables {
    ($($topic:ident { $($privacy:ident $name:literal = $default:literal: $meaning:literal,)+ })+) => {
        /// Every variable, in the order of the help. Where a lower-case form is read as well it stands beside it.
        pub const VARIABLES: &[Variable] = &[$($(
            Variable {
                name: $name,
                topic: Topic::$topic,
                default: $default,
                meaning: $meaning,
                privacy: Privacy::$privacy,
            },
        )+)+];
    };
}

variables! {
    Identity {
        Open "SEMILAYER_RUNNER_ID" = "required": "Runner id, shown in the Console",
        Token "SEMILAYER_RUNNER_TOKEN" = "required": "Runner token, rk_..., shown once on create",
        Open "SEMILAYER_RUNNER_TOKEN_FILE" = "": "Read the token from this file",
        Open "SEMILAYER_SECRETS_DIR" = "": "Folder whose files are named like the variables they stand for",
        Open "CREDENTIALS_DIRECTORY" = "": "The same; set by systemd for LoadCredential=",
        Open "SEMILAYER_RUNNER_VERSION" = "0.1.0": "Version shown in the Console",
    }
    Gateway {
        Address "SEMILAYER_GATEWAY_URL" = "wss://runner.semilayer.com/connect": "Gateway URL",
        Open "SEMILAYER_TOKEN_PARAM" = "token": "Name of the query parameter that carries the token",
        Open "SEMILAYER_ID_PARAM" = "runnerId": "Name of the one that carries the id; empty: not sent",
        Open "SEMILAYER_TOKEN_HEADER" = "off": "1: send the token as a bearer header as well",
        Open "SEMILAYER_ALLOW_INSECURE" = "off": "1: the token may travel unencrypted to a ws:// gateway elsewhere",
        Address "HTTPS_PROXY" = "": "Proxy for the gateway: http, https, socks5 or socks5h://user:password@host:port",
        Address "https_proxy" = "": "The same",
        Address "ALL_PROXY" = "": "The same, where HTTPS_PROXY is not set",
        Address "all_proxy" = "": "The same",
        Open "NO_PROXY" = "": "Hosts that are reached without the proxy",
        Open "no_proxy" = "": "The same",
        Open "NODE_EXTRA_CA_CERTS" = "": "PEM file with further roots, for the gateway and for databases",
        Open "SSL_CERT_FILE" = "": "The same",
        Open "SEMILAYER_HEARTBEAT_MS" = "25000": "Milliseconds between heartbeats",
    }
    Sources {
        Secret "SEMILAYER_SOURCE_<NAME>_<KEY>" = "": "Runner-local source: _URL, or _HOST and _DATABASE, or _PATH",
        Open "SEMILAYER_SOURCE_<NAME>_<KEY>_FILE" = "": "Read the value from this file",
    }
    Oversight {
        Open "SEMILAYER_POLICY" = "off": "JSON file that says what jobs may touch",
        Open "SEMILAYER_AUDIT_LOG" = "off": "Appends one JSON line a job to this file",
        Open "SEMILAYER_AUDIT_ON_FAILURE" = "refuse":
            "While the audit log cannot be written: refuse jobs, or continue",
        Open "SEMILAYER_ALLOW_FILES" = "anywhere":
            "Folders, with : between them, in which managed sources may name files; empty: nowhere",
        Open "SEMILAYER_AUDIT" = "": "strict: no job is answered before its line of the audit log is written",
    }
    Work {
        Open "SEMILAYER_WORKERS" = "16": "Worker threads",
        Open "SEMILAYER_QUEUE" = "1024": "Jobs that may wait; more are refused with OVERLOADED",
        Open "SEMILAYER_CHUNK_ROWS" = "500": "Rows after which a result is cut into another frame",
        Open "SEMILAYER_CHUNK_BYTES" = "262144": "Bytes after which it is",
        Open "SEMILAYER_MAX_ROW_BYTES" = "33554432":
            "Largest row, in bytes of JSON text; a job with a larger one fails",
        Open "SEMILAYER_SHUTDOWN_GRACE_MS" = "10000": "How long running jobs may go on after SIGTERM or SIGINT",
    }
    Watching {
        Open "SEMILAYER_LOG" = "info":
            "Log level on standard error: off, error, warn, info, debug, trace; or by module: warn,gateway=debug",
        Open "RUST_LOG" = "": "The same, where SEMILAYER_LOG is not set",
        Open "SEMILAYER_LOG_FORMAT" = "text": "Form of the log: text, or json for one object a line",
        Open "SEMILAYER_STDOUT" = "text": "Standard output: text as officially, json for one object a line, or off",
        Open "PORT" = "off": "Health listener (/health, /ready, /metrics) on all addresses",
        Open "SEMILAYER_HEALTH_ADDR" = "off": "The same on one address, such as 127.0.0.1:9464",
    }
}
