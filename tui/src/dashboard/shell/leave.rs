// SPDX-License-Identifier: MIT OR Apache-2.0
//! Leaving the dashboard, and what becomes of the lab that was started for it.

use crate::dashboard::core::layer::{Answer, Choice};
use crate::dashboard::core::{Effect, HostRequest, Layer, Owner, Report, Shared};

/// The answers to the question what becomes of the lab.
const ANSWERS: &[Answer<Shared>] = &[
    Answer {
        key: 'q',
        does: "quit: the lab ends, and all in it",
        run: |shared| shared.effect(Effect::Quit),
    },
    Answer {
        key: 'k',
        does: "keep the lab running; `ringside` returns to it",
        run: |shared| {
            let title = "keep the lab running";
            shared.ask_host(Owner::Keep, title, Report::Shown, HostRequest::Keep);
        },
    },
];

/// Leaves; asks first where modules would go with the lab. Asked twice it leaves.
pub(crate) fn quit(shared: &mut Shared) {
    let asked = matches!(shared.layers.last(), Some(Layer::Choice(_)));
    let lives = shared.link.own_lab && !shared.link.lab_gone && shared.link.dead().is_none();
    let modules = shared.modules.ready().map_or(&[][..], Vec::as_slice);
    let names: Vec<&str> = modules.iter().rev().map(|module| module.name.as_str()).collect();
    let loaded = match names.as_slice() {
        [one] => one.to_string(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
        [] => String::new(),
    };
    if asked || !lives || loaded.is_empty() {
        return shared.effect(Effect::Quit);
    }
    let lab = shared.link.lab.as_ref().map_or("", |lab| &lab.id);
    shared.open(Layer::Choice(Choice {
        title: "Quit?".into(),
        text: format!(
            "This dashboard started lab {lab}, which ends with it.\nLoaded there: {loaded}."
        ),
        answers: ANSWERS,
        escape: "stay",
    }));
}
