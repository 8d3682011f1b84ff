// SPDX-License-Identifier: MIT OR Apache-2.0
//! A program in the guest that writes numbered lines to the kernel log.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::runtime::ringside;

/// The program `tests/bench/kmsg_flood.c`, compiled.
pub struct Flooder {
    program: PathBuf,
    runtime: String,
}

impl Flooder {
    /// For the lab below this runtime folder.
    pub fn new(runtime: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let program = folder.join(format!("kmsg_flood-{}", std::process::id()));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/bench/kmsg_flood.c");
        let compiled = Command::new("cc")
            .args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&program)
            .arg(source)
            .status()
            .expect("cc is installed");
        assert!(compiled.success());
        Self { program, runtime: runtime.to_owned() }
    }

    /// Writes so many lines, this many a second (0: as fast as it goes);
    /// returns how many seconds that took.
    pub fn write(&self, lines: u64, rate: u64) -> f64 {
        let said = ringside(
            &self.runtime,
            &[
                "--lab",
                "1",
                "exec",
                "--",
                self.program.to_str().expect("a plain path"),
                &lines.to_string(),
                &rate.to_string(),
            ],
        );
        let mut words = said.split_whitespace().rev();
        let seconds = words.nth(1).and_then(|word| word.parse().ok());
        seconds.unwrap_or_else(|| panic!("it said {said:?}"))
    }

    /// The sequence number of the kernel's newest record.
    pub fn newest_sequence(&self) -> u64 {
        let said = ringside(&self.runtime, &["--lab", "1", "kmsg", "--json"]);
        let last = said.lines().last().expect("a kernel says something");
        let record: serde_json::Value = serde_json::from_str(last).expect("JSON");
        record["sequence"].as_u64().expect("a number")
    }
}

impl Drop for Flooder {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.program));
    }
}
