// SPDX-License-Identifier: MIT OR Apache-2.0
//! The identifiers of C and Rust in a line of source.

/// Is all of `name` one identifier?
pub(super) fn is_word(name: &str) -> bool {
    name.chars().all(is_part)
}

/// The identifiers in a line, in their order.
pub(super) fn words(source: &str) -> Vec<&str> {
    source.split(|letter| !is_part(letter)).filter(|word| !word.is_empty()).collect()
}

fn is_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}
