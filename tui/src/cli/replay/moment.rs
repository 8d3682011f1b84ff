// SPDX-License-Identifier: MIT OR Apache-2.0
//! A time in a recording, as it is typed.

use std::str::FromStr;

/// Milliseconds since the recording began, written as seconds, `M:S` or `H:M:S`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(pub(super) u64);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a time is seconds, M:S or H:M:S: 90, 1:30, 0:00:12.5".to_owned();
        let (before, seconds) = text.rsplit_once(':').unwrap_or(("0", text));
        let plain = seconds.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let seconds: f64 = seconds.parse().map_err(|_| wrong())?;
        let mut minutes: u64 = 0;
        let parts: Vec<_> = before.split(':').collect();
        for part in &parts {
            let part: u64 = part.parse().map_err(|_| wrong())?;
            minutes =
                minutes.checked_mul(60).and_then(|sum| sum.checked_add(part)).ok_or_else(wrong)?;
        }
        if !plain || parts.len() > 2 || minutes > 60 * 24 * 366 || seconds > 1e9 {
            return Err(wrong());
        }
        Ok(Self(minutes * 60_000 + (seconds * 1000.0).round() as u64))
    }
}

/// Columns and rows of a screen: `80x24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) (u16, u16));

impl Size {
    /// The size that was recorded, or a usual one where there was none.
    pub(super) fn some((width, height): (u16, u16)) -> Self {
        let fits = (20..=500).contains(&width) && (5..=300).contains(&height);
        Self(if fits { (width, height) } else { (80, 24) })
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a size is columns and rows: 80x24, at most 500x300".to_owned();
        let (width, height) = text.split_once('x').ok_or_else(wrong)?;
        let size = (width.parse().map_err(|_| wrong())?, height.parse().map_err(|_| wrong())?);
        if Self::some(size).0 == size { Ok(Self(size)) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_people_write_it() {
        let read = |text: &str| text.parse::<Moment>().map(|moment| moment.0).ok();
        assert_eq!(read("90"), Some(90_000));
        assert_eq!(read("1:30"), Some(90_000));
        assert_eq!(read("1:00:00.25"), Some(3_600_250));
        for wrong in ["", "x", "-1", "1:2:3:4", "1e3", "inf", "NaN", "1:", ":"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
