// SPDX-License-Identifier: MIT OR Apache-2.0
//! An oops, a warning or a sanitizer's report: many lines that belong together.

use super::row::Row;

/// A block of more lines than this is cut.
const LONGEST: u64 = 400;
/// At least so much of the reason stands in one line.
const REASON_MIN: usize = 24;
/// Two lines of a block are not further apart than this, in microseconds.
const APART_US: u64 = 2_000_000;

/// Lines that belong together, and what matters in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The number of the first row.
    pub first: u64,
    /// The number of the last row.
    pub last: u64,
    /// `BUG: kernel NULL pointer dereference, address: …`
    pub reason: String,
    /// The function it happened in: `memalloc_ioctl+0x12/0x40 [memalloc]`.
    pub function: String,
    /// The file and line, where the kernel says so.
    pub place: String,
    /// The functions of the call trace, innermost first.
    pub calls: Vec<String>,
    pub(crate) ended: bool,
    /// Its end mark has come; the registers may follow once more.
    closing: bool,
    in_calls: bool,
    last_us: u64,
    rulers: u8,
}

const STARTS: &[&str] = &[
    "------------[ cut here ]",
    "BUG: ",
    "Oops: ",
    "Oops[",
    "general protection fault",
    "kernel BUG at ",
    "WARNING: ",
    "Kernel panic - not syncing",
    "UBSAN: ",
    "rust_kernel: panicked at",
];

/// What follows the end mark of an oops: its registers again, and whom it cost.
const TRAILERS: &[&str] = &[
    "RIP: ", "Code: ", "RSP: ", "RAX: ", "RDX: ", "RBP: ", "R10: ", "R13: ", "FS:  ", "CS:  ",
    "CR2: ", "DR0: ", "DR3: ", "PKRU: ", "note: ",
];

fn ruler(text: &str) -> bool {
    text.len() > 40 && text.bytes().all(|byte| byte == b'=')
}

impl Trace {
    /// The last block in the lines of a console (which may begin with times)
    /// that says where it happened: a panic after an oops says no more than
    /// that there was one.
    pub fn last_of<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut open: Option<Self> = None;
        let mut telling: Option<Self> = None;
        for (number, line) in lines.enumerate() {
            let number = number as u64;
            let timed = line.strip_prefix('[').and_then(|rest| rest.split_once("] "));
            let text = timed.map_or(line, |(_, text)| text);
            let taken =
                open.as_mut().is_some_and(|trace| !trace.ended && trace.take_text(number, text, 0));
            if !taken && let Some(trace) = Self::begin(number, text, 0) {
                telling = open.replace(trace).filter(Self::tells).or(telling);
            }
        }
        match open {
            Some(trace) if trace.tells() => Some(trace),
            last => telling.or(last),
        }
    }

    fn tells(&self) -> bool {
        !self.function.is_empty() || !self.calls.is_empty()
    }

    /// A block starts with this row, if its text says so.
    pub(crate) fn start(number: u64, row: &Row) -> Option<Self> {
        Self::begin(number, &row.text, row.at_us)
    }

    fn begin(number: u64, text: &str, at_us: u64) -> Option<Self> {
        if !STARTS.iter().any(|start| text.starts_with(start)) && !ruler(text) {
            return None;
        }
        let mut trace = Self {
            first: number,
            last: number,
            last_us: at_us,
            rulers: u8::from(ruler(text)),
            ..Self::default()
        };
        trace.learn(text);
        Some(trace)
    }

    /// Takes the next row; `false` when it belongs to the block no more.
    pub(crate) fn take(&mut self, number: u64, row: &Row) -> bool {
        self.take_text(number, &row.text, row.at_us)
    }

    fn take_text(&mut self, number: u64, text: &str, at_us: u64) -> bool {
        let late = at_us.saturating_sub(self.last_us) > APART_US;
        let over = self.closing && !TRAILERS.iter().any(|start| text.starts_with(start));
        if late || over || number - self.first > LONGEST {
            return false;
        }
        self.last = number;
        self.last_us = at_us;
        self.learn(text);
        if ruler(text) {
            self.rulers += 1;
            // A sanitizer's report stands between two rulers; what follows the
            // second, an oops of its own, starts a new block.
            self.ended = self.rulers >= 2;
        }
        self.closing |= text.starts_with("---[ end ");
        true
    }

    /// Lines of the block.
    pub fn len(&self) -> u64 {
        self.last - self.first + 1
    }

    /// Never: a block has at least the line it starts with.
    pub fn is_empty(&self) -> bool {
        false
    }

    fn learn(&mut self, text: &str) {
        let trimmed = text.trim();
        let is_reason = STARTS[1..].iter().any(|start| trimmed.starts_with(start));
        if is_reason && self.reason.is_empty() {
            self.reason = trimmed.to_owned();
            self.locate(trimmed);
        }
        if let Some(after) = trimmed.strip_prefix("RIP: ") {
            let after = after.split_once(':').map_or(after, |(_, after)| after);
            if self.function.is_empty() {
                self.function = after.to_owned();
            }
        }
        if trimmed == "Call Trace:" {
            self.in_calls = true;
            return;
        }
        if self.in_calls {
            let marker = trimmed.starts_with('<') && trimmed.ends_with('>');
            let call = trimmed.contains("+0x");
            if call && !trimmed.starts_with("RIP:") {
                let certain = trimmed.trim_start_matches("? ");
                if certain.len() == trimmed.len() && self.calls.len() < 64 {
                    self.calls.push(trimmed.to_owned());
                }
            } else if !marker {
                self.in_calls = false;
            }
        }
    }

    /// The file and line that a reason names: `kernel BUG at mm/slub.c:12!`,
    /// `WARNING: mm/slub.c:12 at kfree+0x1/0x2, CPU#0: …` and, from older
    /// kernels, `WARNING: CPU: 0 PID: 1 at mm/slub.c:12 kfree+0x1/0x2`.
    fn locate(&mut self, reason: &str) {
        let words = reason.split([' ', ',', '!']);
        for (index, word) in words.enumerate() {
            let named = |end: &str| word.contains(end) && !word.starts_with('[');
            if self.place.is_empty() && index > 0 && (named(".c:") || named(".h:") || named(".rs:"))
            {
                self.place = word.trim_end_matches(':').to_owned();
            } else if self.function.is_empty() && word.contains("+0x") {
                self.function = word.to_owned();
            }
        }
    }

    /// What one line of so many characters says of it: why, and where.
    pub fn headline(&self, width: usize, ellipsis: &str) -> String {
        let reason = if self.reason.is_empty() { "kernel report" } else { &self.reason };
        let function = if self.function.is_empty() {
            self.calls.first().map_or("", String::as_str)
        } else {
            &self.function
        };
        if function.is_empty() {
            return reason.to_owned();
        }
        // A long reason is cut, and not the function.
        let place = format!(" in {}", readable(function));
        let room = width.saturating_sub(place.chars().count()).max(REASON_MIN);
        if reason.chars().count() <= room {
            return format!("{reason}{place}");
        }
        let cut: String = reason.chars().take(room - 1).collect();
        format!("{}{ellipsis}{place}", cut.trim_end())
    }
}

/// A function in an oops as its author wrote it: Rust's are mangled.
pub fn readable(frame: &str) -> String {
    let end = frame.find('+').unwrap_or(frame.len());
    let (name, place) = frame.split_at(end);
    match rustc_demangle::try_demangle(name) {
        Ok(name) => format!("{name:#}{place}"),
        Err(_) => frame.to_owned(),
    }
}
