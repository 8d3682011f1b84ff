// SPDX-License-Identifier: MIT OR Apache-2.0
//! A module's parameters in one line, as the kernel takes them.

/// The words of a parameter line as the kernel splits it: at spaces that are
/// not between quotes.
pub fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    line.split(move |character: char| {
        quoted ^= character == '"';
        character.is_ascii_whitespace() && !quoted
    })
    .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_spaces_in_quotes_is_one_word() {
        let found: Vec<&str> = words("  a=1 b=\"x  y\"\tc ").collect();
        assert_eq!(found, ["a=1", "b=\"x  y\"", "c"]);
    }
}
