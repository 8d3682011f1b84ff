// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sessions in the README, typed again: what each command prints must be
//! what stands below it there.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::surroundings::{Surroundings, on_terminal};

/// Ends the output of a command in the guest.
const MARK: &str = "@@ the next command @@";

/// A command and what is shown below it.
#[derive(Debug)]
struct Step {
    command: String,
    shown: Vec<String>,
}

/// What a reader types: on the host after `$`, in the guest after `#`.
fn sessions() -> (Vec<Step>, Vec<Step>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = std::fs::read_to_string(path).expect("the README is there");
    let (mut host, mut guest): (Vec<Step>, Vec<Step>) = (Vec::new(), Vec::new());
    let mut in_guest = false;
    // The author's loop is typed by a test of its own.
    let (_, text) = text.split_once("## The modules").expect("its heading");
    let blocks = text.split("```console\n").skip(1);
    for line in blocks.flat_map(|block| block.split("\n```").next().unwrap_or_default().lines()) {
        let command = |prompt| line.strip_prefix(prompt).map(str::to_owned);
        let shown = Vec::new();
        if let Some(command) = command("$ ") {
            in_guest = command == "ringside shell";
            host.push(Step { command, shown });
        } else if let Some(command) = command("# ") {
            assert!(in_guest, "{command}: there is no shell yet");
            guest.push(Step { command, shown });
        } else {
            let steps = if in_guest { &mut guest } else { &mut host };
            let last = steps.last_mut().expect("something was typed first");
            last.shown.push(line.to_owned());
        }
    }
    (host, guest)
}

/// A line without what differs each time: in lines of the log and lines about a
/// process, any number is as good as another.
fn comparable(line: &str) -> String {
    let line = line.trim_end();
    if !line.starts_with('[') && !line.contains("process") && !line.contains("pid") {
        return line.to_owned();
    }
    let mut text = String::new();
    let mut in_number = false;
    for character in line.chars() {
        let is_digit = character.is_ascii_digit();
        if !is_digit {
            text.push(character);
        } else if !in_number {
            text.push('0');
        }
        in_number = is_digit;
    }
    // A time is padded to its width.
    match text.strip_prefix('[') {
        Some(rest) => format!("[{}", rest.trim_start()),
        None => text,
    }
}

/// What a shell prints on a terminal, with our binary in front of its path.
fn shell(surroundings: &Surroundings, script: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_ringside"));
    let folder = binary.parent().expect("a program lies in a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).expect("no colon in a folder's name");
    let command = surroundings.command(&[]);
    let mut bash = Command::new("bash");
    bash.args(["-c", script]).env("PATH", path);
    for (name, value) in command.get_envs() {
        bash.env(name, value.unwrap_or_default());
    }
    on_terminal(&bash, "")
}

#[test]
fn the_sessions_of_the_readme_print_what_stands_there() {
    let (host, guest) = sessions();
    assert!(host.len() >= 3 && guest.len() >= 20, "{host:?} {guest:?}");
    let surroundings = Surroundings::new();
    let mut script = String::from("set -e\n");
    for step in &host {
        if step.command == "ringside shell" {
            // What is typed into it follows, on a terminal as for the reader.
            script.push_str("ringside shell -- bash -c \"$TYPED\"\n");
        } else {
            writeln!(script, "{} > /dev/null 2>&1", without_comment(&step.command))
                .expect("a string grows");
        }
    }
    let mut typed = String::new();
    for step in &guest {
        writeln!(typed, "{}\necho; echo '{MARK}'", step.command).expect("a string grows");
    }
    let script = format!("TYPED={}\n{script}", shlex::try_quote(&typed).expect("no NUL"));
    let said = shell(&surroundings, &script);
    let printed: Vec<&str> = said.split(MARK).collect();
    assert_eq!(printed.len(), guest.len() + 1, "{said}");
    let mut wrong = String::new();
    let mut as_it_is = String::new();
    for (step, printed) in guest.iter().zip(printed) {
        let printed: Vec<&str> = printed.trim_matches('\n').lines().collect();
        let shown: Vec<String> = step.shown.iter().map(|line| comparable(line)).collect();
        let seen: Vec<String> = printed.iter().map(|line| comparable(line)).collect();
        if shown != seen {
            writeln!(wrong, "{}: {shown:#?}, and it is {seen:#?}", step.command)
                .expect("a string grows");
        }
        writeln!(as_it_is, "# {}\n{}", step.command, printed.join("\n")).expect("a string grows");
    }
    assert!(wrong.is_empty(), "{wrong}\nthe whole:\n{as_it_is}");
}

/// `cd x     # why` as `cd x`.
fn without_comment(command: &str) -> &str {
    command.split("  #").next().unwrap_or(command)
}
