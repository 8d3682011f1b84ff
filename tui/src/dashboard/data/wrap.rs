// SPDX-License-Identifier: MIT OR Apache-2.0
//! Breaking text into lines.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Breaks a paragraph between words so that no line is wider than `width`; a word
/// that is wider is broken inside.
pub fn wrap(paragraph: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in paragraph.split(' ') {
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        } else if !line.is_empty() {
            line.push(' ');
        }
        for character in word.chars() {
            let wider = character.width().unwrap_or(0);
            if !line.is_empty() && line.width() + wider > width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(character);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whole_where_they_fit() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn wide_characters_count_twice_and_one_that_is_too_wide_still_has_its_line() {
        assert_eq!(wrap("漢字", 3), ["漢", "字"]);
        assert_eq!(wrap("漢字", 1), ["漢", "字"]);
    }
}
