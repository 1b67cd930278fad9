//! What shells complete: commands, their options, and the words that `help` takes.

use crate::cli::commands::{COMMANDS, Command, Opt};
use crate::cli::help::PROGRAM;

/// The shells.
pub const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// The script for a shell; `None` for one that is not known.
pub fn script(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash()),
        "zsh" => Some(zsh()),
        "fish" => Some(fish()),
        _ => None,
    }
}

fn bash() -> String {
    let mut cases = String::new();
    for command in COMMANDS {
        let mut words = names(command.options.iter().map(|option| option.name));
        if command.name == "help" {
            words = format!("{words} {} variables", commands());
        }
        cases.push_str(&format!(
            "    {}) words=\"{words} --help\" ;;\n",
            command.name
        ));
    }
    format!(
        "# bash completions for {PROGRAM}
_semilayer_runner() {{
    local words word=${{COMP_WORDS[COMP_CWORD]}}
    case ${{COMP_WORDS[COMP_CWORD-1]}} in
    {files}) COMPREPLY=($(compgen -f -- \"$word\")); return ;;
    --completions) COMPREPLY=($(compgen -W \"{shells}\" -- \"$word\")); return ;;
    esac
    case ${{COMP_WORDS[1]}} in
{cases}    *) words=\"{commands} --version --help\" ;;
    esac
    [ \"$COMP_CWORD\" -gt 1 ] || words=\"{commands} --version --help\"
    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))
}}
complete -F _semilayer_runner {PROGRAM}
",
        files = file_options().collect::<Vec<_>>().join(" | "),
        shells = SHELLS.join(" "),
        commands = commands(),
    )
}

fn zsh() -> String {
    let described =
        |command: &Command| format!("        '{}:{}'\n", command.name, quoted(command.summary));
    let list: String = COMMANDS.iter().map(described).collect();
    let mut cases = String::new();
    for command in COMMANDS {
        let mut specs: Vec<String> = command.options.iter().map(zsh_option).collect();
        match command.words {
            "" => {}
            _ if command.name == "help" => {
                specs.push(format!("'*:command:({} variables)'", commands()));
            }
            _ => specs.push("'*:source: '".to_owned()),
        }
        specs.push("'--help[Show the help of the command]'".to_owned());
        cases.push_str(&format!(
            "    {}) _arguments {} ;;\n",
            command.name,
            specs.join(" ")
        ));
    }
    format!(
        "#compdef {PROGRAM}
_semilayer_runner() {{
    local -a commands=(
{list}    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
{cases}    esac
}}
_semilayer_runner \"$@\"
"
    )
}

fn zsh_option(option: &Opt) -> String {
    let meaning = quoted(option.meaning);
    match option.value {
        "" => format!("'{}[{meaning}]'", option.name),
        "FILE" => format!("'{}=[{meaning}]:file:_files'", option.name),
        "SHELL" => format!("'{}=[{meaning}]:shell:({})'", option.name, SHELLS.join(" ")),
        value => format!("'{}=[{meaning}]:{value}: '", option.name),
    }
}

fn fish() -> String {
    let mut text = format!("# fish completions for {PROGRAM}\ncomplete -c {PROGRAM} -f\n");
    for command in COMMANDS {
        text.push_str(&format!(
            "complete -c {PROGRAM} -n __fish_use_subcommand -a {} -d '{}'\n",
            command.name,
            quoted(command.summary)
        ));
        let within = format!(
            "complete -c {PROGRAM} -n '__fish_seen_subcommand_from {}'",
            command.name
        );
        for option in command.options {
            let value = match option.value {
                "" => "",
                "FILE" => " -r -F",
                "SHELL" => " -x -a 'bash zsh fish'",
                _ => " -x",
            };
            text.push_str(&format!(
                "{within} -l {}{value} -d '{}'\n",
                option.name.trim_start_matches('-'),
                quoted(option.meaning)
            ));
        }
        if command.name == "help" {
            text.push_str(&format!("{within} -a '{} variables'\n", commands()));
        }
    }
    text
}

fn commands() -> String {
    names(COMMANDS.iter().map(|command| command.name))
}

fn names(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(" ")
}

fn file_options() -> impl Iterator<Item = &'static str> {
    let options = COMMANDS.iter().flat_map(|command| command.options);
    options
        .filter(|option| option.value == "FILE")
        .map(|option| option.name)
}

/// For between quotes; none of these characters is missed.
fn quoted(text: &str) -> String {
    text.replace(['\'', '[', ']', ':'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_every_command_and_option() {
        for shell in SHELLS {
            let script = script(shell).unwrap();
            for command in COMMANDS {
                assert!(script.contains(command.name), "{shell} {}", command.name);
                for option in command.options {
                    let name = option.name.trim_start_matches('-');
                    assert!(script.contains(name), "{shell} {name}");
                }
            }
        }
        assert_eq!(script("tcsh"), None);
    }
}
