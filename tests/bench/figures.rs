// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a benchmark prints what it measured: the figure, what it is compared
//! with, and the ratio, from the same run.

use std::time::Duration;

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
}
