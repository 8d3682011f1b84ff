// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the user can set in `config.toml`, with its defaults.

pub mod file;

use std::collections::BTreeMap;

use super::keys::Key;
pub use crate::dashboard::data::appearance::{ColorDepth, GlyphName, ThemeName};

/// The documented defaults: what `ringside` prints as a start for one's own file.
pub const DEFAULTS: &str = include_str!("../../../../../assets/config.toml");

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
    /// Do labs that are started mark their guests by themselves?
    pub auto_marks: bool,
    /// How many numbered marks a lab keeps, 1 to 1000.
    pub marks: u32,
    /// What all its marks may take on the disk, in MiB.
    pub marks_mib: u32,
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
            auto_marks: true,
            marks: 8,
            marks_mib: 4096,
            keys: BTreeMap::new(),
        }
    }
}
