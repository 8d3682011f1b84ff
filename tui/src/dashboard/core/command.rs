// SPDX-License-Identifier: MIT OR Apache-2.0
//! One thing that can be done: an entry of a command table.

use std::borrow::Cow;

pub use super::info::Info;
use super::shared::Shared;

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
