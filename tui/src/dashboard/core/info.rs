// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said of a command.

use std::borrow::Cow;

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
