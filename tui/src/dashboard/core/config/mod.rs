// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the user can set in `config.toml`, with its defaults.

pub mod file;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::keys::Key;

/// The documented defaults: what `ringside` prints as a start for one's own file.
pub const DEFAULTS: &str = include_str!("../../../../../assets/config.toml");

/// Colours by role, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeName {
    /// For dark terminals.
    #[default]
    Dark,
    /// For light terminals.
    Light,
    /// Without colours.
    Mono,
}

/// Which characters pictures are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GlyphName {
    /// Unicode where the locale says UTF-8, else ASCII.
    #[default]
    Auto,
    /// Box drawing, blocks and braille.
    Unicode,
    /// ASCII only.
    Ascii,
}

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ColorDepth {
    /// As `NO_COLOR`, `COLORTERM` and `TERM` say.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// None.
    #[serde(rename = "none")]
    None,
    /// The terminal's own sixteen.
    #[serde(rename = "16")]
    Sixteen,
    /// The 256 of xterm.
    #[serde(rename = "256")]
    Indexed,
    /// All.
    #[serde(rename = "truecolor")]
    True,
}

/// The settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Colours.
    pub theme: ThemeName,
    /// Characters.
    pub glyphs: GlyphName,
    /// How many colours.
    pub colors: ColorDepth,
    /// Capture the mouse?
    pub mouse: bool,
    /// Milliseconds between samples of the counters, 20 to 60 000.
    pub sample_ms: u32,
    /// Records of the kernel log that are kept, 1000 to 10 000 000.
    pub log_records: usize,
    /// The user's own keys, by command name.
    pub keys: BTreeMap<String, Vec<Key>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            theme: ThemeName::Dark,
            glyphs: GlyphName::Auto,
            colors: ColorDepth::Auto,
            mouse: true,
            sample_ms: 100,
            log_records: 200_000,
            keys: BTreeMap::new(),
        }
    }
}
