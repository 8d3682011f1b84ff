// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a run of tests has proved, kept in `tests/figures` when `RINGSIDE_FIGURES` asks
//! for it: `RINGSIDE_FIGURES=1` before the command. Only a test that has passed is recorded,
//! so no figure hides a report of the kernel's.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What begins a line that a test in a guest prints for its figure: key, count, words.
pub const LINE: &str = "figure:";

/// Where the results lie.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/figures")
}

/// Are figures asked for?
pub fn wanted() -> bool {
    std::env::var_os("RINGSIDE_FIGURES").is_some()
}

/// Keeps that this command, whose last part is `test`, has done so many of something.
pub fn record(key: &str, count: u64, words: &str, test: &str) {
    if !wanted() {
        return;
    }
    let variables = ["RINGSIDE_KERNEL", "RINGSIDE_STRESS", "RINGSIDE_FUZZ", "RINGSIDE_MUTANTS"];
    let set = variables.iter().filter_map(|name| Some((name, std::env::var(name).ok()?)));
    let set: String = set.map(|(name, value)| format!("{name}={value} ")).collect();
    let told = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let tree = folder();
    let git = |arguments: &[&str]| {
        let place = ["-C", tree.to_str().expect("a path in UTF-8")];
        told("git", &[&place, arguments].concat())
    };
    let mut result = toml::Table::new();
    let mut add = |name: &str, value: String| drop(result.insert(name.into(), value.into()));
    add("words", words.into());
    add("command", format!("{set}cargo test {test}"));
    add("date", told("date", &["-u", "+%F"]));
    add("commit", git(&["rev-parse", "--short=12", "HEAD"]));
    result.insert("count".into(), (count as i64).into());
    let path = tree.join(format!("{key}.toml"));
    let text = format!("# SPDX-License-Identifier: MIT OR Apache-2.0\n{result}");
    std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Keeps what a test that ran in a guest has printed for it.
pub fn record_lines(output: &str, test: &str) {
    let lines = output.lines().filter_map(|line| line.split_once(LINE));
    for (_, line) in lines {
        let mut parts = line.trim().splitn(3, ' ');
        let (Some(key), Some(count)) = (parts.next(), parts.next()) else { continue };
        let count = count.parse().expect("a figure is a number");
        record(key, count, parts.next().unwrap_or_default(), test);
    }
}
