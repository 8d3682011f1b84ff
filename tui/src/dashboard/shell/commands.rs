// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carrying out commands.

use super::global;
use super::model::Model;
pub use super::table::{Entry, all, global};
use crate::dashboard::core::{Info, Key};

/// The commands that can be reached where the user is: the view's own first.
pub fn here(model: &Model) -> impl Iterator<Item = &Info> {
    let own = model.views.current(&model.shared).infos();
    own.into_iter().chain(global(&model.views))
}

/// The command that `key` means where the user is.
pub fn for_key(model: &Model, key: Key) -> Option<&'static str> {
    here(model).map(|info| info.name).find(|name| model.keymap.of(name).contains(&key))
}

/// `Err` with the reason when a command can't be done now.
pub fn enabled(model: &Model, name: &str) -> Result<(), String> {
    if let Some(command) = global::COMMANDS.iter().find(|command| command.info.name == name) {
        return (command.enabled)(&model.views, &model.shared);
    }
    model.views.iter().find_map(|view| view.enabled(&model.shared, name)).unwrap_or(Ok(()))
}

/// Does a command, or says why it can't be done. One of another view goes there first.
pub fn run(model: &mut Model, name: &str) {
    let Some(Entry { view, info }) = all(&model.views).find(|entry| entry.info.name == name) else {
        return;
    };
    let (name, title) = (info.name, info.title);
    if let Some(view) = view
        && view.id != model.view
    {
        model.show(view.id);
    }
    if let Err(reason) = enabled(model, name) {
        let now_ms = model.now_ms;
        model.toasts.refuse(name, format!("{title}: {reason}"), now_ms);
        return model.changed();
    }
    model.toasts.go_on();
    let Model { views, shared, .. } = model;
    if let Some(command) = global::COMMANDS.iter().find(|command| command.info.name == name) {
        (command.run)(views, shared);
    } else if view.is_some() {
        views.current_mut(shared).run(shared, name);
    } else {
        shared.show(name);
    }
}

/// Takes the messages away that say of a command that it is impossible, once it is possible.
pub(crate) fn forget_refusals(model: &mut Model) {
    let outdated: Vec<_> =
        model.toasts.refused().filter(|name| enabled(model, name).is_ok()).collect();
    if !outdated.is_empty() {
        model.toasts.allow(|name| outdated.contains(&name));
        model.changed();
    }
}
