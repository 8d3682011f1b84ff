// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text from the kernel made harmless: it can't move the cursor, change
//! colours or turn the reading direction.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Does the character do nothing to a terminal but stand there?
pub fn harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{61c}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with every control, direction and invisible character spelled
/// out: `\x1b`, `\n`, `\u{202e}`. A tab becomes a space.
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\t' => out.push(' '),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            _ if harmless(character) => out.push(character),
            _ if u32::from(character) < 0x100 => {
                out.push_str(&format!("\\x{:02x}", u32::from(character)));
            }
            _ => out.push_str(&format!("\\u{{{:x}}}", u32::from(character))),
        }
    }
    Cow::Owned(out)
}

/// Text that may come from a kernel or another machine, without what would
/// move the cursor, change colours or turn the reading direction, for a
/// terminal that lines are printed on: line ends and tabs stay.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(character),
            other if harmless(other) => shown.push(other),
            other => shown.extend(other.escape_default()),
        }
    }
    shown
}

/// Columns of the text once it is escaped.
pub fn width(text: &str) -> usize {
    escape(text).width()
}

/// Where the text goes on after so many columns of what it is once escaped; half
/// of a wide character is no column.
pub fn after_columns(text: &str, columns: usize) -> usize {
    let mut passed = 0;
    for (index, character) in text.char_indices() {
        if passed >= columns {
            return index;
        }
        passed += match character {
            '\t' => 1,
            _ if harmless(character) => character.width().unwrap_or(0),
            _ => escape(character.encode_utf8(&mut [0; 4])).width(),
        };
    }
    text.len()
}

/// The text in ASCII, for terminals that show nothing else: what has a likeness
/// gets it, the rest is spelled out.
pub fn to_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{20}'..='\u{7e}' => out.push(character),
            '…' => out.push_str("..."),
            '×' => out.push('x'),
            '–' | '—' => out.push('-'),
            '·' => out.push('-'),
            'µ' => out.push('u'),
            '≤' => out.push_str("<="),
            '≥' => out.push_str(">="),
            '↑' => out.push('^'),
            '↓' => out.push('v'),
            '←' => out.push_str("<-"),
            '→' => out.push_str("->"),
            _ => out.push_str(&format!("\\u{{{:x}}}", u32::from(character))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_kernel_cannot_steer_the_terminal() {
        assert_eq!(
            visible("a\u{1b}[31mb\u{9b}c\r\n\td\u{7f}\u{202e}"),
            "a\\u{1b}[31mb\\u{9b}c\\r\n\td\\u{7f}\\u{202e}"
        );
    }

    #[test]
    fn escape_sequences_become_visible_text() {
        assert_eq!(escape("a\x1b[31mb"), "a\\x1b[31mb");
        assert_eq!(escape("a\tb\nc"), "a b\\nc");
        assert_eq!(escape("\u{9b}0m"), "\\x9b0m");
    }

    #[test]
    fn direction_changes_and_invisible_characters_become_visible() {
        assert_eq!(escape("\u{202e}evil"), "\\u{202e}evil");
        assert_eq!(escape("a\u{200b}b"), "a\\u{200b}b");
    }

    #[test]
    fn columns_are_those_of_the_escaped_text() {
        assert_eq!(width("a\u{1b}b"), 6);
        assert_eq!(after_columns("a\u{1b}b", 2), 2);
        assert_eq!(after_columns("漢字x", 3), 6);
        assert_eq!(after_columns("abc", 0), 0);
        assert_eq!(after_columns("abc", 9), 3);
    }

    #[test]
    fn plain_text_is_not_copied() {
        assert!(matches!(escape("Grüße 漢字"), Cow::Borrowed(_)));
    }
}
