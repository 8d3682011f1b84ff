// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command table: everything that can be done, once. Keys, the hint bar,
//! help, the palette and the key reference all come from it.

use super::{global, recordings};
use crate::dashboard::core::{About, Info};
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

/// Is there a command called `name`?
pub fn exists(name: &str) -> bool {
    let of_recordings = recordings::COMMANDS.iter().any(|info| info.name == name);
    of_recordings || all(&Views::all()).any(|entry| entry.info.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::dashboard::core::keys::Key;

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
        for info in recordings::COMMANDS {
            assert!(names.insert(info.name), "{} twice", info.name);
            assert!(info.keys.iter().all(|key| Key::parse(key).is_some()), "{}", info.name);
        }
    }

    #[test]
    fn the_keys_of_a_recording_leave_what_one_looks_around_with() {
        let looks = [
            "help",
            "palette",
            "back",
            "quit",
            "up",
            "down",
            "left",
            "right",
            "first",
            "last",
            "next-panel",
            "zoom",
            "copy",
            "shorter",
            "longer",
            "console",
            "command-log",
            "log-search",
            "log-next",
            "log-previous",
            "log-expand",
            "module-filter",
        ];
        let taken: BTreeSet<_> = recordings::COMMANDS.iter().flat_map(|info| info.keys).collect();
        assert_eq!(taken.len(), recordings::COMMANDS.len());
        for Entry { info, .. } in all(&Views::all()) {
            let free = info.keys.iter().all(|key| !taken.contains(key));
            let needed = looks.contains(&info.name) || info.keys == ["1"];
            assert!(free || !needed, "{}", info.name);
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
