// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long whoever writes a module waits: from a save until the new build runs, and
//! for the verdict of its unit tests. Prints figures and judges nothing. Run it with
//! `cargo bench --bench author`.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    reason = "a test says what it expected, and exports nothing"
)]

mod figures;

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use figures::{median, print};
use serde_json::Value;

const RINGSIDE: &str = env!("CARGO_BIN_EXE_ringside");
const ROUNDS: usize = 7;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (language, target) in [("Rust", 1.5), ("C", 1.0)] {
        let name = format!("bench_{}", language.to_lowercase());
        let module = Module::new(&folder, &name, language);
        let (watched, built) = module.saved();
        print(
            &format!("{language}: saved, built, loaded"),
            "s",
            watched.as_secs_f64(),
            "target",
            target,
        );
        let reference = built.as_secs_f64();
        print(
            &format!("{language}: the same, beside `ringside build` alone"),
            "s",
            watched.as_secs_f64(),
            "build",
            reference,
        );
        let tested = module.tested();
        print(
            &format!("{language}: `ringside test` of what is built, to the verdict"),
            "s",
            tested.as_secs_f64(),
            "target",
            2.0,
        );
    }
}

/// A new module in a place of its own.
struct Module {
    runtime: PathBuf,
    folder: PathBuf,
    source: PathBuf,
}

impl Module {
    fn new(at: &tempfile::TempDir, name: &str, language: &str) -> Self {
        let folder = at.path().join(name);
        let ending = if language == "C" { "c" } else { "rs" };
        let module = Self {
            runtime: at.path().to_owned(),
            source: folder.join(name).with_extension(ending),
            folder,
        };
        let mut command = module.ringside(&["new"]);
        command.arg(&module.folder);
        if language == "C" {
            command.arg("--c");
        }
        done(&mut command);
        module
    }

    fn ringside(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(RINGSIDE);
        command.args(arguments).env("XDG_RUNTIME_DIR", &self.runtime).stdin(Stdio::null());
        command
    }

    /// From a save to the new build that is loaded, and the build alone after such a
    /// save.
    fn saved(&self) -> (Duration, Duration) {
        let mut command = self.ringside(&["watch", "--json"]);
        command.arg(&self.folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut watching = command.stderr(Stdio::null()).spawn().expect("ringside starts");
        let mut events = Events::of(&mut watching);
        events.wait_for("loaded");
        let mut round = |number| {
            let start = Instant::now();
            self.edit(number);
            events.wait_for("loaded");
            start.elapsed()
        };
        let watched = median((0..ROUNDS).map(&mut round).collect());
        // Its lab ends with it.
        drop(watching.stdin.take());
        drop(watching.kill());
        drop(watching.wait());
        let build = |number| {
            self.edit(ROUNDS + number);
            let mut command = self.ringside(&["build"]);
            command.arg(&self.folder);
            done(&mut command)
        };
        (watched, median((0..ROUNDS).map(build).collect()))
    }

    fn tested(&self) -> Duration {
        let test = || {
            let mut command = self.ringside(&["test"]);
            command.arg(&self.folder);
            done(&mut command)
        };
        // The first builds, and saves the machine.
        test();
        median((0..3).map(|_| test()).collect())
    }

    /// A change of what the module logs, as an editor writes it.
    fn edit(&self, number: usize) {
        let text = fs::read_to_string(&self.source).expect("its source");
        let (before, rest) = text.split_once("a beat").expect("it logs that");
        let (_, after) = rest.split_once("every").expect("it logs that");
        let new = self.source.with_extension("tmp");
        let changed = format!("{before}a beat {number} every{after}");
        fs::write(&new, changed).expect("it can be written");
        fs::rename(&new, &self.source).expect("it can be renamed");
    }
}

/// Runs a command to its end, which is a success.
fn done(command: &mut Command) -> Duration {
    let start = Instant::now();
    let output = command.output().expect("ringside starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
    start.elapsed()
}

/// What `ringside watch --json` tells.
struct Events(Lines<BufReader<ChildStdout>>);

impl Events {
    fn of(child: &mut Child) -> Self {
        Self(BufReader::new(child.stdout.take().expect("it is piped")).lines())
    }

    fn wait_for(&mut self, event: &str) {
        for line in self.0.by_ref().map_while(Result::ok) {
            let value: Value = serde_json::from_str(&line).expect("a line of JSON");
            let name = value["event"].as_str().unwrap_or_default();
            assert!(!matches!(name, "not built" | "refused"), "{line}");
            if name == event {
                return;
            }
        }
        panic!("it ended before {event:?}");
    }
}
