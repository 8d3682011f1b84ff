// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside grade`: judges submissions by a description.

use std::collections::btree_map::Entry;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};

use super::consent::with_consent;
use super::interrupt::{self, Interrupt};
use super::kernel_choice::flavours;
use super::output::{pretty_json, print_json};
use super::progress::Show;
use super::{Failure, Outcome};
use crate::grade::spec::{Spec, SpecError};
use crate::grade::{self, Event, Graded, Kernels, Options, Submission, report};
use crate::lab::flavour::Flavour;
use crate::lab::linux;
use crate::lab::progress::Stop;
use crate::lab::ready::ready;
use crate::text::escape::visible;

/// Memory that a guest takes on this computer, in bytes: the debug kernel's, and QEMU.
const GUEST_BYTES: u64 = 1400 << 20;

/// Judge kernel modules that were handed in, each test in a guest of its own
///
///     ringside grade producer_consumer.toml alice/ bob.zip carol.tar.gz
///     ringside grade spec.toml handed-in/* --csv points.csv --reports pages/
///     ringside grade spec.toml alice/ --gradescope results.json
///     ringside grade --check spec.toml           only look for mistakes in it
///
/// The description (TOML) says what is built, done and must be true; every
/// report of the kernel's checks fails a test, too. A submission is a folder or
/// an archive (.zip, .tar, .tar.gz, .tar.xz, .tar.bz2, .tar.zst). Nothing of it
/// runs on this computer: it is built in a guest that sees system folders and
/// the submission only, and each test runs in a fresh guest. What a module does
/// to its guest costs its own test and no other.
///
/// Exit status: 0 all points were reached, 1 not all, 2 the description or the
/// command line makes no sense.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Grade {
    /// The description
    #[arg(value_name = "SPEC", value_hint = ValueHint::FilePath, required_unless_present = "schema")]
    spec: Option<PathBuf>,
    /// What was handed in: folders and archives
    #[arg(value_name = "SUBMISSION", value_hint = ValueHint::AnyPath)]
    submissions: Vec<PathBuf>,
    /// Judge on this kernel where a test names none [default: what the description
    /// says, else debug]
    #[arg(long, value_name = "lab|debug", value_parser = flavours(), hide_possible_values = true)]
    kernel: Option<Flavour>,
    /// Judge so many at a time [default: as many as fit]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    jobs: Option<u32>,
    /// Only look for mistakes in the description
    #[arg(long)]
    check: bool,
    /// Take over the verdicts of an earlier run on what has not changed since
    #[arg(long)]
    resume: bool,
    /// Print the verdicts as JSON
    #[arg(long)]
    json: bool,
    /// Write them as JUnit XML
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    junit: Option<PathBuf>,
    /// Write the points as a table for a spreadsheet
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    csv: Option<PathBuf>,
    /// Write the verdict on one submission as Gradescope's results.json
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    gradescope: Option<PathBuf>,
    /// Write a page (Markdown) for each student into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    reports: Option<PathBuf>,
    /// Record each test into this folder: `ringside replay DIR/SUBMISSION/TEST.ringside`
    /// plays it
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    recordings: Option<PathBuf>,
    /// Print the JSON schema of descriptions, for editors
    #[arg(long)]
    schema: bool,
}

impl Grade {
    /// Judges.
    pub fn run(&self) -> Outcome {
        let mut out = std::io::stdout();
        if self.schema {
            writeln!(out, "{}", pretty_json(&Spec::schema())?)?;
            return Ok(0);
        }
        let path = self.spec.as_deref().unwrap_or(Path::new(""));
        let mut spec = Spec::read(path)?;
        if let Some(kernel) = self.kernel {
            spec.kernel = kernel.into();
        }
        if self.check {
            let (tests, worth) = (spec.tests.len(), report::points(spec.worth()));
            let line = format!("{}: {tests} tests, {worth} points", path.display());
            super::output::say(
                self.json,
                &line,
                &serde_json::json!({"tests": tests, "points": spec.worth()}),
            )?;
            return Ok(0);
        }
        if self.submissions.is_empty() {
            return Err(Failure::usage("there is nothing to judge")
                .with_help("name folders or archives behind the description, or --check it"));
        }
        let mut submissions: Vec<Submission> = Vec::new();
        for path in &self.submissions {
            let one = Submission::new(path);
            let taken = |name: &str| submissions.iter().any(|other| other.name == name);
            // Each has a page and a line of its own.
            let numbered = (2..).map(|number| format!("{} ({number})", one.name));
            let name = std::iter::once(one.name.clone()).chain(numbered).find(|name| !taken(name));
            submissions.push(Submission { name: name.unwrap_or_default(), ..one });
        }
        if let Some(missing) = submissions.iter().find(|one| !one.path.exists()) {
            return Err(Failure::usage(format!(
                "{}: there is no such file or folder",
                missing.path.display()
            )));
        }
        if self.gradescope.is_some() && submissions.len() != 1 {
            return Err(Failure::usage(
                "--gradescope is for one submission: its file holds one result",
            ));
        }
        if let Some(folder) = &self.recordings {
            fs::create_dir_all(folder)
                .map_err(|error| Failure::io(format!("make {}", folder.display()), &error))?;
        }
        let kernels = kernels(&spec)?;
        let graded = self.judge(&spec, &submissions, &kernels)?;
        self.write(&spec, &graded)?;
        if self.json {
            print_json(&graded)?;
        } else if graded.len() > 1 {
            write!(out, "\n{}", report::summary(&graded))?;
        }
        Ok(u8::from(!graded.iter().all(Graded::is_whole)))
    }

    fn judge(
        &self,
        spec: &Spec,
        submissions: &[Submission],
        kernels: &Kernels,
    ) -> Result<Vec<Graded>, Failure> {
        let interrupt =
            Interrupt::catch().map_err(|error| Failure::io("wait for signals", &error))?;
        let stop = || interrupt.stop() > Stop::No;
        let jobs = self.jobs.map_or_else(fitting, |jobs| jobs as usize);
        let recordings = self.recordings.clone();
        let record = &super::grade_recording::record;
        let recordings = recordings.map(|folder| grade::Recordings { folder, record });
        let options = Options {
            spec,
            submissions,
            kernels,
            jobs,
            resume: self.resume,
            recordings,
            stop: &stop,
        };
        let mut trouble = None;
        let total = submissions.len();
        let mut count = 0;
        let graded = grade::run(&options, &mut |event| {
            if trouble.is_none() {
                trouble = self.tell(&event, &mut count, total).err();
            }
        });
        match (trouble, graded) {
            (Some(trouble), _) => Err(trouble),
            (None, Err(_)) if stop() => Err(Failure::new("interrupted")
                .with_help("the same command with --resume goes on from here")
                .with_status(interrupt::status())),
            (None, graded) => Ok(graded?),
        }
    }

    /// How far it is on standard error, and each submission once it is judged.
    fn tell(&self, event: &Event, count: &mut usize, total: usize) -> Result<(), Failure> {
        match event {
            Event::Building(name) => {
                drop(writeln!(std::io::stderr(), "{}: building", visible(name)));
            }
            Event::Tested(name, verdict) => {
                let (test, word) = (&verdict.test, verdict.outcome.word());
                drop(writeln!(std::io::stderr(), "{}: {test} {word}", visible(name)));
            }
            Event::Graded(graded) => {
                *count += 1;
                if self.json {
                    return Ok(());
                }
                let mut out = std::io::stdout().lock();
                let (points, worth) = (report::points(graded.points), report::points(graded.worth));
                let name = visible(&graded.submission);
                writeln!(out, "{name}: {points} of {worth} points ({count} of {total})")?;
                for note in &graded.notes {
                    writeln!(out, "  {}", visible(note))?;
                }
                for verdict in &graded.verdicts {
                    write!(out, "{}", report::verdict(verdict))?;
                }
                out.flush()?;
            }
        }
        Ok(())
    }

    fn write(&self, spec: &Spec, graded: &[Graded]) -> Result<(), Failure> {
        if let Some(path) = &self.junit {
            write(path, &report::junit(graded))?;
        }
        if let Some(path) = &self.csv {
            write(path, &report::csv(graded))?;
        }
        if let (Some(path), [one]) = (&self.gradescope, graded) {
            write(path, &format!("{}\n", pretty_json(&report::gradescope(one))?))?;
        }
        if let Some(folder) = &self.reports {
            fs::create_dir_all(folder)
                .map_err(|error| Failure::io(format!("make {}", folder.display()), &error))?;
            for one in graded {
                let path = folder.join(format!("{}.md", grade::file_name(&one.submission)));
                write(&path, &report::markdown(&spec.title, one))?;
            }
        }
        Ok(())
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| Failure::io(format!("write {}", path.display()), &error))
}

/// The kernels that a description needs, built first where they have to be.
fn kernels(spec: &Spec) -> Result<Kernels, Failure> {
    let mut kernels = Kernels::new();
    let named = spec.tests.iter().map(|test| spec.kernel(test));
    for flavour in named.chain([Flavour::Lab]) {
        if let Entry::Vacant(free) = kernels.entry(flavour) {
            let mut show = Show::new();
            free.insert(with_consent(false, |consent| ready(flavour, consent, &mut show))?);
        }
    }
    Ok(kernels)
}

/// How many guests fit in this computer's memory and cores.
fn fitting() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let fit = linux::available_memory() / GUEST_BYTES;
    cores.min(usize::try_from(fit).unwrap_or(cores)).max(1)
}

impl From<SpecError> for Failure {
    fn from(error: SpecError) -> Self {
        Self::usage(error.to_string())
    }
}
