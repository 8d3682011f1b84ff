// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text in XML.

/// Text as it may stand in XML 1.0, which knows no way to write control
/// characters.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                out.extend(letter.escape_default());
            }
            letter => out.push(letter),
        }
    }
    out
}
