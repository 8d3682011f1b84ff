// SPDX-License-Identifier: MIT OR Apache-2.0
//! Submissions made for a test, and what is said of them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::surroundings::{Said, Surroundings};

/// The checkout.
pub fn top() -> PathBuf {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    top.canonicalize().expect("the checkout is there")
}

/// A description of `assets/course/`.
pub fn course(name: &str) -> PathBuf {
    top().join("assets/course").join(format!("{name}.toml"))
}

/// Copies a folder and all in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("it is there").flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).expect("it is copied");
        }
    }
}

/// Our own modules, with the program that their student would hand in.
pub fn ours(at: &Surroundings) -> PathBuf {
    let folder = at.path().join("ours");
    copy(&top().join("modules"), &folder.join("modules"));
    copy(&top().join("uapi/src"), &folder.join("uapi/src"));
    fs::copy(top().join("tests/grade/syscall_test.c"), folder.join("modules/syscall_test.c"))
        .expect("it is copied");
    folder
}

/// One of those that are wrong on purpose.
pub fn wrong(at: &Surroundings, name: &str) -> PathBuf {
    let folder = at.path().join(name);
    copy(&top().join("tests/grade/wrong").join(name), &folder);
    fs::copy(top().join("tests/grade/syscall_test.c"), folder.join("syscall_test.c"))
        .expect("it is copied");
    folder
}

/// Judges, and returns the verdicts on each submission.
pub fn grade(
    at: &Surroundings,
    spec: &Path,
    submissions: &[&Path],
    more: &[&str],
) -> (Said, Value) {
    let mut command = at.command(&["grade", "--json", "--kernel", super::kernel()]);
    let output = command.args(more).arg(spec).args(submissions).output();
    let said = Said::from(output.expect("ringside starts"));
    let value = serde_json::from_str(&said.out)
        .unwrap_or_else(|error| panic!("{error}: {}{}", said.out, said.err));
    (said, value)
}

/// Each test with its outcome and points, to be compared.
pub fn outcomes(graded: &Value) -> Vec<(String, String, f64)> {
    let verdicts = graded["verdicts"].as_array().expect("verdicts");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let points = |value: &Value| value.as_f64().expect("a number");
    verdicts
        .iter()
        .map(|one| (text(&one["test"]), text(&one["outcome"]), points(&one["points"])))
        .collect()
}

/// Why a test failed, with what shows it.
pub fn reason(graded: &Value, test: &str) -> String {
    let verdicts = graded["verdicts"].as_array().expect("verdicts");
    let verdict = verdicts.iter().find(|one| one["test"] == test).expect("there is such a test");
    let lines = verdict["excerpt"].as_array().expect("lines");
    let lines: Vec<_> = lines.iter().map(|line| line.as_str().unwrap_or_default()).collect();
    format!("{}\n{}", verdict["reason"].as_str().unwrap_or_default(), lines.join("\n"))
}
