// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which keys mean which command: the command table's, or the user's own.

use std::collections::BTreeMap;

use super::info::Info;
use super::keys::Key;

/// The keys of every command, read once.
#[derive(Clone, Debug, Default)]
pub struct Keymap {
    keys: BTreeMap<&'static str, Vec<Key>>,
}

impl Keymap {
    /// The keys of these commands; `own` are the user's, by command name.
    pub fn new<'a>(
        commands: impl Iterator<Item = &'a Info>,
        own: &BTreeMap<String, Vec<Key>>,
    ) -> Self {
        let keys = commands.map(|command| {
            let table = || command.keys.iter().filter_map(|key| Key::parse(key)).collect();
            (command.name, own.get(command.name).cloned().unwrap_or_else(table))
        });
        Self { keys: keys.collect() }
    }

    /// The keys of a command; the first is the one to show.
    pub fn of(&self, command: &str) -> &[Key] {
        self.keys.get(command).map_or(&[], Vec::as_slice)
    }

    /// The keys of a command as help and docs write them.
    pub fn text(&self, command: &str) -> String {
        self.of(command).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    /// What to press for a command: its key, or its name in the palette.
    pub fn press(&self, command: &str) -> String {
        match self.of(command).first() {
            Some(key) => key.to_string(),
            None => format!(":{command}"),
        }
    }

    /// A text of ours with what to press in place of each command's name in braces:
    /// `{load} loads it`.
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, (name, after))) =
            rest.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)))
        {
            filled.push_str(before);
            filled.push_str(&self.press(name));
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::core::command::command;

    #[test]
    fn a_text_names_the_key_that_the_user_chose() {
        let load = command::<()>("load", &["L"], "Load", "load a module", |_, _| ());
        let cold = command::<()>("cold", &[], "Cold", "boot from nothing", |_, _| ());
        let infos = [load.info, cold.info];
        let text = "{load} loads it, {cold} boots";
        let standard = Keymap::new(infos.iter(), &BTreeMap::new());
        assert_eq!(standard.fill(text), "L loads it, :cold boots");
        let own = BTreeMap::from([("load".to_owned(), vec![Key::parse("ctrl-o").unwrap()])]);
        assert_eq!(Keymap::new(infos.iter(), &own).fill(text), "Ctrl-o loads it, :cold boots");
    }
}
