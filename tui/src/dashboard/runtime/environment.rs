// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the environment says: folders, colours, the locale.

use std::env;
use std::path::PathBuf;

use crate::dashboard::core::config::{ColorDepth, Config, GlyphName};
use crate::dashboard::paint::Look;

fn folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let set = env::var_os(variable).map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(below_home));
    set.filter(|path| path.is_absolute()).or_else(home)
}

/// Where the user's settings are: `$XDG_CONFIG_HOME/ringside/config.toml`.
pub fn config_path() -> Option<PathBuf> {
    Some(folder("XDG_CONFIG_HOME", ".config")?.join("ringside/config.toml"))
}

/// Where typed inputs are kept: `$XDG_STATE_HOME/ringside/inputs.toml`.
pub fn state_path() -> Option<PathBuf> {
    Some(folder("XDG_STATE_HOME", ".local/state")?.join("ringside/inputs.toml"))
}

fn says(variable: &str, words: &[&str]) -> bool {
    let value = env::var(variable).unwrap_or_default().to_lowercase();
    words.iter().any(|word| value.contains(word))
}

fn depth(config: &Config) -> ColorDepth {
    // https://no-color.org: any value but an empty one.
    if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return ColorDepth::None;
    }
    if config.colors != ColorDepth::Auto {
        return config.colors;
    }
    if says("COLORTERM", &["truecolor", "24bit"]) {
        ColorDepth::True
    } else if says("TERM", &["256color", "kitty", "alacritty", "direct"]) {
        ColorDepth::Indexed
    } else if env::var("TERM").is_ok_and(|term| term == "dumb" || term.starts_with("vt")) {
        ColorDepth::None
    } else {
        ColorDepth::Sixteen
    }
}

/// The Linux console: its font has few signs, its half-bright text is nearly black.
fn console() -> bool {
    env::var("TERM").is_ok_and(|term| term == "linux")
}

fn unicode(config: &Config) -> bool {
    match config.glyphs {
        GlyphName::Unicode => true,
        GlyphName::Ascii => false,
        GlyphName::Auto => {
            let set = |name: &&str| env::var(name).is_ok_and(|value| !value.is_empty());
            let decides = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find(|name| set(name));
            // The Linux console's font lacks most of what pictures are made of.
            !console() && decides.is_some_and(|name| says(name, &["utf-8", "utf8"]))
        }
    }
}

/// How everything looks on this terminal with these settings.
pub fn look(config: &Config) -> Look {
    let look = Look::new(config.theme, depth(config), unicode(config));
    if console() { look.without_dim() } else { look }
}
