// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys and how they are written: `j`, `G`, `ctrl-x`, `space`, `pageup`, `f1`.

use std::fmt;

pub use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::{KeyEvent, KeyModifiers};

/// A key with its modifiers; Shift is part of the character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: KeyCode,
    pub ctrl: bool,
    pub alt: bool,
}

const NAMED: &[(&str, KeyCode)] = &[
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
];

impl Key {
    /// A key without modifiers.
    pub const fn plain(code: KeyCode) -> Self {
        Self { code, ctrl: false, alt: false }
    }

    /// The key of a terminal event.
    pub fn from_event(event: KeyEvent) -> Self {
        Self {
            code: event.code,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
        }
    }

    /// Reads a key as it is written in the command table and in the config file.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut rest, mut ctrl, mut alt) = (text, false, false);
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-") {
                (rest, ctrl) = (after, true);
            } else if let Some(after) = rest.strip_prefix("alt-") {
                (rest, alt) = (after, true);
            } else {
                break;
            }
        }
        let named = NAMED.iter().find(|(name, _)| *name == rest);
        let mut characters = rest.chars();
        let code = match (named, characters.next(), characters.next()) {
            (Some((_, code)), ..) => *code,
            (None, Some(one), None) => KeyCode::Char(one),
            (None, Some('f'), Some(_)) => KeyCode::F(rest[1..].parse().ok()?),
            _ => return None,
        };
        Some(Self { code, ctrl, alt })
    }

    /// As [`Key::parse`] reads it; `None`: a key that means nothing here.
    pub fn written(self) -> Option<String> {
        let mut text = String::new();
        if self.ctrl {
            text.push_str("ctrl-");
        }
        if self.alt {
            text.push_str("alt-");
        }
        match (NAMED.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => text.push_str(name),
            (None, KeyCode::Char(character)) => text.push(character),
            (None, KeyCode::F(number)) => text.push_str(&format!("f{number}")),
            _ => return None,
        }
        Some(text)
    }

    /// Reads keys as tests write them: `jj<enter>:quit<esc>`.
    pub fn parse_many(text: &str) -> Option<Vec<Self>> {
        let mut keys = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            match (first, rest.find('>')) {
                ('<', Some(end)) if end > 1 => {
                    keys.push(Self::parse(&rest[1..end])?);
                    rest = &rest[end + 1..];
                }
                _ => {
                    keys.push(Self::plain(KeyCode::Char(first)));
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        Some(keys)
    }

    /// The character it types, if it types one.
    pub fn character(self) -> Option<char> {
        match self.code {
            KeyCode::Char(character) if !self.ctrl && !self.alt => Some(character),
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    /// As people read it: `Ctrl-x`, `Space`, `PgUp`, `↑` is left to the glyphs.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            out.write_str("Ctrl-")?;
        }
        if self.alt {
            out.write_str("Alt-")?;
        }
        match self.code {
            KeyCode::Char(' ') => out.write_str("Space"),
            KeyCode::Char(character) => write!(out, "{character}"),
            KeyCode::F(number) => write!(out, "F{number}"),
            KeyCode::PageUp => out.write_str("PgUp"),
            KeyCode::PageDown => out.write_str("PgDn"),
            KeyCode::BackTab => out.write_str("Shift-Tab"),
            code => match NAMED.iter().find(|(_, named)| *named == code) {
                Some((name, _)) => {
                    let mut characters = name.chars();
                    let first = characters.next().map(|first| first.to_ascii_uppercase());
                    write!(out, "{}{}", first.unwrap_or(' '), characters.as_str())
                }
                None => out.write_str("?"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        assert_eq!(Key::parse("G").unwrap().to_string(), "G");
        assert_eq!(Key::parse("ctrl-x").unwrap().to_string(), "Ctrl-x");
        assert_eq!(Key::parse("space").unwrap().to_string(), "Space");
        assert_eq!(Key::parse("f1").unwrap().to_string(), "F1");
        assert_eq!(Key::parse("f").unwrap().to_string(), "f");
        assert_eq!(Key::parse("nonsense"), None);
    }

    #[test]
    fn what_is_written_is_read_as_the_same_key() {
        let keys = ["G", "ctrl-x", "space", "f12", "f", "<", "ctrl-alt--", "alt-é", "backtab"];
        for key in keys.map(|key| Key::parse(key).unwrap()) {
            assert_eq!(Key::parse(&key.written().unwrap()), Some(key));
        }
        assert_eq!(Key::plain(KeyCode::CapsLock).written(), None);
    }

    #[test]
    fn a_row_of_keys_may_hold_named_ones() {
        let keys = Key::parse_many("j<enter><ctrl-l>").unwrap();
        assert_eq!(keys.len(), 3);
        assert_eq!(keys[1].code, KeyCode::Enter);
        assert!(keys[2].ctrl);
    }
}
