// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes as people read and type them: rows of hex and text, patterns, offsets
//! with units, and where two stretches differ.

use std::ops::Range;

/// Why a text is no offset or list of bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// Nothing was typed.
    #[error("empty")]
    Empty,
    /// A character that is no hex digit.
    #[error("{0:?} is no hex digit")]
    Digit(char),
    /// One digit is left over.
    #[error("hex digits come in pairs, one is missing")]
    Odd,
    /// No number.
    #[error("{0:?} is no number (try 4096, 0x1000, 4K, 1M)")]
    Number(String),
    /// A number that does not fit into 64 bits.
    #[error("{0:?} does not fit into 64 bits")]
    TooLarge(String),
}

/// Reads `de ad be ef`, `deadbeef`, `0xde,0xad`: pairs of hex digits with
/// spaces, commas, colons, dashes and `0x` between them.
///
/// # Errors
/// What is wrong with the first character that fits nowhere.
pub fn parse_bytes(text: &str) -> Result<Vec<u8>, HexError> {
    let mut bytes = Vec::new();
    let separators = |character: char| character.is_whitespace() || ",:-_".contains(character);
    for word in text.split(separators) {
        let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        let mut high = None;
        for character in digits.unwrap_or(word).chars() {
            let digit = character.to_digit(16).ok_or(HexError::Digit(character))? as u8;
            match high.take() {
                Some(high) => bytes.push(high << 4 | digit),
                None => high = Some(digit),
            }
        }
        if high.is_some() {
            return Err(HexError::Odd);
        }
    }
    if bytes.is_empty() {
        return Err(HexError::Empty);
    }
    Ok(bytes)
}

/// Reads an offset or a size in bytes: decimal, `0x…`, with a unit `K`, `M`,
/// `G` (powers of 1024) or `s` (sectors of 512 bytes).
///
/// # Errors
/// When it is no number, or too large a one.
pub fn parse_offset(text: &str) -> Result<u64, HexError> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(HexError::Empty);
    }
    let wrong = || HexError::Number(trimmed.to_owned());
    let plain: String = trimmed.chars().filter(|character| *character != '_').collect();
    let hex = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X"));
    let (digits, unit, radix) = match hex {
        Some(digits) => (digits, 1, 16),
        None => match plain.chars().next_back().map(|last| last.to_ascii_lowercase()) {
            Some('k') => (&plain[..plain.len() - 1], 1 << 10, 10),
            Some('m') => (&plain[..plain.len() - 1], 1 << 20, 10),
            Some('g') => (&plain[..plain.len() - 1], 1 << 30, 10),
            Some('s') => (&plain[..plain.len() - 1], 512, 10),
            _ => (plain.as_str(), 1, 10),
        },
    };
    if digits.is_empty() || !digits.chars().all(|character| character.is_digit(radix)) {
        return Err(wrong());
    }
    let number = u64::from_str_radix(digits, radix).ok();
    let scaled = number.and_then(|number: u64| number.checked_mul(unit));
    scaled.ok_or_else(|| HexError::TooLarge(trimmed.to_owned()))
}

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

/// The digits of a byte.
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

/// A size as people say it: `512 B`, `64 KiB`, `1.5 MiB`.
pub fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    let mut unit = "";
    for next in UNITS {
        value /= 1024.0;
        unit = next;
        if value < 1023.95 {
            break;
        }
    }
    let number = if value < 99.95 { format!("{value:.1}") } else { format!("{value:.0}") };
    format!("{} {unit}", number.strip_suffix(".0").unwrap_or(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_however_people_write_them() {
        let wanted = Ok(vec![0xde, 0xad, 0xbe, 0xef]);
        for text in ["deadbeef", "DE AD be ef", "0xde,0xad,0xbe,0xef", "de:ad-be_ef", "dead  beef"]
        {
            assert_eq!(parse_bytes(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_hex_is_refused_with_the_reason() {
        assert_eq!(parse_bytes(" "), Err(HexError::Empty));
        assert_eq!(parse_bytes("abc"), Err(HexError::Odd));
        assert_eq!(parse_bytes("0xzz"), Err(HexError::Digit('z')));
        assert_eq!(parse_bytes("é0"), Err(HexError::Digit('é')));
    }

    #[test]
    fn offsets_take_units_and_hex() {
        assert_eq!(parse_offset("4096"), Ok(4096));
        assert_eq!(parse_offset(" 0x1000 "), Ok(4096));
        assert_eq!(parse_offset("4k"), Ok(4096));
        assert_eq!(parse_offset("8s"), Ok(4096));
        assert_eq!(parse_offset("1_000"), Ok(1000));
        assert_eq!(parse_offset("0xffffffffffffffff"), Ok(u64::MAX));
        assert!(matches!(parse_offset("20000000000G"), Err(HexError::TooLarge(_))));
        for text in ["", "k", "0x", "-1", "+1", "1.5M", "ten", "0x1k", "é"] {
            assert!(parse_offset(text).is_err(), "{text}");
        }
    }

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
    fn sizes_are_said_in_the_largest_unit_that_fits() {
        assert_eq!(size_text(512), "512 B");
        assert_eq!(size_text(65536), "64 KiB");
        assert_eq!(size_text(1536 * 1024), "1.5 MiB");
        assert_eq!(size_text(64 << 20), "64 MiB");
        assert_eq!(size_text(1023), "1023 B");
        assert_eq!(size_text(1 << 30), "1 GiB");
        assert_eq!(size_text(2047), "2 KiB");
        assert_eq!(size_text(u64::MAX), "16384 PiB");
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
