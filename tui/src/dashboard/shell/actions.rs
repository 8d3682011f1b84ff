// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the commands that mean the same everywhere do.

use super::loader;
use crate::dashboard::core::effect::Effect;
use crate::dashboard::core::model::{Freeze, Model};
use crate::dashboard::data::counters::RANGES_MS;
use crate::dashboard::views;
use crate::dashboard::views::ViewId;

/// The module that `L`, `U` and `R` act on.
pub(crate) fn selected(model: &Model) -> Option<String> {
    (views::view(model.view).module)(model)
}

pub(crate) fn back(model: &mut Model) {
    // A message that goes by itself does not cost a key of its own.
    model.toasts.clear();
    if (views::view(model.view).escape)(model) {
        return;
    }
    if model.zoom {
        model.zoom = false;
    } else if model.freeze.is_some() {
        freeze(model);
    }
}

pub(crate) fn freeze(model: &mut Model) {
    let freeze = model.freeze.is_none();
    model.freeze = freeze.then(|| Freeze { since_ms: model.now_ms, log_end: model.log.end() });
    model.counters.freeze(freeze);
}

pub(crate) fn range(model: &mut Model, by: isize) {
    let last = RANGES_MS.len() - 1;
    model.range = model.range.saturating_add_signed(by).min(last);
    let seconds = model.range_ms() / 1000;
    model.note(match seconds {
        0..60 => format!("charts show {seconds} s"),
        60..3600 => format!("charts show {} min", seconds / 60),
        _ => format!("charts show {} h", seconds / 3600),
    });
}

pub(crate) fn copy(model: &mut Model) {
    if let Some(text) = (views::view(model.view).copy)(model) {
        model.effect(Effect::Copy(text));
        model.done("copied");
    }
}

pub(crate) fn load(model: &mut Model) {
    // In the list of loaded modules L asks which other one to load.
    let module = selected(model).filter(|_| model.view != ViewId::Modules);
    loader::load(model, module.as_deref());
}

pub(crate) fn cancel(model: &mut Model) {
    let last = model.calls.shown().filter(|(_, call)| call.cancelled.is_none()).last();
    if let Some((tag, _)) = last {
        model.cancel(tag);
    }
}

pub(crate) fn mouse(model: &mut Model) {
    model.config.mouse = !model.config.mouse;
    model.effect(Effect::Mouse(model.config.mouse));
    let text = if model.config.mouse { "captured" } else { "left to the terminal" };
    model.note(format!("the mouse is {text}"));
}
