// SPDX-License-Identifier: MIT OR Apache-2.0
//! An oops in the log, line by line, and the lines of source that it names.

use crate::lab::kunit::is_report;
use crate::lab::symbols::{BuildIds, Frame, locate};

/// More lines than a report has: what follows is something else.
const LINES_MAX: usize = 120;

/// A report of the kernel's that names functions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// The kernel's first line.
    pub(super) words: String,
    /// Did the kernel kill what ran, so that the module can't be unloaded?
    pub(super) fatal: bool,
    /// `function+0x10/0x30 [module]`, the innermost first.
    frames: Vec<(String, bool)>,
    lines: usize,
}

impl Report {
    /// Where it happened: `pulse.c:12 (beat+0x1/0x9 [pulse])`, as far as the
    /// debug information knows; of the modules only, if any is among them.
    pub(super) fn places(&self, release: &str, builds: &BuildIds) -> Vec<String> {
        let of_modules = self.frames.iter().any(|(text, _)| text.contains(" ["));
        let wanted: Vec<_> =
            self.frames.iter().filter(|(text, _)| !of_modules || text.contains(" [")).collect();
        let frames: Vec<_> =
            wanted.iter().map(|(text, exact)| Frame { text, exact: *exact }).collect();
        let found = locate(release, &frames, builds).unwrap_or_else(|_| vec![None; frames.len()]);
        wanted
            .iter()
            .zip(found)
            .map(|((text, _), place)| match place {
                Some(place) => format!("{place} ({})", readable(text)),
                None => readable(text),
            })
            .collect()
    }
}

/// Reads the log.
#[derive(Debug, Default)]
pub(super) struct Reader {
    open: Option<Report>,
}

impl Reader {
    /// Takes a line; a report that is over with it.
    pub(super) fn line(&mut self, line: &str) -> Option<Report> {
        let text = line.trim();
        let Some(report) = &mut self.open else {
            if is_report(text) {
                let fatal = is_fatal(text);
                self.open = Some(Report { words: text.to_owned(), fatal, ..Report::default() });
            }
            return None;
        };
        report.lines += 1;
        report.fatal |= is_fatal(text);
        let place = text.strip_prefix("RIP: 0010:");
        if let Some(frame) = frame(place.unwrap_or(text))
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
}

/// A frame with the name of a function of Rust's as its source has it.
fn readable(frame: &str) -> String {
    match frame.split_once('+') {
        Some((name, rest)) => format!("{:#}+{rest}", rustc_demangle::demangle(name)),
        None => frame.to_owned(),
    }
}

fn is_fatal(text: &str) -> bool {
    text.starts_with("Oops: ") || text.starts_with("kernel BUG at ")
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
}
