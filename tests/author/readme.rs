// SPDX-License-Identifier: MIT OR Apache-2.0
//! The author's loop as the README has it, typed again: what each command prints must
//! be what stands below it there.

use std::path::Path;
use std::process::Command;

use super::surroundings::Surroundings;

/// A command and what is shown below it.
#[derive(Debug)]
struct Step {
    command: String,
    shown: Vec<String>,
}

fn steps() -> Vec<Step> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = std::fs::read_to_string(path).expect("the README is there");
    let (_, text) = text.split_once("### The author's loop").expect("its heading");
    let (_, text) = text.split_once("```console\n").expect("what is typed");
    let (text, _) = text.split_once("\n```").expect("its end");
    let mut steps: Vec<Step> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => steps.push(Step { command: command.to_owned(), shown: Vec::new() }),
            None => {
                let last = steps.last_mut().expect("something was typed first");
                last.shown.push(line.to_owned());
            }
        }
    }
    steps
}

/// A line in which any number is as good as another, however wide it is.
fn comparable(line: &str) -> String {
    let mut text = String::new();
    for word in line.split_whitespace() {
        let number = word.trim_end_matches(',').parse::<f64>().is_ok();
        text.push_str(if number { "0" } else { word });
        text.push(' ');
    }
    text
}

#[test]
fn the_authors_loop_in_the_readme_prints_what_stands_there() {
    let steps = steps();
    assert!((10..16).contains(&steps.len()), "{steps:?}");
    let at = Surroundings::new();
    let binary = Path::new(env!("CARGO_BIN_EXE_ringside"));
    let folder = binary.parent().expect("a program lies in a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).expect("no colon in a folder's name");
    // Building the debug kernel takes a quarter of an hour.
    let debug = std::env::var("RINGSIDE_KERNEL").is_ok_and(|name| name == "debug");
    for step in steps {
        if step.command.starts_with("ringside test ") && !debug {
            continue;
        }
        // As the README's reader sees it, without the progress.
        let output = Command::new("bash")
            .args(["-c", &step.command])
            .current_dir(at.path())
            .env("PATH", &path)
            .env("XDG_RUNTIME_DIR", at.path())
            .output()
            .expect("bash starts");
        let out = String::from_utf8_lossy(&output.stdout);
        let printed: Vec<String> = out.lines().map(comparable).collect();
        let shown: Vec<String> = step.shown.iter().map(|line| comparable(line)).collect();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(printed, shown, "{}: {out}{complaint}", step.command);
    }
}
