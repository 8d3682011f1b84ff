// SPDX-License-Identifier: MIT OR Apache-2.0
//! Short spans of time, and how often something happens.

/// A span in the unit that suits it: `850 ns`, `12.3 µs`, `4.56 ms`, `1.20 s`.
pub fn nanoseconds(ns: u64) -> String {
    let digits = |value: f64, unit: &str| match value {
        value if value < 9.995 => format!("{value:.2} {unit}"),
        value if value < 99.95 => format!("{value:.1} {unit}"),
        value => format!("{value:.0} {unit}"),
    };
    match ns {
        0..1000 => format!("{ns} ns"),
        1000..999_500 => digits(ns as f64 / 1e3, "µs"),
        999_500..999_500_000 => digits(ns as f64 / 1e6, "ms"),
        _ => digits(ns as f64 / 1e9, "s"),
    }
}

/// A span of seconds to minutes: `45 s`, `12 min 5 s`.
pub fn minutes(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// So many in so many milliseconds, per second: `0.5`, `12`, `34000`.
pub fn per_second(count: u64, ms: u64) -> String {
    let rate = count as f64 * 1000.0 / ms.max(1) as f64;
    if rate > 0.0 && rate < 9.95 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_three_digits_in_the_unit_that_suits_it() {
        let said = |ns| nanoseconds(ns);
        assert_eq!(said(0), "0 ns");
        assert_eq!(said(999), "999 ns");
        assert_eq!(said(12_345), "12.3 µs");
        assert_eq!(said(999_600), "1.00 ms");
        assert_eq!(said(4_560_000), "4.56 ms");
        assert_eq!(said(123_000_000_000), "123 s");
        assert_eq!(per_second(5, 10_000), "0.5");
        assert_eq!(per_second(12, 1000), "12");
        assert_eq!(per_second(0, 0), "0");
    }
}
