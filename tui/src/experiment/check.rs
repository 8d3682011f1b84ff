// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be wrong with an experiment that reads well.

use std::collections::BTreeSet;
use std::ops::Range;

use super::fill::names;
use super::spec::{Ask, Experiment, Step, Telling, Turn};
use crate::grade::spec::Act;

type Wrong = (Range<usize>, String);

/// A panel has letters for no more choices.
const CHOICES: std::ops::RangeInclusive<usize> = 2..=5;

/// The first mistake, and where it stands.
pub(super) fn check(experiment: &Experiment) -> Result<(), Wrong> {
    if experiment.steps.is_empty() {
        return Err((0..0, "it does nothing: write at least one [[step]]".into()));
    }
    let mut kept = BTreeSet::new();
    let mut open: Option<Range<usize>> = None;
    for spanned in &experiment.steps {
        let span = spanned.span();
        let step = spanned.get_ref();
        one(step).map_err(|why| (span.clone(), why))?;
        for name in texts(step).into_iter().flat_map(names) {
            known(name, &kept).map_err(|why| (span.clone(), why))?;
        }
        match step {
            Step::Own(Telling::Keep(values)) => {
                for (name, value) in values {
                    known(value, &kept).map_err(|why| (span.clone(), why))?;
                    kept.insert(name.clone());
                }
            }
            Step::Own(Telling::Ask(_)) if open.is_some() => {
                let why = "no `say` behind the question before tells how the prediction went";
                return Err((span, why.into()));
            }
            Step::Own(Telling::Ask(_)) => open = Some(span),
            Step::Own(Telling::Say(_)) => open = None,
            _ => {}
        }
    }
    match open {
        Some(span) => Err((span, "no `say` behind it tells how the prediction went".into())),
        None => Ok(()),
    }
}

fn one(step: &Step) -> Result<(), String> {
    match step {
        Step::Own(own) => telling(own),
        Step::Act(act) => acting(act),
    }
}

fn telling(step: &Telling) -> Result<(), String> {
    match step {
        Telling::Say(text) if text.trim().is_empty() => Err("it says nothing".into()),
        Telling::Ask(ask) => question(ask),
        Telling::Turn(Turn { until, .. }) if until.is_empty() => {
            Err("nothing is waited for: name a value in `until`".into())
        }
        _ => Ok(()),
    }
}

fn acting(act: &Act) -> Result<(), String> {
    match act {
        Act::Set(set) if set.control.is_none() && set.parameter.is_none() => {
            Err("it names no control and no parameter".into())
        }
        Act::Run(run) if run.command.is_empty() => Err("it names no program".into()),
        _ => Ok(()),
    }
}

fn question(ask: &Ask) -> Result<(), String> {
    match (&ask.number, ask.choices.len()) {
        (Some(_), 0) => Ok(()),
        (Some(_), _) => Err("a question has choices or a number, and not both".into()),
        (None, count) if !CHOICES.contains(&count) => {
            Err(format!("a question has 2 to 5 choices, or a number; this one has {count} choices"))
        }
        (None, _) => match ask.choices.iter().filter(|choice| choice.right).count() {
            1 => Ok(()),
            0 => Err("none of its choices is `right`".into()),
            count => Err(format!("{count} of its choices are `right`: one is")),
        },
    }
}

/// Every text of a step that may hold names.
fn texts(step: &Step) -> Vec<&str> {
    let Step::Own(step) = step else { return Vec::new() };
    match step {
        Telling::Say(text) => vec![text],
        Telling::Ask(ask) => {
            let choices = ask.choices.iter().flat_map(|one| [one.text.as_str(), one.says.as_str()]);
            let number = ask.number.iter().flat_map(|one| [one.right.as_str(), one.wrong.as_str()]);
            std::iter::once(ask.question.as_str()).chain(choices).chain(number).collect()
        }
        Telling::Turn(turn) => vec![&turn.text],
        _ => Vec::new(),
    }
}

/// Can there be a value, or a command, of this name? Which there are, only the kernel
/// and the dashboard know.
fn known(name: &str, kept: &BTreeSet<String>) -> Result<(), String> {
    let is_word = |text: &str| {
        !text.is_empty()
            && text.chars().all(|one| one.is_ascii_alphanumeric() || "_-".contains(one))
    };
    let parts = name.split_once('/').or_else(|| name.split_once('.'));
    match parts {
        Some((of, what)) if is_word(of) && is_word(what) => Ok(()),
        // A command of the dashboard has a hyphen, or is one of those of everywhere.
        None if is_word(name) && (kept.contains(name) || !name.contains('_')) => Ok(()),
        _ => Err(format!(
            "{{{name}}} names nothing: write {{module/counter}}, {{view.fact}}, the name of a \
             command, or of a value that a `keep` before this step has kept"
        )),
    }
}
