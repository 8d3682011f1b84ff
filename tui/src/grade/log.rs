// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's log during a test: kept within bounds, whatever a module says,
//! and the reports of the kernel's checks in it.

use std::sync::Arc;

use parking_lot::Mutex;

use super::guest::{Clock, ask};
use super::spec::Pattern;
use crate::kernel::api::{Item, KmsgRecord, Request};
use crate::kernel::call::parsed;
use crate::kernel::{Call, Target, TargetResult};
use crate::lab::kunit::is_report;
use crate::lab::oops::is_panic;

/// Lines that are kept from the beginning, and from the end.
const FIRST: usize = 5_000;
const LAST: usize = 5_000;
/// Characters of a line.
const LINE_MAX: usize = 1_000;
/// More reports than anybody reads.
const REPORTS_MAX: usize = 100;
/// Lines of a report that are kept.
const REPORT_LINES: usize = 120;

/// What the kernel said since a moment.
pub(super) struct Log {
    kept: Arc<Mutex<Kept>>,
    _follow: Call,
}

#[derive(Default)]
struct Kept {
    next: u64,
    first: Vec<String>,
    last: std::collections::VecDeque<String>,
    left: u64,
    /// The first lines of reports, with what followed.
    reports: Vec<Report>,
}

/// A report of one of the kernel's checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// Its first line.
    pub(super) words: String,
    /// It, and what the kernel said next.
    pub(super) lines: Vec<String>,
}

impl Kept {
    fn take(&mut self, records: &[KmsgRecord]) {
        for record in records {
            // The same may come on two ways.
            if record.sequence < self.next {
                continue;
            }
            self.next = record.next();
            self.left += record.lost_before;
            // Of the kernel only: a program may write to the log as well.
            for line in record.text.lines().filter(|_| record.facility == 0) {
                self.line(line);
            }
        }
    }

    fn line(&mut self, line: &str) {
        let line: String = line.chars().take(LINE_MAX).collect();
        let (none, more) = (self.reports.is_empty(), self.reports.len() < REPORTS_MAX);
        let open = self.reports.last_mut().filter(|report| {
            report.lines.len() < REPORT_LINES
                && !report.lines.last().is_some_and(|line| line.contains("---[ end trace"))
        });
        match open {
            Some(report) => report.lines.push(line.clone()),
            // A panic is one where nothing before it says why.
            None if is_report(&line) && more || is_panic(&line) && none => {
                self.reports
                    .push(Report { words: line.trim().to_owned(), lines: vec![line.clone()] });
            }
            None => {}
        }
        if self.first.len() < FIRST {
            return self.first.push(line);
        }
        if self.last.len() == LAST {
            self.last.pop_front();
            self.left += 1;
        }
        self.last.push_back(line);
    }
}

impl Log {
    /// Begins to listen: what was said before is not heard.
    ///
    /// # Errors
    /// The guest is gone.
    pub(super) fn start(target: &dyn Target, clock: Clock<'_>) -> TargetResult<Self> {
        let mut next = 0;
        let past = Request::Kmsg { from: None, follow: false };
        for item in ask(target, past, Vec::new(), clock)? {
            if let Item::Kmsg(batch) = item {
                next = batch.records.last().map_or(next, |record| record.next());
            }
        }
        let kept = Arc::new(Mutex::new(Kept { next, ..Kept::default() }));
        let follow = Request::Kmsg { from: Some(next), follow: true };
        let heard = Arc::clone(&kept);
        let sink = parsed(
            &follow,
            Box::new(move |item| {
                if let Item::Kmsg(batch) = item {
                    heard.lock().take(&batch.records);
                }
            }),
        );
        let call = target.start(follow, sink)?;
        Ok(Self { kept, _follow: call })
    }

    /// Waits until what was said by now is known. One that floods its log is not
    /// listened to to its end.
    pub(super) fn catch_up(&self, target: &dyn Target, clock: Clock<'_>) {
        let from = self.kept.lock().next;
        let rest = Request::Kmsg { from: Some(from), follow: false };
        // Where the guest is dead, whoever asks for more hears of it.
        for item in ask(target, rest, Vec::new(), clock).unwrap_or_default() {
            if let Item::Kmsg(batch) = item {
                self.kept.lock().take(&batch.records);
            }
        }
    }

    /// Adds what only the console has: the last words of a dead kernel.
    pub(super) fn add(&self, lines: &[String]) {
        let mut kept = self.kept.lock();
        for line in lines {
            let words = without_time(line);
            let known = kept.first.iter().chain(&kept.last).any(|known| known.trim() == words);
            if !known {
                kept.line(words);
            }
        }
    }

    /// All of it that was kept.
    pub(super) fn text(&self) -> String {
        let kept = self.kept.lock();
        let mut text = kept.first.join("\n");
        if kept.left > 0 {
            text.push_str(&format!("\n(… {} lines were too many to be kept …)", kept.left));
        }
        for line in &kept.last {
            text.push('\n');
            text.push_str(line);
        }
        text
    }

    /// The first report that is none of those expected, and how many there are.
    pub(super) fn report(&self, expected: &[Pattern]) -> Option<(Report, usize)> {
        let kept = self.kept.lock();
        let is_expected =
            |report: &Report| expected.iter().any(|pattern| pattern.matches(&report.words));
        let mut found = kept.reports.iter().filter(|report| !is_expected(report));
        let first = found.next()?.clone();
        Some((first, 1 + found.count()))
    }
}

/// A line of the console without its time.
fn without_time(line: &str) -> &str {
    let text = line.trim_start();
    match text.strip_prefix('[') {
        Some(rest) => rest.split_once("] ").map_or(text, |(_, words)| words.trim()),
        None => text.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(sequence: u64, text: &str) -> KmsgRecord {
        KmsgRecord { sequence, text: text.into(), ..KmsgRecord::default() }
    }

    #[test]
    fn a_log_is_kept_within_bounds_and_each_line_once() {
        let mut kept = Kept::default();
        let many: Vec<_> = (0..20_000).map(|number| record(number, "the same again")).collect();
        kept.take(&many);
        kept.take(&many);
        assert_eq!(kept.first.len() + kept.last.len(), FIRST + LAST);
        assert_eq!(kept.left, 10_000);
    }

    #[test]
    fn a_report_is_kept_with_what_follows_and_ends_with_its_trace() {
        let mut kept = Kept::default();
        for (number, text) in [
            "student: loaded",
            "BUG: sleeping function called from invalid context at mm/slab.c:1",
            "Call Trace:",
            "---[ end trace 0 ]---",
            "student: goes on",
            "WARNING: possible circular locking dependency detected",
        ]
        .into_iter()
        .enumerate()
        {
            kept.take(&[record(number as u64, text)]);
        }
        let [first, second] = &kept.reports[..] else { panic!("{:?}", kept.reports) };
        assert_eq!(first.lines.len(), 3);
        assert!(second.words.starts_with("WARNING: possible circular"));
    }

    #[test]
    fn a_program_can_not_forge_a_report() {
        let mut kept = Kept::default();
        kept.take(&[KmsgRecord { facility: 1, ..record(0, "BUG: not the kernel's") }]);
        assert!(kept.reports.is_empty());
    }
}
