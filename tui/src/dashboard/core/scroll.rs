// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a list of lines is looked at, when it is longer or wider than the screen.

use crate::text::escape::width;

/// Columns that one key moves sideways.
const STEP: usize = 16;

/// A place in lines that are counted from the newest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    /// Lines back from the newest.
    pub back: usize,
    /// Columns to the right.
    pub across: usize,
}

/// The columns that are passed after a key to the left or to the right, where
/// `room` columns of each of these lines are seen: never more than it takes to see
/// the end of the longest.
pub fn sideways<'a>(
    passed: usize,
    right: bool,
    room: usize,
    lines: impl Iterator<Item = &'a str>,
) -> usize {
    if !right {
        return passed.saturating_sub(STEP);
    }
    let longest = lines.map(width).max().unwrap_or(0);
    (passed + STEP).min(longest.saturating_sub(room)).max(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_to_the_end_of_the_longest_line_and_no_further() {
        let lines = ["x".repeat(50), "y".repeat(20)];
        let right = |passed| sideways(passed, true, 30, lines.iter().map(String::as_str));
        assert_eq!(right(0), 16);
        assert_eq!(right(16), 20);
        assert_eq!(right(20), 20);
        assert_eq!(sideways(20, false, 30, std::iter::empty()), 4);
        assert_eq!(sideways(4, false, 30, std::iter::empty()), 0);
    }

    #[test]
    fn when_the_long_line_is_gone_a_key_to_the_right_does_not_jump_back() {
        assert_eq!(sideways(20, true, 30, ["short"].into_iter()), 20);
    }
}
