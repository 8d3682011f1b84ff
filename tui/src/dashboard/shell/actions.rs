// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the commands that mean the same everywhere do.

use crate::dashboard::core::loader;
use crate::dashboard::core::shared::Freeze;
use crate::dashboard::core::{Effect, Shared};
use crate::dashboard::data::counters::RANGES_MS;
use crate::dashboard::views::Views;

/// The module that the keys to load, unload and reload act on.
pub(crate) fn selected(views: &Views, shared: &Shared) -> Option<String> {
    views.current(shared).module(shared)
}

pub(crate) fn back(views: &mut Views, shared: &mut Shared) {
    // A message that goes by itself does not cost a key of its own.
    shared.toasts.clear();
    if views.current_mut(shared).escape(shared) {
        return;
    }
    if shared.zoom {
        shared.zoom = false;
    } else if shared.freeze.is_some() {
        freeze(shared);
    }
}

pub(crate) fn freeze(shared: &mut Shared) {
    let freeze = shared.freeze.is_none();
    shared.freeze = freeze.then(|| Freeze { since_ms: shared.now_ms, log_end: shared.log.end() });
    shared.counters.freeze(freeze);
}

pub(crate) fn range(shared: &mut Shared, by: isize) {
    let last = RANGES_MS.len() - 1;
    shared.range = shared.range.saturating_add_signed(by).min(last);
    let seconds = shared.range_ms() / 1000;
    shared.note(match seconds {
        0..60 => format!("charts show {seconds} s"),
        60..3600 => format!("charts show {} min", seconds / 60),
        _ => format!("charts show {} h", seconds / 3600),
    });
}

pub(crate) fn copy(views: &mut Views, shared: &mut Shared) {
    if let Some(text) = views.current(shared).copy(shared) {
        shared.effect(Effect::Copy(text));
        shared.done("copied");
    }
}

pub(crate) fn load(views: &mut Views, shared: &mut Shared) {
    // In the list of loaded modules the key asks which other one to load.
    let view = views.current(shared);
    let module = if view.lists_modules() { None } else { view.module(shared) };
    loader::load(shared, module.as_deref());
}

pub(crate) fn cancel(shared: &mut Shared) {
    let last = shared.calls.shown().filter(|(_, call)| call.cancelled.is_none()).last();
    if let Some((tag, _)) = last {
        shared.cancel(tag);
    }
}

pub(crate) fn mouse(shared: &mut Shared) {
    shared.config.mouse = !shared.config.mouse;
    shared.effect(Effect::Mouse(shared.config.mouse));
    let text = if shared.config.mouse { "captured" } else { "left to the terminal" };
    shared.note(format!("the mouse is {text}"));
}
