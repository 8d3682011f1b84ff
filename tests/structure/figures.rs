// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tests/FIGURES.md` says what the results in `tests/figures` say, and nothing else.
//! `RINGSIDE_FIGURES=1 cargo test --test structure figures` writes it again.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

#[path = "../figures/record.rs"]
#[allow(dead_code, unreachable_pub, reason = "a part of what is shared is used")]
mod record;

/// What there may be a result of, and what that counts; the command that gives it.
const KINDS: [(&str, &str, &str); 11] = [
    (
        "fuzz-guest-debug",
        "Calls of the modules, fuzzed with coverage on the debug kernel",
        "RINGSIDE_KERNEL=debug RINGSIDE_FUZZ=2000000 cargo test --test fuzz guest",
    ),
    (
        "fuzz-guest-lab",
        "Calls of the modules, fuzzed on the lab kernel",
        "RINGSIDE_FUZZ=2000000 cargo test --test fuzz guest",
    ),
    (
        "fuzz-host",
        "Inputs of the program, fuzzed: logs, frames, QEMU's words, ELF files, descriptions, keys",
        "RINGSIDE_FUZZ=1000000 cargo test --lib whatever",
    ),
    (
        "failing",
        "Allocations that failed on purpose in loads, calls and writes to sysfs",
        "RINGSIDE_KERNEL=debug RINGSIDE_STRESS=10 cargo test --test stress failing",
    ),
    (
        "stress-comings",
        "Modules loaded and unloaded while they are in use",
        "RINGSIDE_KERNEL=debug RINGSIDE_STRESS=60 cargo test --test stress comings",
    ),
    (
        "stress-memalloc",
        "Steps of memalloc held against a model",
        "RINGSIDE_KERNEL=debug RINGSIDE_STRESS=60 cargo test --test stress memalloc",
    ),
    (
        "stress-race",
        "Pages that several threads wanted at one address",
        "RINGSIDE_KERNEL=debug RINGSIDE_STRESS=60 cargo test --test stress memalloc",
    ),
    (
        "stress-kmod",
        "Bytes moved by kmod and held against a model of the disk",
        "RINGSIDE_KERNEL=debug RINGSIDE_STRESS=60 cargo test --test stress kmod",
    ),
    (
        "stress-producer-consumer",
        "Moments of producer_consumer that agreed with themselves",
        "RINGSIDE_KERNEL=debug RINGSIDE_STRESS=60 cargo test --test stress producer_consumer",
    ),
    (
        "stress-unplugging",
        "Times the stick was taken away, and nothing that was synced was lost",
        "RINGSIDE_KERNEL=debug RINGSIDE_STRESS=60 cargo test --test stress unplugging",
    ),
    (
        "mutants",
        "Faults put into the code on purpose that a named test caught",
        "RINGSIDE_MUTANTS=all cargo test --test mutants",
    ),
];

const HEAD: &str = "\
<!-- SPDX-License-Identifier: MIT OR Apache-2.0 -->
# Figures

What was tried against the modules and the program, and how much of it. Each line was
written by the command in it, run with `RINGSIDE_FIGURES=1`; a run that fails writes
none, and a report of the kernel's (KASAN, lockdep, a warning, a leak) makes it fail: so
every line stands for **0 reports and 0 mismatches**. `RINGSIDE_FIGURES=1 cargo test
--test structure figures` makes this file of them.

| what | how many | command | date | commit |
|---|---|---|---|---|
";

struct Result {
    count: i64,
    words: String,
    command: String,
    date: String,
    commit: String,
}

/// Those that were recorded, by key.
fn results() -> BTreeMap<String, Result> {
    let entries = fs::read_dir(record::folder()).expect("the folder is there").flatten();
    let paths = entries.map(|entry| entry.path());
    let results = paths.filter(|path| path.extension().is_some_and(|end| end == "toml"));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("it can be read");
        let table: toml::Table = text.parse().expect("it is TOML");
        let text = |name: &str| {
            let value = table.get(name).and_then(toml::Value::as_str);
            value.unwrap_or_else(|| panic!("{} has no {name}", path.display())).to_owned()
        };
        let count = table.get("count").and_then(toml::Value::as_integer);
        let result = Result {
            count: count.unwrap_or_else(|| panic!("{} has no count", path.display())),
            words: text("words"),
            command: text("command"),
            date: text("date"),
            commit: text("commit"),
        };
        let key = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        (key, result)
    };
    results.map(read).collect()
}

/// `1234567` as `1,234,567`.
fn grouped(count: i64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn page() -> String {
    let results = results();
    let mut page = HEAD.to_owned();
    let mut missing = String::new();
    let known = |key: &str, kind: &str| key == kind || key.starts_with(&format!("{kind}."));
    for key in results.keys() {
        assert!(
            KINDS.iter().any(|(kind, ..)| known(key, kind)),
            "{key} is no figure that is known"
        );
    }
    for (kind, what, command) in KINDS {
        let found: Vec<&Result> =
            results.iter().filter(|(key, _)| known(key, kind)).map(|(_, result)| result).collect();
        let Some(first) = found.first() else {
            let _ = writeln!(missing, "* {what}: `{command}`");
            continue;
        };
        let count: i64 = found.iter().map(|result| result.count).sum();
        let words = match (found.len(), first.words.as_str()) {
            (1, "") => String::new(),
            (1, words) => format!(" ({words})"),
            (several, _) => format!(" ({several} tests)"),
        };
        let Result { command, date, commit, .. } = first;
        let count = grouped(count);
        let _ = writeln!(page, "| {what} | {count}{words} | `{command}` | {date} | {commit} |");
    }
    if !missing.is_empty() {
        page.push_str("\nNot run, or not recorded:\n\n");
        page.push_str(&missing);
    }
    page
}

#[test]
fn the_figures_are_those_that_were_recorded() {
    let path = record::folder().join("../FIGURES.md");
    let page = page();
    if record::wanted() {
        fs::write(&path, &page).expect("it can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "write tests/FIGURES.md again: RINGSIDE_FIGURES=1 cargo test --test structure figures"
    );
}
