//! Every variable of the environment that the runner reads: the one list from which the help, the manual, the
//! completions and `status` come. Not for the keys of sources, which are their bridges' business.

use crate::config::variable::{Privacy, Topic, Variable};

const fn open(
    topic: Topic,
    name: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Variable {
    Variable {
        name,
        topic,
        default,
        meaning,
        privacy: Privacy::Open,
    }
}

const fn hidden(
    privacy: Privacy,
    topic: Topic,
    name: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Variable {
    Variable {
        privacy,
        ..open(topic, name, default, meaning)
    }
}

/// Every variable, in the order of the help. Where a lower-case form is read as well it stands beside it.
pub const VARIABLES: &[Variable] = {
    use Privacy::{Address, Secret, Token};
    use Topic::{Gateway, Identity, Oversight, Sources, Watching, Work};
    &[
        open(
            Identity,
            "SEMILAYER_RUNNER_ID",
            "required",
            "Runner id, shown in the Console",
        ),
        hidden(
            Token,
            Identity,
            "SEMILAYER_RUNNER_TOKEN",
            "required",
            "Runner token, rk_..., shown once on create",
        ),
        open(
            Identity,
            "SEMILAYER_RUNNER_TOKEN_FILE",
            "",
            "Read the token from this file",
        ),
        open(
            Identity,
            "SEMILAYER_SECRETS_DIR",
            "",
            "Folder whose files are named like the variables they stand for",
        ),
        open(
            Identity,
            "CREDENTIALS_DIRECTORY",
            "",
            "The same; set by systemd for LoadCredential=",
        ),
        open(
            Identity,
            "SEMILAYER_RUNNER_VERSION",
            "0.1.0",
            "Version shown in the Console",
        ),
        hidden(
            Address,
            Gateway,
            "SEMILAYER_GATEWAY_URL",
            "wss://runner.semilayer.com/connect",
            "Gateway URL",
        ),
        open(
            Gateway,
            "SEMILAYER_TOKEN_PARAM",
            "token",
            "Name of the query parameter that carries the token",
        ),
        open(
            Gateway,
            "SEMILAYER_ID_PARAM",
            "runnerId",
            "Name of the one that carries the id; empty: not sent",
        ),
        open(
            Gateway,
            "SEMILAYER_TOKEN_HEADER",
            "off",
            "1: send the token as a bearer header as well",
        ),
        open(
            Gateway,
            "SEMILAYER_ALLOW_INSECURE",
            "off",
            "1: the token may travel unencrypted to a ws:// gateway elsewhere",
        ),
        hidden(
            Address,
            Gateway,
            "HTTPS_PROXY",
            "",
            "Proxy for the gateway: http, https, socks5 or socks5h://user:password@host:port",
        ),
        hidden(Address, Gateway, "https_proxy", "", "The same"),
        hidden(
            Address,
            Gateway,
            "ALL_PROXY",
            "",
            "The same, where HTTPS_PROXY is not set",
        ),
        hidden(Address, Gateway, "all_proxy", "", "The same"),
        open(
            Gateway,
            "NO_PROXY",
            "",
            "Hosts that are reached without the proxy",
        ),
        open(Gateway, "no_proxy", "", "The same"),
        open(
            Gateway,
            "NODE_EXTRA_CA_CERTS",
            "",
            "PEM file with further roots, for the gateway and for databases",
        ),
        open(Gateway, "SSL_CERT_FILE", "", "The same"),
        open(
            Gateway,
            "SEMILAYER_HEARTBEAT_MS",
            "25000",
            "Milliseconds between heartbeats",
        ),
        hidden(
            Secret,
            Sources,
            "SEMILAYER_SOURCE_<NAME>_<KEY>",
            "",
            "Runner-local source: _URL, or _HOST and _DATABASE, or _PATH",
        ),
        open(
            Sources,
            "SEMILAYER_SOURCE_<NAME>_<KEY>_FILE",
            "",
            "Read the value from this file",
        ),
        open(
            Oversight,
            "SEMILAYER_POLICY",
            "off",
            "JSON file that says what jobs may touch",
        ),
        open(
            Oversight,
            "SEMILAYER_AUDIT_LOG",
            "off",
            "Appends one JSON line a job to this file",
        ),
        open(
            Oversight,
            "SEMILAYER_AUDIT_ON_FAILURE",
            "refuse",
            "While the audit log cannot be written: refuse jobs, or continue",
        ),
        open(
            Oversight,
            "SEMILAYER_ALLOW_FILES",
            "anywhere",
            "Folders, with : between them, in which managed sources may name files; empty: nowhere",
        ),
        open(
            Oversight,
            "SEMILAYER_AUDIT",
            "",
            "strict: no job is answered before its line of the audit log is written",
        ),
        open(Work, "SEMILAYER_WORKERS", "16", "Worker threads"),
        open(
            Work,
            "SEMILAYER_QUEUE",
            "1024",
            "Jobs that may wait; more are refused with OVERLOADED",
        ),
        open(
            Work,
            "SEMILAYER_CHUNK_ROWS",
            "500",
            "Rows after which a result is cut into another frame",
        ),
        open(
            Work,
            "SEMILAYER_CHUNK_BYTES",
            "262144",
            "Bytes after which it is",
        ),
        open(
            Work,
            "SEMILAYER_MAX_ROW_BYTES",
            "33554432",
            "Largest row, in bytes of JSON text; a job with a larger one fails",
        ),
        open(
            Work,
            "SEMILAYER_SHUTDOWN_GRACE_MS",
            "10000",
            "How long running jobs may go on after SIGTERM or SIGINT",
        ),
        open(
            Watching,
            "SEMILAYER_LOG",
            "info",
            "Log level on standard error: off, error, warn, info, debug, trace; or by module: warn,gateway=debug",
        ),
        open(
            Watching,
            "RUST_LOG",
            "",
            "The same, where SEMILAYER_LOG is not set",
        ),
        open(
            Watching,
            "SEMILAYER_LOG_FORMAT",
            "text",
            "Form of the log: text, or json for one object a line",
        ),
        open(
            Watching,
            "SEMILAYER_STDOUT",
            "text",
            "Standard output: text as officially, json for one object a line, or off",
        ),
        open(
            Watching,
            "PORT",
            "off",
            "Health listener (/health, /ready, /metrics) on all addresses",
        ),
        open(
            Watching,
            "SEMILAYER_HEALTH_ADDR",
            "off",
            "The same on one address, such as 127.0.0.1:9464",
        ),
    ]
};
