// SPDX-License-Identifier: MIT OR Apache-2.0
//! KTAP: what KUnit writes to the kernel's log, read as it comes.
//!
//! ```text
//!     # Subtest: pulse
//!     1..2
//!     ok 1 a_case_that_passes
//!     # another: EXPECTATION FAILED at pulse.c:140
//!     not ok 2 another
//! not ok 1 pulse
//! ```
//!
//! A suite's lines are indented by four columns; those of a case with parameters
//! by eight, and belong to the case.

use super::reports::is_report;

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All that it expected was so.
    Passed,
    /// It said itself that it can't run here.
    Skipped,
    /// Something was not as expected, or the kernel reported something meanwhile.
    Failed,
}

/// A case that has ended, one way or another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The suite that it belongs to.
    pub suite: String,
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took by the kernel's clock, in microseconds.
    pub time_us: u64,
    /// Why it was skipped, or did not end by itself; may be empty.
    pub why: String,
    /// What the kernel wrote meanwhile.
    pub lines: Vec<String>,
}

/// What a line of the log means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ktap {
    /// A suite begins.
    Suite(String),
    /// A case has ended.
    Case(Case),
}

/// Reads lines one by one.
#[derive(Debug, Default)]
pub(super) struct Reader {
    suite: Option<String>,
    /// When the case that runs began.
    since_us: u64,
    /// What was written since the last case ended.
    lines: Vec<String>,
    /// What was reported outside of any suite.
    outside: Vec<String>,
    reported: bool,
}

impl Reader {
    /// Takes a line that was written at this time.
    pub(super) fn line(&mut self, at_us: u64, line: &str) -> Option<Ktap> {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if indent <= 4
            && let Some(name) = text.strip_prefix("# Subtest: ")
        {
            self.suite = Some(name.trim().to_owned());
            self.restart(at_us);
            return Some(Ktap::Suite(name.trim().to_owned()));
        }
        let result = result(text);
        match (&self.suite, result) {
            (Some(suite), Some((name, outcome, why))) if indent == 4 => {
                let lines = std::mem::take(&mut self.lines);
                let (outcome, why) = match self.reported {
                    true if outcome != Outcome::Failed => {
                        (Outcome::Failed, "the kernel reported something meanwhile".to_owned())
                    }
                    _ => (outcome, why),
                };
                let time_us = at_us.saturating_sub(self.since_us);
                let case = Case { suite: suite.clone(), name, outcome, time_us, why, lines };
                self.restart(at_us);
                Some(Ktap::Case(case))
            }
            (Some(_), Some(_)) if indent == 0 => {
                self.suite = None;
                self.restart(at_us);
                None
            }
            (suite, _) => {
                let inside = suite.is_some();
                if is_report(text) {
                    self.reported = true;
                }
                if inside && !is_frame(text) {
                    self.lines.push(line.to_owned());
                } else if !inside && self.reported {
                    self.outside.push(line.to_owned());
                }
                None
            }
        }
    }

    /// The suite that has begun and not ended.
    pub(super) fn suite(&self) -> Option<&str> {
        self.suite.as_deref()
    }

    /// What was written since the last case ended.
    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// What was reported outside of any case; forgotten afterwards.
    pub(super) fn take_outside(&mut self) -> Vec<String> {
        self.reported = false;
        std::mem::take(&mut self.outside)
    }

    fn restart(&mut self, at_us: u64) {
        self.since_us = at_us;
        self.lines.clear();
        self.reported = false;
    }
}

/// A line that only frames what a reader wants.
fn is_frame(text: &str) -> bool {
    text.starts_with("KTAP version ")
        || text.starts_with("1..")
        || text.starts_with("# module: ")
        || text.starts_with("# Subtest: ")
}

/// `ok 3 name` or `not ok 3 name # SKIP why`.
fn result(text: &str) -> Option<(String, Outcome, String)> {
    let (good, rest) = match text.strip_prefix("not ") {
        Some(rest) => (false, rest),
        None => (true, text),
    };
    let (number, rest) = rest.strip_prefix("ok ")?.split_once(' ')?;
    number.parse::<u32>().ok()?;
    let (name, why) = rest.split_once(" #").unwrap_or((rest, ""));
    let skipped = why.trim_start().strip_prefix("SKIP");
    let outcome = match (good, skipped) {
        (false, _) => Outcome::Failed,
        (true, Some(_)) => Outcome::Skipped,
        (true, None) => Outcome::Passed,
    };
    Some((name.trim().to_owned(), outcome, skipped.unwrap_or_default().trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_log_holds_a_case_has_a_name_or_there_is_none() {
        crate::fuzz::texts("ktap", |text| {
            let _ = cases(&mut Reader::default(), text);
        });
    }

    fn cases(reader: &mut Reader, text: &str) -> Vec<Case> {
        let lines = text.lines().enumerate();
        let events = lines.filter_map(|(at, line)| reader.line(at as u64 * 1000, line));
        events
            .filter_map(|event| if let Ktap::Case(case) = event { Some(case) } else { None })
            .collect()
    }

    #[test]
    fn a_case_has_its_time_its_lines_and_its_reason() {
        let text = "\
KTAP version 1
1..1
    KTAP version 1
    # Subtest: pulse
    # module: pulse
    1..4
pulse: said by the module
    ok 1 good
    # bad: EXPECTATION FAILED at pulse.c:9
    not ok 2 bad
    ok 3 absent # SKIP no such device
        KTAP version 1
        # Subtest: many
        ok 1 first
        not ok 2 second
    not ok 4 many
# pulse: pass:1 fail:2 skip:1 total:4
not ok 1 pulse";
        let all = cases(&mut Reader::default(), text);
        let short: Vec<_> =
            all.iter().map(|case| (case.name.as_str(), case.outcome, case.time_us)).collect();
        assert_eq!(
            short,
            [
                ("good", Outcome::Passed, 4000),
                ("bad", Outcome::Failed, 2000),
                ("absent", Outcome::Skipped, 1000),
                ("many", Outcome::Failed, 5000),
            ]
        );
        assert_eq!(all[0].lines, ["pulse: said by the module"]);
        assert_eq!(all[1].lines, ["    # bad: EXPECTATION FAILED at pulse.c:9"]);
        assert_eq!(all[2].why, "no such device");
        assert_eq!(all[3].lines, ["        ok 1 first", "        not ok 2 second"]);
    }

    #[test]
    fn a_case_during_which_the_kernel_reports_something_has_failed() {
        let text =
            "    # Subtest: pulse\nBUG: KASAN: slab-use-after-free in x\n    ok 1 good\nok 1 pulse";
        let mut reader = Reader::default();
        let all = cases(&mut reader, text);
        assert_eq!(all[0].outcome, Outcome::Failed);
        assert_eq!(all[0].why, "the kernel reported something meanwhile");
        assert_eq!(reader.take_outside(), Vec::<String>::new());
        assert_eq!(cases(&mut reader, "WARNING: held lock freed!\nmore\n"), []);
        assert_eq!(reader.take_outside(), ["WARNING: held lock freed!", "more"]);
    }

    #[test]
    fn a_case_that_has_not_ended_is_known_by_its_suite_and_lines() {
        let mut reader = Reader::default();
        assert_eq!(cases(&mut reader, "    # Subtest: pulse\n    1..2\npulse: waits\n"), []);
        assert_eq!(
            (reader.suite(), reader.lines()),
            (Some("pulse"), &["pulse: waits".to_owned()][..])
        );
    }
}
