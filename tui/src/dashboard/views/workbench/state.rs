// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is known of the folder that is watched.

use std::collections::BTreeMap;

use crate::dashboard::core::Shared;
use crate::dashboard::core::workbench::{Bench, Case, Complaint, Outcome};

/// So many lines of the command's output are kept.
const OUTPUT_MAX: usize = 2000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// The folder is watched; the number tells it from one that was watched before.
    Watch(u64),
    Order,
    /// A new module is made, to be watched with these.
    New(Bench),
    /// A file of source is read.
    Source(String),
    /// The unit tests run.
    Test(u64),
}

/// Where in the loop it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No folder is open.
    #[default]
    Closed,
    /// The lab's kernel is asked for.
    Opening,
    /// The compiler runs.
    Building,
    /// It failed, or there was nothing to compile.
    NotBuilt(String),
    /// The newest build is loaded.
    Loaded,
    /// The kernel took it not, or did not let go of the old one.
    Refused {
        why: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The kernel oopsed: the module can't be used any more.
    Crashed,
    /// The guest is dead.
    Died(String),
    /// Another guest runs, with nothing of the folder in it.
    Waiting {
        /// The mark that it was wound back to, if that is where it comes from.
        mark: Option<String>,
    },
    /// Nobody watches any more: why.
    Ended(String),
}

/// The build that is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loaded {
    /// Its modules.
    pub(crate) names: Vec<String>,
    /// Counts the builds that were loaded.
    pub(crate) number: u32,
    /// When it was loaded, in the shared's time.
    pub(crate) at_ms: u64,
    /// From the save to then; none where it was found loaded.
    pub(crate) took_ms: Option<u64>,
}

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// What the kernel reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Its first line.
    pub(crate) words: String,
    /// Where, the innermost first.
    pub(crate) places: Vec<String>,
}

/// A run of the unit tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tests {
    /// Those that have ended.
    pub(crate) cases: Vec<Case>,
    /// When it began, in the shared's time.
    pub(crate) since_ms: u64,
    /// How long it took, once it is over.
    pub(crate) took_ms: Option<u64>,
    /// Why it did not end by itself.
    pub(crate) failed: Option<String>,
}

impl Tests {
    /// How many ended so.
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.cases.iter().filter(|case| case.outcome == outcome).count()
    }
}

/// What the large panel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Main {
    /// What to do first.
    Introduction,
    /// The unit tests.
    Tests,
    /// The compiler's complaints.
    Complaints,
    /// What the kernel reported.
    Crash,
    /// The module's counters.
    Counters,
}

/// View 8.
#[derive(Clone, Default)]
pub(crate) struct Workbench {
    /// What is open.
    pub(crate) bench: Option<Bench>,
    /// The folder's full path, once it is known.
    pub(crate) root: String,
    /// Counts what was opened.
    pub(crate) number: u64,
    pub(crate) phase: Phase,
    pub(crate) loaded: Option<Loaded>,
    /// Builds that were loaded.
    pub(crate) builds: u32,
    pub(crate) complaints: Vec<Complaint>,
    pub(crate) report: Option<Report>,
    pub(crate) tests: Option<Tests>,
    /// Counts the runs of tests.
    pub(crate) runs: u64,
    /// The row of the list in the large panel.
    pub(crate) selected: usize,
    /// The files around what is selected, by their paths.
    pub(crate) sources: BTreeMap<String, Result<Vec<String>, String>>,
    /// What the command wrote.
    pub(crate) output: Vec<String>,
    /// The last of these lines goes on.
    pub(crate) unended: bool,
    /// The status that it ended with.
    pub(crate) ran: Option<u8>,
    /// The log's end when the last build began, as [`crate::dashboard::data::log::Log::end`] counts.
    pub(crate) since: u64,
    /// The log's end when the command first wrote or ended.
    pub(crate) ran_at: Option<u64>,
    /// Has the lower panel the focus?
    pub(crate) on_log: bool,
    /// Lines that it is scrolled back.
    pub(crate) back: usize,
    /// Another guest runs, and nobody has looked yet what is loaded in it.
    pub(crate) another: bool,
    /// The age that was drawn last, in seconds.
    pub(crate) aged: u64,
}

impl Workbench {
    pub(crate) fn main(&self) -> Main {
        match &self.phase {
            _ if self.tests.is_some() => Main::Tests,
            Phase::Closed => Main::Introduction,
            _ if !self.complaints.is_empty() => Main::Complaints,
            _ if self.report.is_some() => Main::Crash,
            _ => Main::Counters,
        }
    }

    /// How many rows the list in the large panel has.
    pub(crate) fn rows(&self) -> usize {
        match self.main() {
            Main::Tests => self.tests.as_ref().map_or(0, |tests| tests.cases.len()),
            Main::Complaints => self.complaints.len(),
            Main::Crash => self.report.as_ref().map_or(0, |report| report.places.len()),
            Main::Introduction | Main::Counters => 0,
        }
    }

    /// Where in the source the selected row is.
    pub(crate) fn place(&self) -> Option<Place> {
        match self.main() {
            Main::Complaints => {
                let wrong = self.complaints.get(self.selected)?;
                let (line, column) = (wrong.line, wrong.column);
                Some(Place { file: wrong.file.clone(), line, column })
            }
            Main::Crash => place_of(self.report.as_ref()?.places.get(self.selected)?),
            _ => None,
        }
    }

    /// A path as it is shown: without the folder that is watched.
    pub(crate) fn short<'a>(&self, path: &'a str) -> &'a str {
        match path.strip_prefix(self.root.as_str()) {
            Some(rest) if !self.root.is_empty() => rest.strip_prefix('/').unwrap_or(path),
            _ => path,
        }
    }

    /// The module whose counters are shown.
    pub(crate) fn module(&self) -> Option<&str> {
        Some(self.loaded.as_ref()?.names.last()?.as_str())
    }

    /// Takes what the command wrote.
    pub(crate) fn wrote(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for piece in text.split_inclusive('\n') {
            let line = piece.trim_end_matches(['\n', '\r']);
            match self.output.last_mut() {
                Some(last) if self.unended => last.push_str(line),
                _ => self.output.push(line.to_owned()),
            }
            self.unended = !piece.ends_with('\n');
        }
        let surplus = self.output.len().saturating_sub(OUTPUT_MAX);
        drop(self.output.drain(..surplus));
    }

    /// Forgets what was said of the build before.
    pub(crate) fn begin(&mut self, shared: &Shared) {
        self.output.clear();
        self.unended = false;
        self.ran = None;
        self.ran_at = None;
        self.since = shared.log.end();
        self.back = 0;
    }
}

/// `/x/pulse.c:12 (beat+0x1/0x9 [pulse])`: the file and the line.
fn place_of(text: &str) -> Option<Place> {
    let (place, _) = text.rsplit_once(" (")?;
    let (file, line) = place.rsplit_once(':')?;
    Some(Place { file: file.to_owned(), line: line.parse().ok()?, column: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_that_comes_in_pieces_is_put_together_to_lines() {
        let mut view = Workbench::default();
        for piece in [&b"on"[..], b"e\r\ntwo", b"\nthree\n", b"", b"four"] {
            view.wrote(piece);
        }
        assert_eq!(view.output, ["one", "two", "three", "four"]);
    }

    #[test]
    fn a_place_in_a_report_has_a_file_and_a_line_where_the_debug_information_knows_them() {
        let place = place_of("/x y/pulse.c:12 (beat+0x1/0x9 [pulse])").unwrap();
        assert_eq!((place.file.as_str(), place.line), ("/x y/pulse.c", 12));
        assert_eq!(place_of("beat+0x1/0x9 [pulse]"), None);
    }
}
