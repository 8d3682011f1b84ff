// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command table: everything that can be done, once. Keys, the hint bar,
//! help, the palette and the key reference all come from it.

use super::global;
pub use crate::dashboard::core::command::{Command, always};

use crate::dashboard::core::keys::Key;
use crate::dashboard::core::model::Model;
use crate::dashboard::views;
use crate::dashboard::views::ViewId;

/// The commands that mean the same everywhere.
pub fn global() -> &'static [Command] {
    global::COMMANDS
}

/// Every command with the view it belongs to.
pub fn all() -> impl Iterator<Item = (Option<ViewId>, &'static Command)> {
    let of_views = ViewId::ALL.iter().flat_map(|id| {
        let commands = views::view(*id).commands;
        commands.iter().map(move |command| (Some(*id), command))
    });
    global().iter().map(|command| (None, command)).chain(of_views)
}

/// The commands that can be reached where the user is: the view's own first.
pub fn here(model: &Model) -> impl Iterator<Item = &'static Command> {
    let own = views::view(model.view).commands;
    own.iter().chain(global().iter())
}

/// The command called `name`.
pub fn find(name: &str) -> Option<(Option<ViewId>, &'static Command)> {
    all().find(|(_, command)| command.name == name)
}

/// The keys of a command: the user's own, or the default ones.
pub fn keys_of(model: &Model, command: &Command) -> Vec<Key> {
    match model.config.keys.get(command.name) {
        Some(keys) => keys.clone(),
        None => command.keys.iter().filter_map(|key| Key::parse(key)).collect(),
    }
}

/// The line of a command in help and docs: its keys as people read them.
pub fn keys_text(model: &Model, command: &Command) -> String {
    let keys = keys_of(model, command);
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The command that `key` means where the user is.
pub fn for_key(model: &Model, key: Key) -> Option<&'static Command> {
    here(model).find(|command| keys_of(model, command).contains(&key))
}

/// Does a command, or says why it can't be done. One of another view goes there first.
pub fn run(model: &mut Model, name: &str) {
    let Some((view, command)) = find(name) else {
        return;
    };
    if let Some(view) = view
        && view != model.view
    {
        model.show(view);
    }
    match (command.enabled)(model) {
        Ok(()) => {
            model.toasts.go_on();
            (command.run)(model);
        }
        Err(reason) => {
            let text = format!("{}: {reason}", command.title);
            model.toasts.refuse(command.name, text, model.now_ms);
            model.changed();
        }
    }
}

/// Takes the messages away that say of a command that it is impossible, once it is possible.
pub(crate) fn forget_refusals(model: &mut Model) {
    let possible = |name: &str| find(name).is_some_and(|(_, known)| (known.enabled)(model).is_ok());
    let outdated: Vec<_> = model.toasts.refused().filter(|name| possible(name)).collect();
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
        for (_, command) in all() {
            assert!(names.insert(command.name), "{} twice", command.name);
            assert!(!command.help.is_empty() && !command.help.ends_with('.'));
            for key in command.keys {
                assert!(Key::parse(key).is_some(), "{key} of {}", command.name);
            }
        }
    }

    #[test]
    fn no_key_means_two_things_in_one_view() {
        for id in ViewId::ALL {
            let mut keys = BTreeSet::new();
            for command in views::view(id).commands.iter().chain(global()) {
                for key in command.keys {
                    assert!(keys.insert(key), "{key} twice in {id:?}: {}", command.name);
                }
            }
        }
    }
}
