// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside doctor`: what the lab needs and what of it is missing.

use std::io::Write;

use clap::Args;
use serde::Serialize;

use super::Outcome;
use super::error::FAILED;
use super::kernel_choice::KernelChoice;
use super::output::pretty_json;
use crate::lab::flavour::Flavour;
use crate::lab::linux::{self, Kernel};
use crate::lab::paths::lossy;
use crate::lab::setup::Needs;
use crate::lab::setup::check::{self, Check, Report};
use crate::text::escape::visible;

/// Show what the lab needs, what is missing, and how to put it right
///
///     ringside doctor
///     ringside doctor --kernel debug
///
/// Changes nothing. Exit status 0 when everything is there, 1 when something
/// is missing. `ringside setup` installs it.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Doctor {
    #[command(flatten)]
    kernel: KernelChoice,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    report: &'a Report,
    kernels: Vec<BuiltKernel>,
    healthy: bool,
}

/// A kernel that is built.
#[derive(Serialize)]
struct BuiltKernel {
    flavour: Flavour,
    release: String,
    #[serde(serialize_with = "lossy")]
    build_dir: std::path::PathBuf,
}

impl From<Kernel> for BuiltKernel {
    fn from(kernel: Kernel) -> Self {
        Self { flavour: kernel.flavour, release: kernel.release, build_dir: kernel.build_dir }
    }
}

impl Doctor {
    /// Prints the table.
    pub fn run(&self) -> Outcome {
        let report = check::report(Needs::all(self.kernel.flavour()?));
        let healthy = report.missing().next().is_none();
        let kernels: Vec<BuiltKernel> =
            Flavour::ALL.into_iter().filter_map(linux::built).map(BuiltKernel::from).collect();
        let mut out = std::io::stdout().lock();
        if self.json {
            let printed = Printed { report: &report, kernels, healthy };
            writeln!(out, "{}", pretty_json(&printed)?)?;
        } else {
            write!(out, "{}", table(&report, &kernels))?;
        }
        Ok(if healthy { 0 } else { FAILED })
    }
}

fn table(report: &Report, kernels: &[BuiltKernel]) -> String {
    let width = report.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut text = format!("{}; cache {}\n\n", report.system, report.cache.display());
    for check in &report.checks {
        text.push_str(&line(check, width));
    }
    text.push('\n');
    for kernel in kernels {
        text.push_str(&format!(
            "{} kernel: Linux {} in {}\n",
            kernel.flavour,
            kernel.release,
            kernel.build_dir.display()
        ));
    }
    if kernels.is_empty() {
        text.push_str("no kernel is built yet; `ringside build` builds one\n");
    }
    let missing = report.missing().count();
    text.push_str(&match missing {
        0 => "nothing is missing\n".to_owned(),
        1 => "1 thing is missing; `ringside setup` installs what it can\n".to_owned(),
        number => format!("{number} things are missing; `ringside setup` installs what it can\n"),
    });
    visible(&text)
}

fn line(check: &Check, width: usize) -> String {
    let mark = if check.present { "ok     " } else { "MISSING" };
    let mut text = format!("{mark} {:width$}  {}\n", check.name, check.found);
    if !check.present {
        let indent = " ".repeat(width + 10);
        text.push_str(&format!("{indent}needed: it {}\n", check.purpose));
        if !check.remedy.is_empty() {
            text.push_str(&format!("{indent}remedy: {}\n", check.remedy));
        }
    }
    text
}
