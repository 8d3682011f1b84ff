// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside experiment`: lists experiments, looks for mistakes in one, opens the
//! dashboard with one.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::candidates;
use super::dashboard::Dashboard;
use super::lab_args::LabArgs;
use super::output::pretty_json;
use super::{Connection, Failure, Outcome};
use crate::dashboard;
use crate::experiment::{Experiment, Progress, Script, names, shipped};

/// Predict what the kernel does, see it happen, and be told why
///
///     ringside experiment                        list them, and how each went
///     ringside experiment fill-the-ring          open the dashboard with one
///     ringside experiment lesson.toml            one of your own
///     ringside experiment --check lesson.toml    only look for mistakes in it
///     ringside experiment --reset                forget how they went
///
/// A panel asks for a prediction, does a step on the real kernel or waits for your
/// keys, marks what to look at, and explains it with the numbers of the moment. In
/// the dashboard H lists the experiments.
///
/// Exit status: as the dashboard's; 2 when the experiment makes no sense.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct ExperimentCommand {
    /// One that comes with Ringside, or the file (.toml) of your own [default: list them]
    #[arg(value_name = "NAME|FILE", add = candidates::experiments())]
    experiment: Option<PathBuf>,
    /// Only look for mistakes in it
    #[arg(long, requires = "experiment")]
    check: bool,
    /// Print the list as a JSON array
    #[arg(long, conflicts_with_all = ["experiment", "check", "reset", "schema"])]
    json: bool,
    /// Forget how it went, or without a name how all of them went
    #[arg(long, conflicts_with = "check")]
    reset: bool,
    /// Print the JSON schema of experiments, for editors
    #[arg(long, conflicts_with_all = ["experiment", "check", "reset"])]
    schema: bool,
    #[command(flatten)]
    lab: LabArgs,
}

impl ExperimentCommand {
    /// Does it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let mut out = std::io::stdout();
        if self.schema {
            writeln!(out, "{}", pretty_json(&Experiment::schema())?)?;
            return Ok(0);
        }
        let script = self.experiment.as_deref().map(find).transpose()?;
        if self.reset {
            return reset(script.as_ref());
        }
        let Some(script) = script else {
            let all = all();
            match self.json {
                true => writeln!(out, "{}", pretty_json(&all)?)?,
                false => write!(out, "{}", list(&all))?,
            }
            return Ok(0);
        };
        if self.check {
            let (steps, questions) = (script.experiment.steps.len(), script.experiment.questions());
            writeln!(
                out,
                "{}: it makes sense (steps: {steps}, predictions: {questions})",
                script.experiment.title
            )?;
            return Ok(0);
        }
        Dashboard::for_experiment(self.lab.clone(), script).run(connection)
    }
}

/// One of ours by its name, or a file.
fn find(wanted: &Path) -> Result<Script, Failure> {
    let text = wanted.to_string_lossy();
    if let Some(script) = shipped(&text) {
        return Ok(script?);
    }
    if !wanted.exists() && wanted.components().count() == 1 && !text.ends_with(".toml") {
        let names: Vec<_> = names().collect();
        return Err(Failure::usage(format!("there is no experiment {text}"))
            .with_help(format!("there are {}; a file of yours ends in .toml", names.join(", "))));
    }
    Ok(Script::read(wanted)?)
}

/// One that comes with the program.
#[derive(Serialize)]
struct Entry {
    name: &'static str,
    title: String,
    about: String,
    /// The best time that it was done; absent: it was not done yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<Progress>,
}

/// All that come with the program, and how they went.
fn all() -> Vec<Entry> {
    let remembered = dashboard::state_path().map(|path| dashboard::recall(&path));
    let remembered = remembered.unwrap_or_default();
    let known = |name| {
        let Some(Ok(script)) = shipped(name) else { return None };
        let (title, about) = (script.experiment.title.clone(), script.experiment.about.clone());
        Some(Entry { name, title, about, done: Progress::of(&remembered, name) })
    };
    names().filter_map(known).collect()
}

fn list(all: &[Entry]) -> String {
    let mut text = String::new();
    for Entry { name, about, done, .. } in all {
        let done = done.map(|done| format!("  ({done})")).unwrap_or_default();
        // Writing to a string can't fail.
        let _ = writeln!(text, "{name}{done}\n    {about}");
    }
    text.push_str("\n`ringside experiment NAME` opens one in the dashboard.\n");
    text
}

fn reset(script: Option<&Script>) -> Outcome {
    let Some(path) = dashboard::state_path() else { return Ok(0) };
    let mut remembered = dashboard::recall(&path);
    if Progress::forget(&mut remembered, script.map(|script| script.id.as_str())) {
        dashboard::remember(&path, &remembered).map_err(|error| {
            Failure::new(format!("forget how experiments went in {}: {error}", path.display()))
        })?;
    }
    Ok(0)
}
