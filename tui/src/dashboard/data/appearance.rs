// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the user can choose of the looks.

use serde::Deserialize;

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
