// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a call may return.

use std::fmt::{self, Display, Formatter};
use std::ops::RangeInclusive;

use nix::errno::Errno;

/// A result as the kernel gives it: negative errnos.
pub type Result = i64;

#[derive(Clone, Debug)]
pub enum Expect {
    Anything,
    /// A number of these.
    Success(RangeInclusive<i64>),
    /// One of these, or any where none is named.
    Failure(Vec<Errno>),
    /// One or the other.
    Either(RangeInclusive<i64>, Vec<Errno>),
}

impl Expect {
    pub fn exactly(result: i64) -> Self {
        Self::Success(result..=result)
    }

    /// Success, unless something is wrong.
    pub fn unless(wrong: Vec<Errno>, success: RangeInclusive<i64>) -> Self {
        if wrong.is_empty() { Self::Success(success) } else { Self::Failure(wrong) }
    }

    pub fn allows(&self, result: Result) -> bool {
        let failed = |errnos: &[Errno]| {
            (-4095..0).contains(&result)
                && (errnos.is_empty() || errnos.contains(&Errno::from_raw(-result as i32)))
        };
        match self {
            Self::Anything => true,
            Self::Success(range) => range.contains(&result),
            Self::Failure(errnos) => failed(errnos),
            Self::Either(range, errnos) => range.contains(&result) || failed(errnos),
        }
    }
}

impl Display for Expect {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let list = |errnos: &[Errno]| match errnos {
            [] => "an errno".to_owned(),
            _ => errnos.iter().map(|it| format!("{it:?}")).collect::<Vec<_>>().join(" or "),
        };
        match self {
            Self::Anything => f.write_str("anything"),
            Self::Success(range) if range.start() == range.end() => write!(f, "{}", range.start()),
            Self::Success(range) => write!(f, "{} to {}", range.start(), range.end()),
            Self::Failure(errnos) => f.write_str(&list(errnos)),
            Self::Either(range, errnos) => {
                write!(f, "{} to {}, or {}", range.start(), range.end(), list(errnos))
            }
        }
    }
}

/// A result in words.
pub fn in_words(result: Result) -> String {
    if result < 0 { format!("{:?}", Errno::from_raw(-result as i32)) } else { result.to_string() }
}
