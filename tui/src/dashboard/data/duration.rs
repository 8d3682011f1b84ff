// SPDX-License-Identifier: MIT OR Apache-2.0
//! Spans of time as people type and read them: `300 ms`, `1 s`, `50 µs`.

/// Units with their microseconds; a number without one is of the last.
const UNITS: [(&str, u64); 6] =
    [("min", 60_000_000), ("ms", 1000), ("s", 1_000_000), ("us", 1), ("µs", 1), ("", 1)];

/// The microseconds that a text says: `300ms`, `1.5 s`, `50us`, `0`; a number
/// alone is one of microseconds. `None`: it says none.
pub fn parse(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    let digits = text.find(|character: char| !character.is_ascii_digit() && character != '.');
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let (_, factor) = UNITS.into_iter().find(|(name, _)| *name == unit.trim())?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || number.ends_with('.') {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    // What is finer than a microsecond is no whole number of them.
    let digits = u32::try_from(fraction.len()).ok().filter(|digits| *digits <= 8)?;
    let parts = fraction.parse::<u64>().or(if digits == 0 { Ok(0) } else { Err(()) }).ok()?;
    let (part, rest) = (parts * factor / 10u64.pow(digits), parts * factor % 10u64.pow(digits));
    (rest == 0).then_some(())?;
    whole.checked_add(part)
}

/// The same as text, in the largest unit of which there is at least one.
pub fn text(micros: u64) -> String {
    match micros {
        0 => "0".into(),
        1..1000 => format!("{micros} µs"),
        1000..1_000_000 => format!("{} ms", thousandths(micros)),
        // Finer than a millisecond nobody asks of seconds.
        _ if micros.is_multiple_of(1000) => format!("{} s", thousandths(micros / 1000)),
        _ => format!("{} ms", thousandths(micros)),
    }
}

/// 1500 as `1.5`.
fn thousandths(number: u64) -> String {
    let text = format!("{}.{:03}", number / 1000, number % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_people_type_is_understood() {
        for (said, micros) in [
            ("300ms", 300_000),
            ("1s", 1_000_000),
            ("50us", 50),
            ("50 µs", 50),
            ("0", 0),
            ("250", 250),
            (" 1.5 S ", 1_500_000),
            ("0.25ms", 250),
            ("1min", 60_000_000),
        ] {
            assert_eq!(parse(said), Some(micros), "{said}");
        }
        for wrong in
            ["", "ms", "fast", "-1", "1h", "1.2.3s", "1.5us", "1.", ".5s", "99999999999999s"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        for micros in [0, 50, 999, 1000, 1500, 300_000, 1_000_000, 1_000_001, 60_000_000] {
            assert_eq!(parse(&text(micros)), Some(micros), "{}", text(micros));
        }
        assert_eq!(text(300_000), "300 ms");
    }
}
