// SPDX-License-Identifier: MIT OR Apache-2.0
//! The text of the help: the keys of this place and of everywhere.

use unicode_width::UnicodeWidthStr;

use super::commands;
use super::model::Model;
use super::recordings;
use crate::dashboard::core::Info;
use crate::dashboard::data::wrap::wrap;

/// The widest that the help gets.
pub const WIDEST: u16 = 96;
/// Columns that the box around it takes: border and margin on both sides.
pub const BOX: (u16, u16) = (4, 2);
/// Columns for the keys, at least and at most.
const KEYS: (usize, usize) = (12, 24);

/// A line of the help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Heading(&'static str),
    /// Words about this place.
    Text(String),
    /// What keys do; the keys are empty where the text goes on.
    Key(String, String),
}

/// Columns that keys take in the help.
pub fn keys_width(model: &Model) -> usize {
    let widths = commands::here(model).map(|command| model.keymap.text(command.name).width());
    widths.max().unwrap_or(0).clamp(KEYS.0, KEYS.1) + 2
}

/// The lines of the help on this screen. Nothing in them is cut: what is too long
/// goes on in the next line.
pub fn lines(model: &Model) -> Vec<Line> {
    let view = model.views.current(&model.shared);
    let own = view.infos();
    let width = usize::from(model.size.0.saturating_sub(2).min(WIDEST).saturating_sub(BOX.0));
    let keys = keys_width(model);
    let key = |command: &Info| {
        let texts = wrap(&command.help, width.saturating_sub(keys));
        let mut pressed = wrap(&model.keymap.text(command.name), keys - 2);
        pressed.resize(pressed.len().max(texts.len()), String::new());
        let texts = texts.into_iter().chain(std::iter::repeat(String::new()));
        pressed.into_iter().zip(texts).map(|(keys, text)| Line::Key(keys, text)).collect::<Vec<_>>()
    };
    let text = |text: &str| wrap(text, width).into_iter().map(Line::Text).collect::<Vec<_>>();
    let mut lines = text(view.about().about);
    lines.extend(text(""));
    if !own.is_empty() {
        lines.push(Line::Heading("In this view"));
        lines.extend(own.into_iter().flat_map(key));
        lines.extend(text(""));
    }
    if model.link.recording {
        lines.push(Line::Heading("In a recording"));
        lines.extend(recordings::COMMANDS.iter().flat_map(key));
        lines.extend(text(""));
    }
    lines.push(Line::Heading("Everywhere"));
    let pressed = |command: &&Info| !model.keymap.of(command.name).is_empty();
    lines.extend(commands::global(&model.views).filter(pressed).flat_map(key));
    lines.extend(text(""));
    lines.extend(text(&model.fill("{palette} finds every command, those without a key too")));
    lines
}

/// How many lines can be seen at one time.
pub fn room(model: &Model) -> usize {
    // The box leaves the hints and one more row free.
    usize::from(model.size.1.saturating_sub(2 + BOX.1))
}

/// The lines that can be scrolled past.
pub fn last_top(model: &Model) -> usize {
    lines(model).len().saturating_sub(room(model))
}
