// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be wrong with a description that reads well.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Component, Path};

use toml::Spanned;

use super::either::Step;
use super::model::{Spec, Test};
use super::step::Judging;

type Wrong = (Range<usize>, String);

/// The first mistake, and where it stands.
pub(super) fn check(spec: &Spec) -> Result<(), Wrong> {
    if spec.tests.is_empty() {
        return Err((0..0, "there is no test: write at least one [[test]]".into()));
    }
    for program in &spec.build.programs {
        if !is_word(program.name.get_ref()) {
            return wrong(&program.name, "a program's name is a word of letters, digits, - and _");
        }
        let source = Path::new(program.source.get_ref());
        let inside = source.components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || source.extension().is_none_or(|end| end != "c") {
            return wrong(&program.source, "a source is a C file by a relative path without `..`");
        }
    }
    let mut before: BTreeSet<&str> = BTreeSet::new();
    for test in &spec.tests {
        one(test, &before)?;
        before.insert(test.name());
    }
    Ok(())
}

fn one(test: &Test, before: &BTreeSet<&str>) -> Result<(), Wrong> {
    if !is_word(test.name()) {
        return wrong(&test.name, "a test's name is a word of letters, digits, - and _");
    }
    if before.contains(test.name()) {
        return wrong(&test.name, &format!("there is another test called {}", test.name()));
    }
    for needed in &test.needs {
        if !before.contains(needed.get_ref().as_str()) {
            let known: Vec<_> = before.iter().copied().collect();
            let known = if known.is_empty() { "none".into() } else { known.join(", ") };
            return wrong(
                needed,
                &format!(
                    "no test before this one is called {:?} (there is: {known})",
                    needed.get_ref()
                ),
            );
        }
    }
    if !(test.weight.is_finite() && test.weight >= 0.0) {
        return wrong(&test.name, &format!("the weight of {} must not be negative", test.name()));
    }
    if test.steps.get_ref().is_empty() {
        return wrong(&test.steps, "it does nothing: name at least one step");
    }
    let awarded: u32 = test.steps.get_ref().iter().map(awarded).sum();
    if awarded > test.points {
        return wrong(
            &test.steps,
            &format!("its steps award {awarded} points, and the test is worth {}", test.points),
        );
    }
    Ok(())
}

fn awarded(step: &Step<Judging>) -> u32 {
    if let Step::Own(Judging::Award(points)) = step { *points } else { 0 }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|one| one.is_ascii_alphanumeric() || "-_".contains(one))
}

fn wrong<T>(place: &Spanned<T>, why: &str) -> Result<(), Wrong> {
    Err((place.span(), why.into()))
}
