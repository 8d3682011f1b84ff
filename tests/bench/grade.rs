// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long judging takes beyond what the builds cost. Prints figures and judges
//! nothing. Run it with `cargo bench --bench grade`; `RINGSIDE_GRADE_SHAPE=6` has six
//! submissions instead of thirty.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    dead_code,
    reason = "a test says what it expected, exports nothing, and uses a part of what is shared"
)]

mod figures;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use figures::print;
use serde_json::Value;

const RINGSIDE: &str = env!("CARGO_BIN_EXE_ringside");
/// Submissions.
const MANY: u32 = 30;
/// Seconds that thirty may take with eight tests each, on two cores.
const TARGET: f64 = 360.0;

fn main() {
    let many = std::env::var("RINGSIDE_GRADE_SHAPE").ok().and_then(|many| many.parse().ok());
    let many: u32 = many.unwrap_or(MANY);
    let at = tempfile::tempdir().expect("a temporary folder");
    let submissions: Vec<_> = (0..many).map(|number| submission(at.path(), number)).collect();
    // What is built once is kept, and all are the same: this is the build.
    judge(at.path(), &submissions[..1]);
    let (took, graded) = judge(at.path(), &submissions);
    let graded = graded.as_array().expect("verdicts");
    let verdicts = graded.iter().map(|one| one["verdicts"].as_array().expect("verdicts"));
    let verdicts: Vec<_> = verdicts.flatten().collect();
    let tests = verdicts.len() / graded.len();
    let inside: f64 = verdicts.iter().map(|one| one["seconds"].as_f64().expect("seconds")).sum();
    let share = f64::from(many) / f64::from(MANY);
    let name = format!("grade: {many} submissions with {tests} tests each");
    print(&name, "s", took.as_secs_f64(), "target", TARGET * share);
    let each = took.as_secs_f64() / verdicts.len() as f64;
    let inside = inside / verdicts.len() as f64;
    print("grade: each test, and how long its guest lives", "s", each, "guest", inside);
}

/// A folder with the benchmark's own producers and
/// consumers, under the name that the course judges.
fn submission(at: &Path, number: u32) -> PathBuf {
    let folder = at.join(format!("student-{number}"));
    fs::create_dir(&folder).expect("a folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/bench/pc_c/pc_c.c");
    fs::copy(source, folder.join("producer_consumer.c")).expect("it is copied");
    fs::write(folder.join("Kbuild"), "obj-m := producer_consumer.o\n").expect("a file");
    folder
}

fn judge(at: &Path, submissions: &[PathBuf]) -> (Duration, Value) {
    let spec = Path::new(env!("CARGO_MANIFEST_DIR"));
    let spec = spec.join("../assets/course/producer_consumer.toml");
    let start = Instant::now();
    let output = Command::new(RINGSIDE)
        .args(["grade", "--json"])
        .arg(spec)
        .args(submissions)
        .env("XDG_RUNTIME_DIR", at)
        .output()
        .expect("ringside starts");
    let took = start.elapsed();
    let graded = serde_json::from_slice(&output.stdout);
    (took, graded.unwrap_or_else(|error| panic!("{error}: {output:?}")))
}
