// SPDX-License-Identifier: MIT OR Apache-2.0
//! What commands print: lines for people, JSON for programs.

use std::fmt::Write as _;
use std::io::Write;

use serde::Serialize;

use super::Failure;
use crate::text::escape::harmless;
use crate::text::escape::visible;

/// Prints a line or several for people, or with `as_json` the value as a line of JSON.
///
/// # Errors
/// Standard output can't be written.
pub(super) fn say(
    as_json: bool,
    line: &str,
    value: &(impl Serialize + ?Sized),
) -> Result<(), Failure> {
    if as_json {
        return print_json(value);
    }
    Ok(writeln!(std::io::stdout(), "{}", visible(line.trim_end_matches('\n')))?)
}

/// Prints the value as a line of JSON.
///
/// # Errors
/// Standard output can't be written.
pub(super) fn print_json(value: &(impl Serialize + ?Sized)) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout(), "{}", json(value)?)?)
}

/// The value as a line of JSON that a terminal shows as it is: what would move
/// the cursor, or turn the reading direction, is escaped beyond what JSON asks for.
///
/// # Errors
/// The value can't be JSON.
pub(super) fn json(value: &(impl Serialize + ?Sized)) -> Result<String, serde_json::Error> {
    Ok(escaped(&serde_json::to_string(value)?))
}

/// The same over several indented lines, for what is read by people, too.
///
/// # Errors
/// The value can't be JSON.
pub(super) fn pretty_json(value: &(impl Serialize + ?Sized)) -> Result<String, serde_json::Error> {
    Ok(escaped(&serde_json::to_string_pretty(value)?))
}

/// Only strings of JSON hold such characters, and there each may be escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if harmless(character) || character == '\n' {
            out.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string can't fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_no_character_that_steers_a_terminal() {
        let text = "a\u{9b}31m\u{7f}\u{202e}\u{e0001}\u{1b}\nGrüße";
        let printed = json(&text).unwrap();
        assert_eq!(printed, r#""a\u009b31m\u007f\u202e\udb40\udc01\u001b\nGrüße""#);
        assert_eq!(serde_json::from_str::<String>(&printed).unwrap(), text);
        assert_eq!(pretty_json(&["\u{9b}"]).unwrap(), "[\n  \"\\u009b\"\n]");
    }
}
