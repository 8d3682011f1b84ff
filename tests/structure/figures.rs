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

const SPEED: &str = "
## Speed

Each line was measured by the command in it, run with `RINGSIDE_FIGURES=1` on two
processors without KVM, beside what it is compared with: a target, or something else that
was measured in the same run.

| what | figure | beside | command | date | commit |
|---|---|---|---|---|---|
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
    speed(&mut page);
    page
}

/// A line of a benchmark.
struct Line {
    name: String,
    unit: String,
    figure: f64,
    reference: String,
    value: f64,
}

impl Line {
    fn of(table: &toml::Value) -> Self {
        let text = |name: &str| {
            let text = table.get(name).and_then(toml::Value::as_str);
            text.unwrap_or_else(|| panic!("a line has no {name}: {table}")).to_owned()
        };
        let number = |name: &str| {
            let number = table.get(name).and_then(toml::Value::as_float);
            number.unwrap_or_else(|| panic!("a line has no {name}: {table}"))
        };
        Self {
            name: text("name"),
            unit: text("unit"),
            figure: number("figure"),
            reference: text("reference"),
            value: number("value"),
        }
    }

    /// Of a rate more is better, of anything else less.
    fn missed(&self) -> bool {
        let more = self.unit.ends_with("/s") || self.unit == "times";
        self.reference == "target"
            && if more { self.figure < self.value } else { self.figure > self.value }
    }
}

/// What benchmarks have measured, and why what missed its target did.
fn speed(page: &mut String) {
    let folder = record::folder().join("speed");
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    let read = |path: &PathBuf| -> toml::Table {
        let text = fs::read_to_string(path).expect("it can be read");
        text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let reasons = read(&record::folder().join("../bench/missed.toml"));
    page.push_str(SPEED);
    let mut missed = String::new();
    for table in files.iter().map(read) {
        let text = |name: &str| table[name].as_str().expect("a text").to_owned();
        let (command, date, commit) = (text("command"), text("date"), text("commit"));
        for line in table["line"].as_array().expect("lines").iter().map(Line::of) {
            let Line { name, unit, figure, reference, value } = &line;
            let (figure, value) = (rounded(*figure), rounded(*value));
            let _ = writeln!(
                page,
                "| {name} | {figure} {unit} | {reference} {value} | {}`{command}` | {date} | {commit} |",
                if line.missed() { "missed, " } else { "" },
            );
            if line.missed() {
                let why = reasons.get(name).and_then(toml::Value::as_str);
                let why = why.unwrap_or_else(|| {
                    panic!("{name} missed its target: say why in tests/bench/missed.toml")
                });
                let _ = writeln!(missed, "* **{name}**: {}", why.trim());
            }
        }
    }
    if !missed.is_empty() {
        page.push_str("\n## What missed its target, and why\n\n");
        page.push_str(&missed);
    }
}

/// With three digits that count.
fn rounded(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
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
