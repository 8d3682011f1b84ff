// SPDX-License-Identifier: MIT OR Apache-2.0
//! A line of text that is being typed.

use super::keys::{Key, KeyCode};

/// Text and where the cursor stands in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextField {
    text: String,
    cursor: usize,
}

impl TextField {
    /// A field that holds `text`, with the cursor behind it.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let cursor = text.len();
        Self { text, cursor }
    }

    /// What it holds.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The byte before which the cursor stands, always at a character's edge.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Holds `text` from now on.
    pub fn set(&mut self, text: impl Into<String>) {
        *self = Self::new(text);
    }

    /// Types `text`; line ends and other control characters are left out.
    pub fn insert(&mut self, text: &str) {
        for character in text.chars().filter(|character| !character.is_control()) {
            self.text.insert(self.cursor, character);
            self.cursor += character.len_utf8();
        }
    }

    /// Takes an editing key; `false` when it means nothing here.
    pub fn key(&mut self, key: Key) -> bool {
        if let Some(character) = key.character() {
            self.insert(character.encode_utf8(&mut [0; 4]));
            return true;
        }
        match (key.code, key.ctrl) {
            (KeyCode::Backspace, false) => {
                if self.cursor > 0 {
                    self.cursor = self.before();
                    self.text.remove(self.cursor);
                }
            }
            (KeyCode::Delete, false) => {
                if self.cursor < self.text.len() {
                    self.text.remove(self.cursor);
                }
            }
            (KeyCode::Left, false) => self.cursor = self.before(),
            (KeyCode::Right, false) => self.cursor = self.after(),
            (KeyCode::Home, false) | (KeyCode::Char('a'), true) => self.cursor = 0,
            (KeyCode::End, false) | (KeyCode::Char('e'), true) => self.cursor = self.text.len(),
            (KeyCode::Char('u'), true) => {
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            (KeyCode::Char('k'), true) => self.text.truncate(self.cursor),
            (KeyCode::Char('w'), true) => {
                let kept = self.text[..self.cursor].trim_end();
                let start = kept.rfind(' ').map_or(0, |space| space + 1);
                self.text.drain(start..self.cursor);
                self.cursor = start;
            }
            _ => return false,
        }
        true
    }

    fn before(&self) -> usize {
        let before = self.text[..self.cursor].chars().next_back();
        self.cursor - before.map_or(0, char::len_utf8)
    }

    fn after(&self) -> usize {
        let after = self.text[self.cursor..].chars().next();
        self.cursor + after.map_or(0, char::len_utf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &str) -> TextField {
        let mut field = TextField::default();
        for key in Key::parse_many(keys).unwrap() {
            assert!(field.key(key), "{key} is an editing key");
        }
        field
    }

    #[test]
    fn it_edits_in_the_middle_of_text_with_wide_characters() {
        assert_eq!(typed("né<left><backspace>m").text(), "mé");
        assert_eq!(typed("abc<home><delete>").text(), "bc");
        assert_eq!(typed("one two<ctrl-w>3").text(), "one 3");
        assert_eq!(typed("one<ctrl-u>x").text(), "x");
    }

    #[test]
    fn pasted_line_ends_are_left_out() {
        let mut field = TextField::default();
        field.insert("a\nb\u{1b}c");
        assert_eq!(field.text(), "abc");
    }
}
