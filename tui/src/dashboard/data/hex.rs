// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes as people read them: rows of hex and text, and where two stretches differ.

use std::ops::Range;

pub use crate::text::amount::amount as size_text;
pub use crate::text::bytes::{HexError, parse_bytes, parse_offset};

/// How a byte looks among text: itself if it is printable ASCII, else a dot.
pub fn text_of(byte: u8) -> char {
    match byte {
        0x20..=0x7e => char::from(byte),
        _ => '.',
    }
}

/// What a byte is, so that hex can be coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteKind {
    /// 0.
    Zero,
    /// Printable ASCII.
    Text,
    /// Space, tab, line end.
    Space,
    /// Another control character.
    Control,
    /// 0x80 and above.
    High,
}

impl ByteKind {
    /// The kind of a byte.
    pub fn of(byte: u8) -> Self {
        match byte {
            0 => Self::Zero,
            b' ' | b'\t' | b'\n' | b'\r' => Self::Space,
            0x21..=0x7e => Self::Text,
            0x80.. => Self::High,
            _ => Self::Control,
        }
    }
}

pub fn digits(byte: u8) -> [char; 2] {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('?');
    [digit(byte >> 4), digit(byte & 15)]
}

/// How many bytes a row of `width` columns can hold beside an offset of
/// `offset_digits`: the largest power of two from 4 to 64 that fits, 4 at least.
pub fn bytes_per_row(width: usize, offset_digits: usize) -> usize {
    let fits = |count: usize| row_width(count, offset_digits) <= width;
    [64, 32, 16, 8].into_iter().find(|count| fits(*count)).unwrap_or(4)
}

/// The columns that a row of `count` bytes takes: offset, two spaces, two
/// digits and a space for each byte, one space more after each eight, the text.
pub fn row_width(count: usize, offset_digits: usize) -> usize {
    offset_digits + 2 + count * 3 + count.div_ceil(8) + count
}

/// The digits that the offsets of a device of `size` bytes need, 8 at least.
pub fn offset_digits(size: u64) -> usize {
    let needed = (64 - size.saturating_sub(1).leading_zeros()).div_ceil(4) as usize;
    needed.max(8)
}

/// Where two stretches that begin at the same place differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// The differing runs, as ranges of positions in the stretches, in order.
    pub runs: Vec<Range<usize>>,
    /// How many bytes differ; what one stretch lacks counts too.
    pub bytes: usize,
}

impl Differences {
    /// Compares two stretches; where one is shorter, the rest differs.
    pub fn between(one: &[u8], other: &[u8]) -> Self {
        let longer = one.len().max(other.len());
        let mut differences = Self::default();
        let mut start = None;
        for at in 0..=longer {
            let differs = at < longer && one.get(at) != other.get(at);
            match (differs, start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    differences.bytes += at - from;
                    differences.runs.push(from..at);
                    start = None;
                }
                _ => {}
            }
        }
        differences
    }

    /// Does the byte at this position differ?
    pub fn contains(&self, position: usize) -> bool {
        let after = self.runs.partition_point(|run| run.end <= position);
        self.runs.get(after).is_some_and(|run| run.contains(&position))
    }

    /// Are the stretches the same?
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_as_many_bytes_as_fit() {
        assert_eq!(bytes_per_row(80, 8), 16);
        assert_eq!(bytes_per_row(78, 8), 16);
        assert_eq!(bytes_per_row(200, 8), 32);
        assert_eq!(bytes_per_row(50, 8), 8);
        assert_eq!(bytes_per_row(10, 8), 4);
        assert!(row_width(16, 8) <= 78);
    }

    #[test]
    fn offsets_have_as_many_digits_as_the_device_needs() {
        assert_eq!(offset_digits(0), 8);
        assert_eq!(offset_digits(64 << 20), 8);
        assert_eq!(offset_digits(1 << 32), 8);
        assert_eq!(offset_digits((1 << 32) + 1), 9);
        assert_eq!(offset_digits(u64::MAX), 16);
    }

    #[test]
    fn differing_runs_are_found_and_a_missing_tail_differs() {
        let differences = Differences::between(b"abcdef", b"aXXdeY");
        assert_eq!(differences.runs, [1..3, 5..6]);
        assert_eq!(differences.bytes, 3);
        assert!(differences.contains(2) && !differences.contains(3) && differences.contains(5));
        assert!(Differences::between(b"same", b"same").is_empty());
        assert_eq!(Differences::between(b"ab", b"abcd").bytes, 2);
        assert_eq!(Differences::between(b"", b"").bytes, 0);
    }

    #[test]
    fn control_bytes_never_reach_the_screen() {
        assert_eq!(text_of(0x1b), '.');
        assert_eq!(text_of(0x9b), '.');
        assert_eq!(text_of(b'A'), 'A');
        assert_eq!(digits(0xaf), ['a', 'f']);
        assert_eq!(ByteKind::of(0), ByteKind::Zero);
        assert_eq!(ByteKind::of(0xff), ByteKind::High);
    }
}
