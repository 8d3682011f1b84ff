// SPDX-License-Identifier: MIT OR Apache-2.0
//! An oops in the log, line by line, and the lines of source that it names.

use crate::lab::kunit::is_report;
use crate::lab::symbols::{BuildIds, Frame, locate};

/// More lines than a report has: what follows is something else.
const LINES_MAX: usize = 120;

/// A report of the kernel's that names functions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// The kernel's first line.
    pub(crate) words: String,
    /// Did the kernel kill what ran, so that the module can't be unloaded?
    pub(crate) fatal: bool,
    /// `function+0x10/0x30 [module]`, the innermost first, and whether it is where
    /// the processor was.
    frames: Vec<(String, bool)>,
    lines: usize,
}

impl Report {
    /// The frames, the innermost first.
    pub(crate) fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.frames.iter().map(|(text, exact)| Frame { text, exact: *exact })
    }

    /// Where it happened: `pulse.c:12 (beat+0x1/0x9 [pulse])`, as far as the
    /// debug information knows; of the modules only, if any is among them.
    pub(crate) fn places(&self, release: &str, builds: &BuildIds) -> Vec<String> {
        let of_modules = self.frames.iter().any(|(text, _)| text.contains(" ["));
        let frames: Vec<_> =
            self.frames().filter(|frame| !of_modules || frame.text.contains(" [")).collect();
        let found = locate(release, &frames, builds).unwrap_or_else(|_| vec![None; frames.len()]);
        frames
            .iter()
            .zip(found)
            .map(|(frame, place)| match place {
                Some(place) => format!("{place} ({})", readable(frame.text)),
                None => readable(frame.text),
            })
            .collect()
    }
}

/// Reads the log.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    open: Option<Report>,
}

impl Reader {
    /// Takes a line; a report that is over with it.
    pub(crate) fn line(&mut self, line: &str) -> Option<Report> {
        let text = line.trim();
        let Some(report) = &mut self.open else {
            if is_report(text) || is_panic(text) {
                let fatal = is_fatal(text);
                self.open = Some(Report { words: text.to_owned(), fatal, ..Report::default() });
            }
            return None;
        };
        report.lines += 1;
        report.fatal |= is_fatal(text);
        let place = text.strip_prefix("RIP: 0010:");
        // Of a lock lockdep says where it was taken.
        let taken = text.rsplit_once(", at: ").map(|(_, taken)| taken);
        if let Some(frame) = frame(place.or(taken).unwrap_or(text))
            && !report.frames.iter().any(|(known, _)| known == frame)
        {
            // Above all others stands where the processor was.
            let at = if place.is_some() { 0 } else { report.frames.len() };
            report.frames.insert(at, (frame.to_owned(), place.is_some()));
        }
        let over = text.contains("---[ end trace")
            || text.starts_with("=====") && report.lines > 2
            || report.lines >= LINES_MAX;
        if over { self.open.take() } else { None }
    }

    /// The report that is not over: there are no more lines.
    pub(crate) fn rest(self) -> Option<Report> {
        self.open
    }
}

/// A frame with the name of a function of Rust's as its source has it.
pub(crate) fn readable(frame: &str) -> String {
    match frame.split_once('+') {
        Some((name, rest)) => format!("{:#}+{rest}", rustc_demangle::demangle(name)),
        None => frame.to_owned(),
    }
}

/// Is this line the first of a panic's?
pub(crate) fn is_panic(text: &str) -> bool {
    text.trim_start().starts_with("Kernel panic - not syncing")
}

fn is_fatal(text: &str) -> bool {
    text.starts_with("Oops: ") || text.starts_with("kernel BUG at ") || is_panic(text)
}

/// `beat+0x10/0x30 [pulse]`, and not what a trace marks as a guess.
fn frame(text: &str) -> Option<&str> {
    let (name, rest) = text.split_once("+0x")?;
    let plain = !name.is_empty() && !name.contains([' ', '?', ':']);
    (plain && rest.contains("/0x")).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_log_holds_a_report_ends_and_can_be_read() {
        crate::fuzz::texts("oops", |text| {
            let mut reader = Reader::default();
            for report in text.lines().filter_map(|line| reader.line(line)) {
                assert!(report.frames.iter().all(|(frame, _)| !readable(frame).is_empty()));
            }
        });
    }

    #[test]
    fn an_oops_ends_with_its_trace_and_begins_where_the_processor_was() {
        let text = "\
BUG: kernel NULL pointer dereference, address: 0000000000000000
#PF: supervisor write access in kernel mode
Oops: Oops: 0002 [#1] SMP
RIP: 0010:beat+0x4/0x10 [pulse]
Call Trace:
 <TASK>
 ? __die_body.cold+0x8/0xa
 pulse_init+0x12/0x20 [pulse]
 do_one_initcall+0x40/0x1f0
 </TASK>
---[ end trace 0000000000000000 ]---";
        let mut reader = Reader::default();
        let reports: Vec<_> = text.lines().filter_map(|line| reader.line(line)).collect();
        let [report] = &reports[..] else { panic!("{reports:?}") };
        assert!(report.fatal && report.words.contains("NULL pointer"));
        let places = report.places("no such kernel", &BuildIds::new());
        assert_eq!(places, ["beat+0x4/0x10 [pulse]", "pulse_init+0x12/0x20 [pulse]"]);
    }

    #[test]
    fn where_a_lock_was_taken_comes_before_how_it_came_there() {
        let text = "\
WARNING: possible recursive locking detected
insmod/71 is trying to acquire lock:
ffffffffc0006000 (lock){+.+.}-{3:3}, at: again+0x2a/0x40 [pulse]
 dump_stack_lvl+0x6f/0xb0
 pulse_init+0x12/0x20 [pulse]";
        let mut reader = Reader::default();
        assert!(text.lines().all(|line| reader.line(line).is_none()));
        let report = reader.rest().expect("a report that is not over");
        let frames: Vec<_> = report.frames().map(|frame| frame.text).collect();
        let [first, _, last] = &frames[..] else { panic!("{frames:?}") };
        assert_eq!([*first, *last], ["again+0x2a/0x40 [pulse]", "pulse_init+0x12/0x20 [pulse]"]);
    }
}
