// SPDX-License-Identifier: MIT OR Apache-2.0
//! One thing that can be done: an entry of the command table.

use super::model::Model;

/// One thing that can be done.
pub struct Command {
    /// How the palette and the config file call it: `module-load`.
    pub name: &'static str,
    /// Its default keys, as [`crate::dashboard::core::keys::Key::parse`] reads them; the first is shown.
    pub keys: &'static [&'static str],
    /// One or two words for the hint bar.
    pub title: &'static str,
    /// One line for help, the palette and the docs.
    pub help: &'static str,
    /// Is it worth a place in the hint bar?
    pub hint: bool,
    /// `Err` with the reason when it can't be done now.
    pub enabled: fn(&Model) -> Result<(), String>,
    /// Does it.
    pub run: fn(&mut Model),
}

/// Always possible.
pub fn always(_: &Model) -> Result<(), String> {
    Ok(())
}

/// A command that is always possible and stands in the hint bar.
pub const fn command(
    name: &'static str,
    keys: &'static [&'static str],
    title: &'static str,
    help: &'static str,
    run: fn(&mut Model),
) -> Command {
    Command { name, keys, title, help, hint: true, enabled: always, run }
}
