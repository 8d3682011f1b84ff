// SPDX-License-Identifier: MIT OR Apache-2.0
//! Leaving the dashboard, and what becomes of the lab that was started for it.

use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::effect::Effect;
use crate::dashboard::core::layer::{Answer, Choice, Layer};
use crate::dashboard::core::model::Model;

/// The answers to the question what becomes of the lab.
const ANSWERS: &[Answer] = &[
    Answer {
        key: 'q',
        does: "quit: the lab ends, and all in it",
        run: |model| model.effect(Effect::Quit),
    },
    Answer {
        key: 'k',
        does: "keep the lab running; `ringside` returns to it",
        run: |model| {
            let tag = model.call(Owner::Nobody, "keep the lab running", Report::Shown, None);
            model.effect(Effect::Keep { tag });
        },
    },
];

/// Leaves; asks first where modules would go with the lab. Asked twice it leaves.
pub(crate) fn quit(model: &mut Model) {
    let asked = matches!(model.layers.last(), Some(Layer::Choice(_)));
    let lives = model.link.own_lab && !model.link.lab_gone && model.link.dead().is_none();
    let modules = model.modules.ready().map_or(&[][..], Vec::as_slice);
    let names: Vec<&str> = modules.iter().rev().map(|module| module.name.as_str()).collect();
    let loaded = match names.as_slice() {
        [one] => one.to_string(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
        [] => String::new(),
    };
    if asked || !lives || loaded.is_empty() {
        return model.effect(Effect::Quit);
    }
    let lab = model.link.lab.as_ref().map_or("", |lab| &lab.id);
    model.open(Layer::Choice(Choice {
        title: "Quit?".into(),
        text: format!(
            "This dashboard started lab {lab}, which ends with it.\nLoaded there: {loaded}."
        ),
        answers: ANSWERS,
        escape: "stay",
    }));
}
