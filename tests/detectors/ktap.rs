// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel's unit tests write to its log: KTAP, of which two levels are
//! used here, suites and their cases.

use std::collections::BTreeMap;

/// How a case or a suite ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Skipped,
    Failed,
}

/// A suite that has begun.
#[derive(Debug, Default)]
pub struct Suite {
    /// Its cases, in their order.
    pub cases: Vec<(String, Outcome)>,
    /// How it ended as a whole, if it did.
    pub ended: Option<Outcome>,
}

/// The suites in a log.
pub fn suites(lines: &[String]) -> BTreeMap<String, Suite> {
    let mut suites: BTreeMap<String, Suite> = BTreeMap::new();
    let mut running = None;
    for line in lines {
        let inner = line.trim_start();
        if let Some(name) = inner.strip_prefix("# Subtest: ") {
            suites.entry(name.to_owned()).or_default();
            running = Some(name.to_owned());
        } else if let Some((name, outcome)) = result(inner) {
            let is_case = inner.len() < line.len();
            if !is_case {
                suites.entry(name).or_default().ended = Some(outcome);
                running = None;
            } else if let Some(suite) = running.as_ref().and_then(|name| suites.get_mut(name)) {
                suite.cases.push((name, outcome));
            }
        }
    }
    suites
}

/// `ok 3 name` or `not ok 3 name # SKIP why`.
fn result(line: &str) -> Option<(String, Outcome)> {
    let (good, rest) = match line.strip_prefix("not ") {
        Some(rest) => (false, rest),
        None => (true, line),
    };
    let (number, rest) = rest.strip_prefix("ok ")?.split_once(' ')?;
    number.parse::<u32>().ok()?;
    let name = rest.split(" #").next().unwrap_or(rest).trim();
    let outcome = match (good, rest.contains("# SKIP")) {
        (false, _) => Outcome::Failed,
        (true, true) => Outcome::Skipped,
        (true, false) => Outcome::Passed,
    };
    Some((name.to_owned(), outcome))
}
