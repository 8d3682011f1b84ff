// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command table: everything that can be done, once. Keys, the hint bar,
//! help, the palette and the key reference all come from it.

use super::global;
use super::model::Model;
use crate::dashboard::core::command::Info;
use crate::dashboard::core::keys::Key;
use crate::dashboard::core::shared::About;
use crate::dashboard::views::Views;

/// A command and the view it belongs to.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// The view; `None`: it means the same everywhere.
    pub view: Option<&'static About>,
    /// What is said of it.
    pub info: &'a Info,
}

/// The commands that mean the same everywhere.
pub fn global(views: &Views) -> impl Iterator<Item = &Info> {
    views.go().iter().chain(global::COMMANDS.iter().map(|command| &command.info))
}

/// Every command.
pub fn all(views: &Views) -> impl Iterator<Item = Entry<'_>> {
    let of_views = views.iter().flat_map(|view| {
        let about = view.about();
        view.infos().into_iter().map(move |info| Entry { view: Some(about), info })
    });
    global(views).map(|info| Entry { view: None, info }).chain(of_views)
}

/// The commands that can be reached where the user is: the view's own first.
pub fn here(model: &Model) -> impl Iterator<Item = &Info> {
    let own = model.views.current(&model.shared).infos();
    own.into_iter().chain(global(&model.views))
}

/// Is there a command called `name`?
pub fn exists(name: &str) -> bool {
    all(&Views::all()).any(|entry| entry.info.name == name)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_has_a_name_of_its_own_and_readable_keys() {
        let mut names = BTreeSet::new();
        for Entry { info, .. } in all(&Views::all()) {
            assert!(names.insert(info.name), "{} twice", info.name);
            assert!(!info.help.is_empty() && !info.help.ends_with('.'));
            for key in info.keys {
                assert!(Key::parse(key).is_some(), "{key} of {}", info.name);
            }
        }
    }

    #[test]
    fn no_key_means_two_things_in_one_view() {
        let views = Views::all();
        for view in views.iter() {
            let mut keys = BTreeSet::new();
            for info in view.infos().into_iter().chain(global(&views)) {
                for key in info.keys {
                    let id = view.about().id;
                    assert!(keys.insert(key), "{key} twice in {id}: {}", info.name);
                }
            }
        }
    }
}
