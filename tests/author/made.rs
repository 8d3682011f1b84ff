// SPDX-License-Identifier: MIT OR Apache-2.0
//! A module as `ringside new` makes it, in a folder of the test's own.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::surroundings::Surroundings;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A new module and where it lives.
pub struct Made {
    pub at: Surroundings,
    pub name: String,
    pub folder: PathBuf,
}

impl Made {
    /// In Rust, or with `--c` in C.
    pub fn new(name: &str, options: &[&str]) -> Self {
        let at = Surroundings::new();
        let folder = at.path().join(name);
        let mut arguments = vec!["new", folder.to_str().expect("UTF-8")];
        arguments.extend(options);
        at.ok(&arguments);
        Self { at, name: name.to_owned(), folder }
    }

    /// The folder, for a command line.
    pub fn path(&self) -> &str {
        self.folder.to_str().expect("UTF-8")
    }

    /// The one file with its source.
    pub fn source(&self) -> PathBuf {
        let rust = self.folder.join(format!("{}.rs", self.name));
        if rust.exists() { rust } else { rust.with_extension("c") }
    }

    /// Changes its source as an editor does that writes a new file and renames it.
    pub fn edit(&self, from: &str, to: &str) {
        let source = self.source();
        let text = fs::read_to_string(&source).expect("its source");
        assert!(text.contains(from), "{from:?} is not in it");
        let new = source.with_extension("tmp");
        fs::write(&new, text.replace(from, to)).expect("it can be written");
        fs::rename(&new, &source).expect("it can be renamed");
    }

    /// The value of a counter or control; `None` while the module is not loaded.
    pub fn value(&self, name: &str) -> Option<u64> {
        let said = self.at.run(&["counters", &self.name, "--json"]);
        let all: Value = serde_json::from_str(said.out.lines().next()?).ok()?;
        find(&all, name)
    }
}

/// The number that belongs to `name`, wherever it stands.
fn find(value: &Value, name: &str) -> Option<u64> {
    match value {
        Value::Object(fields) => {
            if fields.get("name").and_then(Value::as_str) == Some(name) {
                return number(&fields["value"]);
            }
            fields.iter().find_map(|(key, value)| match key == name {
                true => number(value).or_else(|| find(value, name)),
                false => find(value, name),
            })
        }
        Value::Array(items) => items.iter().find_map(|item| find(item, name)),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Waits until `condition` gives something.
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
