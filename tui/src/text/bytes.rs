// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes and places as people type them, and bytes as their digits.

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

/// Bytes as hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
}
