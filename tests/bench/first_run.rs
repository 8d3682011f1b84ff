// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a newcomer waits for: from nothing of Ringside's but its program to a lab that
//! runs, with bindgen, the kernel's sources and the kernel fetched and built, and the
//! distribution's packages as this machine has them. Prints figures and judges nothing.
//! It takes a quarter of an hour, so `cargo bench` alone leaves it out: run it with
//! `cargo bench --bench first_run`.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    dead_code,
    reason = "a benchmark says what it expected, exports nothing, and uses a part of what is shared"
)]

mod figures;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use figures::print;

const RINGSIDE: &str = env!("CARGO_BIN_EXE_ringside");
/// Where the time went, as set-up itself says it in the end.
const SUMMARY: &str = "It took ";

fn main() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (first, said) = up(place.path());
    // The program itself is there already: cargo built it.
    print("from an empty cache to a lab", "s", first.as_secs_f64(), "target", 360.0);
    println!("{}", said.lines().find(|line| line.starts_with(SUMMARY)).unwrap_or_default());
    let (again, _) = up(place.path());
    print(
        "a lab, the second time",
        "s",
        again.as_secs_f64(),
        "the first time",
        first.as_secs_f64(),
    );
}

/// Starts a lab and ends it; returns how long the start took, and what it said.
fn up(place: &Path) -> (Duration, String) {
    let run = |arguments: &[&str]| {
        let output = Command::new(RINGSIDE)
            .args(arguments)
            .env("RINGSIDE_CACHE", place.join("cache"))
            .env("XDG_RUNTIME_DIR", place)
            .env("RINGSIDE_YES", "1")
            .stdin(Stdio::null())
            .output()
            .expect("the program of this very build");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "ringside {}: {said}", arguments.join(" "));
        said
    };
    let start = Instant::now();
    let said = run(&["up"]);
    let took = start.elapsed();
    run(&["down"]);
    (took, said)
}
