// SPDX-License-Identifier: MIT OR Apache-2.0
//! Amounts of bytes.

/// Bytes in the largest unit that fits: `512 B`, `64 KiB`, `1.5 MiB`.
pub fn amount(bytes: u64) -> String {
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
    fn amounts_are_said_in_the_largest_unit_that_fits() {
        assert_eq!(amount(0), "0 B");
        assert_eq!(amount(512), "512 B");
        assert_eq!(amount(1023), "1023 B");
        assert_eq!(amount(1536), "1.5 KiB");
        assert_eq!(amount(2047), "2 KiB");
        assert_eq!(amount(65536), "64 KiB");
        assert_eq!(amount(1536 * 1024), "1.5 MiB");
        assert_eq!(amount(64 << 20), "64 MiB");
        assert_eq!(amount(1 << 30), "1 GiB");
        assert_eq!(amount(166_780_612), "159 MiB");
        assert_eq!(amount(1_890_000_000), "1.8 GiB");
        assert_eq!(amount(u64::MAX), "16384 PiB");
    }
}
