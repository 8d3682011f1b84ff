// SPDX-License-Identifier: MIT OR Apache-2.0
//! A row of the log: a record, a gap, or the start of another guest.

use crate::dashboard::data::duration::text;
use crate::kernel::api::KmsgRecord;
use crate::kernel::kmsg;

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Record,
    /// So many records were overwritten before they were read.
    Gap(u64),
    /// So many records are missing, and the kernel did not say so.
    Missing(u64),
    /// The guest of this generation starts here.
    Guest(u32),
    /// The guest was wound back by so many milliseconds. What stands above and came after
    /// the record with this row's sequence number has not happened to it.
    Rewound(u64),
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub kind: Kind,
    /// The record's sequence number.
    pub sequence: u64,
    /// Microseconds since boot.
    pub at_us: u64,
    /// 0 (emergency) to 7 (debug).
    pub level: u8,
    /// The syslog facility.
    pub facility: u8,
    pub(crate) source: u16,
    /// The number of the first row of the oops it belongs to.
    pub block: Option<u64>,
    pub text: Box<str>,
    /// The dictionary.
    pub fields: Box<[(String, String)]>,
}

/// The most bytes of a record's text: the kernel's own have a few hundred.
const LONGEST: usize = 16 << 10;

/// The most fields of a record.
const FIELDS: usize = 64;

/// What is kept of a text.
fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

impl Row {
    /// What its texts take.
    pub(super) fn size(&self) -> usize {
        let fields = self.fields.iter().map(|(name, value)| name.len() + value.len());
        self.text.len() + fields.sum::<usize>()
    }

    pub(crate) fn record(record: KmsgRecord, source: u16) -> Self {
        Self {
            kind: Kind::Record,
            sequence: record.sequence,
            at_us: record.at_us,
            level: record.level,
            facility: record.facility,
            source,
            block: None,
            text: cut(record.text).into(),
            fields: record
                .fields
                .into_iter()
                .take(FIELDS)
                .map(|(name, value)| (cut(name), cut(value)))
                .collect(),
        }
    }

    fn mark(kind: Kind, at_us: u64) -> Self {
        Self {
            kind,
            sequence: 0,
            at_us,
            level: 5,
            facility: 0,
            source: 0,
            block: None,
            text: Box::default(),
            fields: Box::default(),
        }
    }

    pub(crate) fn gap(lost: u64, at_us: u64) -> Self {
        Self::mark(Kind::Gap(lost), at_us)
    }

    pub(crate) fn missing(count: u64, at_us: u64) -> Self {
        Self::mark(Kind::Missing(count), at_us)
    }

    pub(crate) fn guest(generation: u32) -> Self {
        Self::mark(Kind::Guest(generation), 0)
    }

    pub(crate) fn rewound(by_ms: u64) -> Self {
        Self::mark(Kind::Rewound(by_ms), 0)
    }

    pub fn level_name(&self) -> &'static str {
        kmsg::level_name(self.level)
    }

    /// The text's first line, and how many follow: ` (+2 lines)`, or nothing.
    pub fn first_line(&self) -> (&str, String) {
        match self.text.split_once('\n') {
            Some((first, rest)) => {
                let count = rest.lines().count();
                let noun = if count == 1 { "line" } else { "lines" };
                (first, format!(" (+{count} {noun})"))
            }
            None => (&self.text, String::new()),
        }
    }

    /// As `dmesg` shows it: `[   12.345678] text`.
    pub fn line(&self) -> String {
        match self.kind {
            Kind::Record => format!("[{}] {}", stamp(self.at_us), self.text),
            Kind::Gap(lost) => format!("--- {lost} records lost ---"),
            Kind::Missing(count) => format!("--- {count} records missing ---"),
            Kind::Guest(generation) => format!("--- guest {generation} starts ---"),
            Kind::Rewound(by_ms) => format!("--- {} ---", rewound(by_ms)),
        }
    }
}

/// `rewound by 4.2 s`
pub fn rewound(by_ms: u64) -> String {
    format!("rewound by {}", text((by_ms.max(100) / 100).saturating_mul(100_000)))
}

/// `   12.345678`: seconds since boot.
pub fn stamp(at_us: u64) -> String {
    format!("{:5}.{:06}", at_us / 1_000_000, at_us % 1_000_000)
}

/// What stands before the first colon, if it looks like a name.
pub(crate) fn source(text: &str) -> &str {
    let line = text.lines().next().unwrap_or("");
    let Some((name, _)) = line.split_once(": ") else {
        return "";
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-. :/".contains(&byte);
    let words = name.bytes().filter(|byte| *byte == b' ').count();
    let named = name.bytes().any(|byte| byte.is_ascii_alphabetic());
    if named && name.len() <= 24 && words <= 1 && name.bytes().all(fits) { name } else { "" }
}
