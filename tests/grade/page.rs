// SPDX-License-Identifier: MIT OR Apache-2.0
//! The teacher's page: its five commands, typed as they stand there.

use std::fs;
use std::process::{Command, Stdio};

use super::submissions::{copy, top, wrong};
use super::surroundings::{Said, Surroundings};

/// The commands of the page's first block.
fn commands() -> Vec<String> {
    let text = fs::read_to_string(top().join("assets/course/README.md")).expect("the page");
    let (_, rest) = text.split_once("```sh\n").expect("a block of commands");
    let (block, _) = rest.split_once("```").expect("its end");
    block.lines().map(str::to_owned).collect()
}

pub fn five_commands_lead_from_nothing_to_a_graded_folder() {
    let commands = commands();
    assert_eq!(commands.len(), 5);
    let at = Surroundings::new();
    copy(&top().join("assets/course"), &at.path().join("course"));
    let alice = wrong(&at, "says_something_else");
    let handed_in = at.path().join("handed-in");
    fs::create_dir(&handed_in).expect("a folder");
    let tar = Command::new("tar")
        .arg("-czf")
        .arg(handed_in.join("alice.tar.gz"))
        .arg("-C")
        .arg(&alice)
        .arg(".")
        .status();
    assert!(tar.expect("tar starts").success());
    let ringside = std::path::Path::new(env!("CARGO_BIN_EXE_ringside"));
    let mut path = vec![ringside.parent().expect("a folder").to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").expect("a PATH")));
    let mut last = String::new();
    for command in commands {
        let output = Command::new("sh")
            .args(["-c", &command])
            .current_dir(at.path())
            .env("PATH", std::env::join_paths(&path).expect("a PATH"))
            .env("XDG_RUNTIME_DIR", at.path())
            .stdin(Stdio::null())
            .output();
        let said = Said::from(output.expect("sh starts"));
        // Not all points were reached, and the status says so.
        let status = i32::from(command.contains("handed-in"));
        assert_eq!(said.status, status, "{command}: {}{}", said.out, said.err);
        last = said.out;
    }
    assert!(last.contains("alice,8,15,2,0,0,1,2,3"), "{last}");
    assert!(last.contains("# A module that greets") && last.contains("Hi, this is"), "{last}");
}
