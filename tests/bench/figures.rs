// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a benchmark prints what it measured: the figure, what it is compared
//! with, and the ratio, from the same run.

use std::time::Duration;

#[path = "../figures/record.rs"]
#[allow(dead_code, reason = "a part of what is shared is used")]
mod record;

/// The median of some durations.
///
/// # Panics
/// When there are none.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Prints one line: `name  figure unit  (reference name: value unit, ratio …)`.
pub fn print(name: &str, unit: &str, figure: f64, reference: &str, value: f64) {
    let ratio = figure / value;
    println!(
        "{name:<58} {figure:>10.3} {unit:<6} {reference}: {value:.3} {unit}, ratio {ratio:.2}"
    );
    // Cargo calls the program `waits-6fb0a1…`.
    let program = std::env::current_exe().expect("this program has a path");
    let program = program.file_stem().map(|name| name.to_string_lossy().into_owned());
    let bench = program.as_deref().and_then(|name| Some(name.rsplit_once('-')?.0));
    let bench = bench.expect("a benchmark is called by its name and a hash");
    record::record_speed(bench, name.trim(), unit, figure, (reference, value));
}
