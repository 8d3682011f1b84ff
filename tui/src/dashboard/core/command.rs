// SPDX-License-Identifier: MIT OR Apache-2.0
//! One thing that can be done: an entry of a command table.

use std::borrow::Cow;

use super::shared::Shared;

/// What is said of a command: keys, hints, help, the palette and the docs come from it.
#[derive(Clone, Debug)]
pub struct Info {
    /// How the palette and the config file call it: `module-load`.
    pub name: &'static str,
    /// Its default keys, as [`super::keys::Key::parse`] reads them; the first is shown.
    pub keys: &'static [&'static str],
    /// One or two words for the hint bar.
    pub title: &'static str,
    /// One line for help, the palette and the docs.
    pub help: Cow<'static, str>,
    /// Is it worth a place in the hint bar?
    pub hint: bool,
}

/// A command that acts on a `V`, mostly a view.
pub struct Command<V> {
    /// What is said of it.
    pub info: Info,
    /// `Err` with the reason when it can't be done now.
    pub enabled: fn(&V, &Shared) -> Result<(), String>,
    /// Does it.
    pub run: fn(&mut V, &mut Shared),
}

/// A command that is always possible and stands in the hint bar.
pub const fn command<V>(
    name: &'static str,
    keys: &'static [&'static str],
    title: &'static str,
    help: &'static str,
    run: fn(&mut V, &mut Shared),
) -> Command<V> {
    let info = Info { name, keys, title, help: Cow::Borrowed(help), hint: true };
    Command { info, enabled: |_, _| Ok(()), run }
}

impl<V> Command<V> {
    /// The same, possible only while `enabled` says so.
    #[must_use]
    pub const fn when(mut self, enabled: fn(&V, &Shared) -> Result<(), String>) -> Self {
        self.enabled = enabled;
        self
    }

    /// The same, not in the hint bar.
    #[must_use]
    pub const fn quiet(mut self) -> Self {
        self.info.hint = false;
        self
    }
}
