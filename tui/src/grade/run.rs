// SPDX-License-Identifier: MIT OR Apache-2.0
//! Judging submissions, several at a time.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::build::{self, Built, Kernels};
use super::recording::Recordings;
use super::session::{self, Job};
use super::spec::{Spec, Test};
use super::submission::Submission;
use super::verdict::{Graded, Outcome, Verdict};
use crate::kernel::TargetError;
use crate::lab::cache;
use crate::lab::error::{LabError, LabResult};
use crate::lab::flavour::Flavour;
use crate::lab::options::{BootKernel, LabOptions};
use crate::lab::vm::share::HostFiles;
use crate::text::bytes::hex;

/// A guest that does not start is tried so often.
const ATTEMPTS: usize = 2;

/// What to judge, and how.
pub struct Options<'a> {
    /// By what.
    pub spec: &'a Spec,
    /// Whom.
    pub submissions: &'a [Submission],
    /// The kernels that the tests name, and the lab kernel.
    pub kernels: &'a Kernels,
    /// How many at a time.
    pub jobs: usize,
    /// Take over verdicts of an earlier run on what has not changed since.
    pub resume: bool,
    /// Record each test.
    pub recordings: Option<Recordings<'a>>,
    /// Is it to stop?
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// A submission is being built.
    Building(String),
    /// A test has ended.
    Tested(String, Verdict),
    /// A submission is judged.
    Graded(Graded),
}

/// Judges them all, and returns what became of them in their order; `tell` hears
/// how it goes.
///
/// # Errors
/// It was told to stop, or there is no place for what is made.
pub fn run(options: &Options<'_>, tell: &mut dyn FnMut(Event)) -> LabResult<Vec<Graded>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, LabResult<Graded>>> = Mutex::default();
    let (send, events) = channel();
    thread::scope(|scope| {
        for _ in 0..options.jobs.clamp(1, options.submissions.len().max(1)) {
            let send = send.clone();
            let (next, done) = (&next, &done);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(submission) = options.submissions.get(number) else { return };
                    let graded = One { options, submission, send: &send }.grade();
                    let failed = graded.is_err();
                    done.lock().insert(number, graded);
                    if failed {
                        return;
                    }
                }
            });
        }
        drop(send);
        for event in events {
            tell(event);
        }
    });
    done.into_inner().into_values().collect()
}

/// What was built for each kernel, or why that could not be tried.
type Builds = BTreeMap<Flavour, Result<Built, String>>;

/// A submission on its way.
struct One<'a> {
    options: &'a Options<'a>,
    submission: &'a Submission,
    send: &'a Sender<Event>,
}

impl One<'_> {
    fn tell(&self, event: Event) {
        // Whoever listens does so to the end.
        drop(self.send.send(event));
    }

    fn grade(&self) -> LabResult<Graded> {
        let spec = self.options.spec;
        let name = self.submission.name.clone();
        let folder = tempfile::Builder::new()
            .prefix(super::FOLDER)
            .tempdir()
            .map_err(LabError::io("make a folder"))?;
        self.tell(Event::Building(name.clone()));
        let (notes, built) = match self.submission.unpack(folder.path()) {
            Ok(notes) => (notes, self.build(folder.path())?),
            Err(trouble) => {
                let built = Built { why: trouble.to_string(), ..Built::default() };
                let flavours = spec.tests.iter().map(|test| spec.kernel(test));
                (Vec::new(), flavours.map(|flavour| (flavour, Ok(built.clone()))).collect())
            }
        };
        let mut verdicts: Vec<Verdict> = Vec::new();
        for test in &spec.tests {
            if (self.options.stop)() {
                return Err(TargetError::Cancelled.into());
            }
            let verdict = match self.missing(test, &verdicts) {
                Some(verdict) => verdict,
                None => self.test(test, &built, folder.path())?,
            };
            self.tell(Event::Tested(name.clone(), verdict.clone()));
            verdicts.push(verdict);
        }
        let notes = notes.iter().map(|note| format!("left out: {note}")).collect();
        let graded = Graded::new(name, notes, verdicts);
        self.tell(Event::Graded(graded.clone()));
        Ok(graded)
    }

    /// For each kernel that a test names.
    fn build(&self, unpacked: &Path) -> LabResult<Builds> {
        let (spec, kernels) = (self.options.spec, self.options.kernels);
        let mut built = BTreeMap::new();
        for test in &spec.tests {
            let flavour = spec.kernel(test);
            if let Entry::Vacant(free) = built.entry(flavour) {
                let stop = self.options.stop;
                let built = tried(|| build::build(spec, kernels, flavour, unpacked, stop));
                free.insert(match built {
                    Err(error) if !is_stop(&error) => Err(error.to_string()),
                    built => Ok(built?),
                });
            }
        }
        Ok(built)
    }

    /// What becomes of a test that needs one which has not passed.
    fn missing(&self, test: &Test, verdicts: &[Verdict]) -> Option<Verdict> {
        let passed = |name: &str| {
            verdicts
                .iter()
                .any(|verdict| verdict.test == name && verdict.outcome == Outcome::Passed)
        };
        let needed = test.needs.iter().find(|needed| !passed(needed.get_ref()))?;
        let reason = format!("it needs the test {}, which has not passed", needed.get_ref());
        Some(Verdict { outcome: Outcome::Skipped, ..nothing(test, reason, Vec::new()) })
    }

    fn test(&self, test: &Test, builds: &Builds, sources: &Path) -> LabResult<Verdict> {
        let spec = self.options.spec;
        let flavour = spec.kernel(test);
        let none = Ok(Built::default());
        let built = match builds.get(&flavour).unwrap_or(&none) {
            Ok(built) => built,
            Err(why) => return Ok(unjudged(test, format!("it could not be built here: {why}"))),
        };
        if built.modules.is_empty() {
            return Ok(nothing(test, built.why.clone(), built.lines.clone()));
        }
        let place = self.place(test, built)?;
        let recordings = self.options.recordings.as_ref();
        let file = recordings.map(|folder| folder.place(&self.submission.name, test.name()));
        if self.options.resume
            && let Some(verdict) = cache::read_json::<Verdict>(&place)
            && file.as_ref().is_none_or(|file| file.is_file())
        {
            return Ok(Verdict { recording: file, ..verdict });
        }
        let kernel = self.options.kernels.get(&flavour);
        let kernel =
            kernel.ok_or_else(|| LabError::Guest(format!("there is no {flavour} kernel")))?;
        let root = cache::root().map_err(|error| LabError::Guest(error.to_string()))?;
        let options = LabOptions {
            host_files: HostFiles::System,
            append: test.append.clone(),
            ..LabOptions::new(BootKernel::from(kernel), PathBuf::from("/"), root)
        };
        let record = recordings.zip(file.as_deref());
        let record = record.map(|(recordings, file)| (recordings.record, file));
        let job = Job { spec, test, built, sources, options, record, stop: self.options.stop };
        match tried(|| session::run(&job)) {
            Ok(verdict) => {
                if let Some(folder) = place.parent() {
                    let made = std::fs::create_dir_all(folder);
                    made.map_err(LabError::io(format!("make {}", folder.display())))?;
                }
                cache::write_json(&place, &verdict)
                    .map_err(|error| LabError::Guest(error.to_string()))?;
                Ok(verdict)
            }
            Err(error) if is_stop(&error) => Err(error),
            Err(error) => {
                Ok(unjudged(test, format!("no guest could be had to judge it in: {error}")))
            }
        }
    }

    /// Where the verdict of a test is kept: by all that it depends on.
    fn place(&self, test: &Test, built: &Built) -> LabResult<PathBuf> {
        let root = cache::root().map_err(|error| LabError::Guest(error.to_string()))?;
        let mut hash = Sha256::new();
        let text = serde_json::to_string(test)
            .map_err(|error| LabError::Guest(format!("write the description as JSON: {error}")))?;
        let limit = self.options.spec.time_limit.to_string();
        for part in [env!("CARGO_PKG_VERSION"), &built.key, &limit, &text] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let name = format!("{}.json", hex(&hash.finalize()[..16]));
        Ok(root.join("graded/verdicts").join(name))
    }
}

/// Does nobody want it any more?
fn is_stop(error: &LabError) -> bool {
    matches!(error, LabError::Target(TargetError::Cancelled))
}

/// Of a test that could not be judged, which is no fault of the submission's.
fn unjudged(test: &Test, reason: String) -> Verdict {
    Verdict { outcome: Outcome::Unjudged, ..nothing(test, reason, Vec::new()) }
}

/// A verdict without a guest.
fn nothing(test: &Test, reason: String, excerpt: Vec<String>) -> Verdict {
    Verdict {
        test: test.name().to_owned(),
        title: test.title.clone(),
        outcome: Outcome::Failed,
        points: 0.0,
        worth: test.worth(),
        hidden: test.hidden,
        reason,
        excerpt,
        hint: test.hint.clone(),
        seconds: 0.0,
        recording: None,
    }
}

/// Tries again what failed for want of a guest.
fn tried<T>(mut what: impl FnMut() -> LabResult<T>) -> LabResult<T> {
    let mut last = what();
    for _ in 1..ATTEMPTS {
        match &last {
            Ok(_) => break,
            Err(error) if is_stop(error) => break,
            Err(error) => tracing::warn!("once more: {error}"),
        }
        last = what();
    }
    last
}
