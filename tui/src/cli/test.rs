// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside test`: a folder's KUnit tests.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueHint};
use serde_json::json;

use super::consent::with_consent;
use super::our_module::Words;
use super::output::print_json;
use super::parameter_line::parameter_line;
use super::progress::Show;
use super::{Connection, Failure, Outcome};
use crate::lab::build_error::BuildError;
use crate::lab::built_module::{self, BuiltModule};
use crate::lab::cache;
use crate::lab::flavour::Flavour;
use crate::lab::kunit::{self, Case, Event, Plan, Subject, Verdict};
use crate::lab::linux::Kernel;
use crate::lab::modules;
use crate::lab::options::{BootKernel, LabOptions};
use crate::lab::progress::Progress;
use crate::lab::ready::ready;
use crate::text::escape::visible;

/// How long a case may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Run the unit tests (KUnit) of a folder's modules, in the debug kernel
///
///     ringside test pulse
///     ringside test pulse --only 'pulse.an_*'
///     ringside test pulse interval_ms=10 --junit results.xml
///
/// The modules are built for the debug kernel and loaded in a guest of their
/// own; each case is shown with its time, and a failed one with what the kernel
/// wrote meanwhile. A report of KASAN, lockdep or another check fails the case
/// during which it came. A case that hangs (longer than --timeout, 60 s) or
/// kills the kernel has failed, and the others run in another guest.
///
/// Exit status: 0 all passed or were skipped, 1 one failed or there is none.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Test {
    /// A folder with a Kbuild file
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    folder: PathBuf,
    /// The module's parameters
    #[arg(value_name = "PARAMETER=VALUE")]
    parameters: Vec<String>,
    /// Only these cases, with * and ?
    #[arg(long, value_name = "SUITE.CASE")]
    only: Option<String>,
    /// Write the verdict as JUnit XML
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    junit: Option<PathBuf>,
    /// Print the verdict as JSON
    #[arg(long)]
    json: bool,
}

impl Test {
    /// Runs them.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let parameters = parameter_line(&self.parameters)?;
        let patience = connection.timeout.filter(|seconds| *seconds > 0);
        let plan = self.plan(&parameters, patience.map_or(PATIENCE, Duration::from_secs))?;
        let began = Instant::now();
        let mut trouble = None;
        let verdict = kunit::run(&plan, &mut |event| {
            if !self.json && trouble.is_none() {
                trouble = show(&event).err();
            }
        })?;
        if let Some(trouble) = trouble {
            return Err(trouble.into());
        }
        if let Some(path) = &self.junit {
            std::fs::write(path, kunit::junit(&verdict))
                .map_err(|error| Failure::io(format!("write {}", path.display()), &error))?;
        }
        self.conclude(&verdict, began.elapsed())
    }

    fn plan(&self, parameters: &str, patience: Duration) -> Result<Plan, Failure> {
        let mut progress = Show::new();
        let kernel = with_consent(false, |consent| ready(Flavour::Debug, consent, &mut progress))?;
        let only = self.only.as_deref();
        let wanted = Wanted { folder: &self.folder, parameters, only, patience };
        plan(&wanted, &kernel, &mut progress, BuildError::without_last_words)
    }

    fn conclude(&self, verdict: &Verdict, took: Duration) -> Outcome {
        let [passed, failed, skipped] =
            [kunit::Outcome::Passed, kunit::Outcome::Failed, kunit::Outcome::Skipped]
                .map(|outcome| verdict.count(outcome));
        if self.json {
            let cases: Vec<_> = verdict.cases.iter().map(value).collect();
            print_json(&json!({
                "passed": passed,
                "failed": failed,
                "skipped": skipped,
                "cases": cases,
            }))?;
        } else {
            let seconds = took.as_secs_f64();
            let mut out = std::io::stdout();
            writeln!(out, "{passed} passed, {failed} failed, {skipped} skipped in {seconds:.1} s")?;
        }
        if verdict.cases.is_empty() {
            let which = match &self.only {
                Some(only) => format!("has no case that {only} names"),
                None => "has no KUnit tests".to_owned(),
            };
            return Err(Failure::new(format!("{} {which}", self.folder.display()))
                .with_help("`ringside new` makes a module that has some"));
        }
        Ok(u8::from(verdict.failed()))
    }
}

/// What is to be tested, and how.
pub(super) struct Wanted<'a> {
    pub(super) folder: &'a Path,
    pub(super) parameters: &'a str,
    pub(super) only: Option<&'a str>,
    pub(super) patience: Duration,
}

/// Builds the modules for `kernel`, and says how they are tested.
///
/// # Errors
/// They can't be built, or there are parameters for several.
pub(super) fn plan(
    wanted: &Wanted<'_>,
    kernel: &Kernel,
    progress: &mut dyn Progress,
    words: Words,
) -> Result<Plan, Failure> {
    let files = modules::build(kernel, wanted.folder, progress).map_err(words)?;
    let images = built_module::read(&files)?;
    if images.len() > 1 && !wanted.parameters.is_empty() {
        let what = wanted.folder.display();
        return Err(Failure::usage(format!(
            "{what} makes {} modules, and parameters are for one",
            images.len()
        )));
    }
    let subject = |image: BuiltModule| Subject {
        name: image.name,
        image: image.bytes,
        parameters: wanted.parameters.to_owned(),
    };
    let work = Path::new("/").to_owned();
    Ok(Plan {
        options: LabOptions {
            append: kunit::guest_arguments().into(),
            ..LabOptions::new(BootKernel::from(kernel), work, cache::root()?)
        },
        subjects: images.into_iter().map(subject).collect(),
        only: wanted.only.map(str::to_owned),
        patience: wanted.patience,
    })
}

fn word(outcome: kunit::Outcome) -> &'static str {
    match outcome {
        kunit::Outcome::Passed => "passed",
        kunit::Outcome::Failed => "failed",
        kunit::Outcome::Skipped => "skipped",
    }
}

fn value(case: &Case) -> serde_json::Value {
    json!({
        "suite": case.suite,
        "name": case.name,
        "outcome": word(case.outcome),
        "seconds": case.time_us as f64 / 1e6,
        "why": case.why,
        "lines": case.lines,
    })
}

/// A case in a line; of one that failed also what the kernel wrote.
fn show(event: &Event) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let Event::Case(case) = event else {
        return Ok(());
    };
    let why = match case.why.as_str() {
        "" => String::new(),
        why => format!("  ({why})"),
    };
    let milliseconds = case.time_us as f64 / 1000.0;
    let name = format!("{}.{}", case.suite, case.name);
    let line = format!("{:<7} {name:<56} {milliseconds:>9.1} ms{why}", word(case.outcome));
    writeln!(out, "{}", visible(line.trim_end()))?;
    if case.outcome == kunit::Outcome::Failed {
        for line in &case.lines {
            writeln!(out, "        {}", visible(line.trim_end()))?;
        }
    }
    out.flush()
}
