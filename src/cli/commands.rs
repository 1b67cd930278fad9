//! Every command and option: the one list by which arguments are read, unknown options are told, and from which
//! help, manual and completions are made.

use crate::config::Topic;

/// An option.
#[derive(Debug, PartialEq, Eq)]
pub struct Opt {
    /// With its dashes.
    pub name: &'static str,
    /// What stands for its value in the help; empty for a switch.
    pub value: &'static str,
    /// What it does, in a line.
    pub meaning: &'static str,
    /// The variable that says the same.
    pub variable: &'static str,
}

/// A command.
#[derive(Debug, PartialEq, Eq)]
pub struct Command {
    /// As it is typed.
    pub name: &'static str,
    /// Its arguments that are no options, as the help shows them.
    pub words: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What else there is to know, in lines.
    pub about: &'static str,
    /// Its options.
    pub options: &'static [Opt],
    /// The official commands ignore options that they do not know; ours refuse them.
    pub official: bool,
    /// The variables it reads.
    pub topics: &'static [Topic],
}

const fn switch(name: &'static str, meaning: &'static str) -> Opt {
    valued(name, "", meaning, "")
}

const fn valued(
    name: &'static str,
    value: &'static str,
    meaning: &'static str,
    variable: &'static str,
) -> Opt {
    Opt {
        name,
        value,
        meaning,
        variable,
    }
}

const ID: Opt = valued("--id", "ID", "Runner id or name", "SEMILAYER_RUNNER_ID");
const TOKEN: Opt = valued(
    "--token",
    "TOKEN",
    "Runner token, rk_...; a variable or a file is safer",
    "SEMILAYER_RUNNER_TOKEN",
);
const GATEWAY: Opt = valued("--gateway", "URL", "Gateway URL", "SEMILAYER_GATEWAY_URL");
const JSON: Opt = switch("--json", "Print JSON");

/// Taken by every command, because the official command line takes them.
pub const IDENTITY: [Opt; 3] = [ID, TOKEN, GATEWAY];

/// Understood wherever it stands.
pub const HELP: Opt = switch("--help", "Show the help of a command, or this text");
/// Understood alone.
pub const VERSION: Opt = switch(
    "--version",
    "Show the version, if given alone; with --verbose also what the binary is made of",
);

const CONFIGURED: &[Topic] = &[
    Topic::Identity,
    Topic::Gateway,
    Topic::Sources,
    Topic::Oversight,
    Topic::Work,
    Topic::Watching,
];

/// In the order of the help.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "start",
        words: "",
        summary: "Connect to the gateway and run jobs until stopped",
        about: "\
Reconnects for ever. SIGTERM or SIGINT lets running jobs end first; a second one ends the process at once.
SIGHUP reads the token's file and the policy again and opens the audit log again; SIGUSR1 logs one level more,
SIGUSR2 one less.
Exit codes: 0 after a signal, 2 when the configuration cannot work, 1 otherwise.",
        options: &[ID, TOKEN, GATEWAY],
        official: true,
        topics: CONFIGURED,
    },
    Command {
        name: "status",
        words: "",
        summary: "Show the configuration and what is wrong with it; uses no network",
        about: "\
The four official lines, then every variable that is set and where it comes from, secrets masked.
Exit codes: 0, or 2 when the configuration cannot work.",
        options: &[JSON, ID, TOKEN, GATEWAY],
        official: true,
        topics: CONFIGURED,
    },
    Command {
        name: "doctor",
        words: "",
        summary: "Look for what is wrong: settings, the way to the gateway, sources",
        about: "\
Walks the way to the gateway step by step and connects to every source of this environment. Sends no
credentials to the gateway unless --connect is given; then, if the token is not found, it tries the usual names.
Exit codes: 0 when all is well, 2 when the configuration cannot work, 1 when anything else does not.",
        options: &[
            switch("--connect", "Authenticate, too: a session, for a moment"),
            JSON,
            valued("--bundle", "FILE", "Write what support asks for to this file: nothing in it is secret", ""),
            valued("--log", "FILE", "A log whose last lines go into the bundle", ""),
            ID,
            TOKEN,
            GATEWAY,
        ],
        official: true,
        topics: CONFIGURED,
    },
    Command {
        name: "test-source",
        words: "[NAME...]",
        summary: "Connect to the sources of the environment, or to those named",
        about: "\
Sources are described by SEMILAYER_SOURCE_<NAME>_<KEY>. With --query it shows rows of a target, one JSON
object a line, exactly as the gateway would get them: the policy applies.
Exit codes: 0 when every source answers, 2 when the configuration cannot work, 1 otherwise.",
        options: &[
            valued("--query", "TARGET", "Target whose rows are shown", ""),
            valued("--limit", "N", "How many of them (10)", ""),
            JSON,
        ],
        official: false,
        topics: &[Topic::Sources, Topic::Oversight],
    },
    Command {
        name: "health",
        words: "",
        summary: "Ask the running process, exit 0 or 1",
        about: "\
Asks the listener of SEMILAYER_HEALTH_ADDR or PORT, for probes of an image without a shell.",
        options: &[switch("--ready", "Exit 0 only while connected to the gateway")],
        official: false,
        topics: &[Topic::Watching],
    },
    Command {
        name: "help",
        words: "[COMMAND|variables]",
        summary: "Show this text, the help of a command, or every variable",
        about: "",
        options: &[
            switch("--man", "Print the manual page"),
            valued("--completions", "SHELL", "Print the completions for bash, zsh or fish", ""),
        ],
        official: false,
        topics: &[],
    },
    Command {
        name: "version",
        words: "",
        summary: "Show the version and what the binary is made of",
        about: "",
        options: &[JSON],
        official: false,
        topics: &[],
    },
];

/// The command of this name.
pub fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::variables;

    #[test]
    fn options_name_variables_that_there_are() {
        for option in COMMANDS.iter().flat_map(|command| command.options) {
            let known = option.variable.is_empty() || variables::find(option.variable).is_some();
            assert!(known && option.name.starts_with("--"), "{option:?}");
        }
    }
}
