// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line as a whole: every command's help and options.

use super::*;

fn parse(words: &[&str]) -> Cli {
    let words = std::iter::once(&"ringside").chain(words);
    let matches = command().try_get_matches_from(words).unwrap();
    Cli::from_arg_matches(&matches).unwrap()
}

/// Every command that is shown, with those below it: `vm console`.
fn commands() -> Vec<(String, clap::Command)> {
    fn below(prefix: &str, command: &clap::Command, found: &mut Vec<(String, clap::Command)>) {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let name = format!("{prefix}{}", sub.get_name());
            below(&format!("{name} "), sub, found);
            found.push((name, sub.clone()));
        }
    }
    let mut whole = command();
    whole.build();
    let mut found = Vec::new();
    below("", &whole, &mut found);
    found
}

#[test]
fn the_command_line_is_consistent() {
    command().debug_assert();
}

#[test]
fn an_option_that_a_command_has_no_use_for_is_refused_and_not_shown() {
    let refused = |words: &[&str]| {
        let name = words.iter().find(|word| command().find_subcommand(word).is_some());
        refuse_useless(&parse(words).connection, name.copied())
    };
    for words in [&["--lab", "1", "up"][..], &["up", "--lab", "1"], &["down", "--local"]] {
        let failure = refused(words).unwrap_err();
        assert_eq!(failure.status(), 2, "{words:?}");
    }
    for words in [&["down", "--lab", "1"][..], &["info", "--local"], &["vm", "status"]] {
        assert_eq!(refused(words), Ok(()), "{words:?}");
    }
    // As is one of the dashboard's before another command.
    let failure = run(&parse(&["--workbench", "x", "labs"])).unwrap_err();
    assert_eq!(failure.status(), 2, "{failure}");
    assert_eq!(parse(&["vm", "status", "--lab", "1"]).connection.lab.as_deref(), Some("1"));
    let help = |name: &str| {
        let (_, mut command) = commands().into_iter().find(|(known, _)| known == name).unwrap();
        command.render_long_help().to_string()
    };
    assert!(!help("up").contains("--local") && !help("up").contains("--lab "));
    assert!(help("down").contains("--lab ") && !help("down").contains("--local"));
    assert!(help("vm console").contains("--lab ") && !help("vm console").contains("--local"));
    assert!(help("info").contains("--connect"));
}

#[test]
fn the_commands_without_a_kernel_are_commands() {
    for (name, _) in Command::WITHOUT {
        assert!(command().find_subcommand(name).is_some(), "{name}");
    }
}

#[test]
fn every_commands_help_has_examples() {
    for (name, mut command) in commands() {
        let help = command.render_long_help().to_string();
        let words = format!("ringside {name}");
        let is_example = |line: &str| line.starts_with("    ") && line.contains(&words);
        assert!(help.lines().any(is_example), "{name}:\n{help}");
    }
}

#[test]
fn every_command_that_prints_data_prints_it_as_json_when_asked() {
    // These pass a program's output through, draw, or print a script.
    let others =
        ["tour", "dashboard", "record", "exec", "gdb", "shell", "setup", "agent", "completions"];
    for (name, command) in commands().into_iter().filter(|(name, _)| !others.contains(&&**name)) {
        // A command of commands leaves it to them.
        if command.is_subcommand_required_set() {
            continue;
        }
        assert!(command.get_arguments().any(|one| one.get_id() == "json"), "{name}");
    }
}
