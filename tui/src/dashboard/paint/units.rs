// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers as people read them.

use ringside_uapi::describe::Unit;

use crate::text::amount::amount;

/// `12 345 678` with thin groups: digits in threes.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + 7);
    if number < 0 {
        out.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `999`, `12.3k`, `4.56M`: at most five columns.
pub fn short(number: f64) -> String {
    let size = number.abs();
    let scaled = |divisor: f64, unit: &str| {
        let value = number / divisor;
        let decimals = match value.abs() {
            value if value < 9.995 => 2,
            value if value < 99.95 => 1,
            _ => 0,
        };
        format!("{value:.decimals$}{unit}")
    };
    match size {
        _ if size < 10.0 && size.fract() >= 0.05 => format!("{number:.1}"),
        _ if size < 999.5 => format!("{number:.0}"),
        _ if size < 999.5e3 => scaled(1e3, "k"),
        _ if size < 999.5e6 => scaled(1e6, "M"),
        _ if size < 999.5e9 => scaled(1e9, "G"),
        _ => scaled(1e12, "T"),
    }
}

/// A counter's value with its unit.
pub fn counted(value: i64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => amount(value.max(0) as u64),
        Unit::Microseconds => format!("{} µs", grouped(value)),
        Unit::Pages if value == 1 => "1 page".into(),
        Unit::Pages => format!("{} pages", grouped(value)),
        Unit::Switch => if value == 0 { "off" } else { "on" }.into(),
        Unit::Count | Unit::Text => grouped(value),
    }
}

/// `850 ms`, `12 s`, `3 min`, `2 h 5 min`, `3 d 4 h`.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// A chart's time range: `10 s`, `5 min`, `8 h`.
pub fn range(ms: u64) -> String {
    match ms / 1000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_lose_no_order_of_magnitude() {
        assert_eq!(short(0.0), "0");
        assert_eq!(short(2.5), "2.5");
        assert_eq!(short(999.0), "999");
        assert_eq!(short(999.6), "1.00k");
        assert_eq!(short(12_345.0), "12.3k");
        assert_eq!(short(999_999.0), "1.00M");
        assert_eq!(grouped(-1_234_567), "-1,234,567");
    }

    #[test]
    fn durations_use_two_units_at_most() {
        assert_eq!(duration(850), "850 ms");
        assert_eq!(duration(119_000), "119 s");
        assert_eq!(duration(7_500_000), "2 h 5 min");
    }
}
