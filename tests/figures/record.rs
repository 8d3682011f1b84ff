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
    let mut result = made_by(&format!("{set}cargo test {test}"));
    result.insert("words".into(), words.into());
    result.insert("count".into(), (count as i64).into());
    write(&folder().join(format!("{key}.toml")), &result);
}

/// The command, the day and the commit that a figure is of.
fn made_by(command: &str) -> toml::Table {
    let told = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let tree = folder();
    let tree = tree.to_str().expect("a path in UTF-8");
    let commit = told("git", &["-C", tree, "rev-parse", "--short=12", "HEAD"]);
    let date = told("date", &["-u", "+%F"]);
    let parts = [("command", command.to_owned()), ("date", date), ("commit", commit)];
    parts.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn write(path: &Path, result: &toml::Table) {
    let text = format!("# SPDX-License-Identifier: MIT OR Apache-2.0\n{result}");
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Keeps a figure of a benchmark, with what it was compared with in the same run. The
/// first of a run takes the place of all that an earlier one has kept.
pub fn record_speed(bench: &str, name: &str, unit: &str, figure: f64, reference: (&str, f64)) {
    if !wanted() {
        return;
    }
    let path = folder().join("speed").join(format!("{bench}.toml"));
    let run = i64::from(std::process::id());
    let known = std::fs::read_to_string(&path).ok().and_then(|text| text.parse().ok());
    let known = known.filter(|known: &toml::Table| known.get("run") == Some(&run.into()));
    let mut result = known.unwrap_or_else(|| made_by(&format!("cargo bench --bench {bench}")));
    result.insert("run".into(), run.into());
    let mut line = toml::Table::new();
    for (key, text) in [("name", name), ("unit", unit), ("reference", reference.0)] {
        line.insert(key.into(), text.into());
    }
    for (key, value) in [("figure", figure), ("value", reference.1)] {
        line.insert(key.into(), value.into());
    }
    let lines = result.entry("line").or_insert_with(|| toml::Value::Array(Vec::new()));
    lines.as_array_mut().expect("we made it").push(line.into());
    write(&path, &result);
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
