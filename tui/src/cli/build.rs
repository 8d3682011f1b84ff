// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside build`: the kernel, and modules for it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::Outcome;
use super::consent::with_consent;
use super::kernel_choice::KernelChoice;
use super::output::pretty_json;
use super::progress::Show;
use crate::lab::build_error::BuildError;
use crate::lab::cache;
use crate::lab::linux::{self, Kernel};
use crate::lab::modules;
use crate::lab::paths::{all_lossy, lossy};
use crate::lab::setup::{self, Needs};

/// Build the kernel, and modules for it
///
/// Without a folder this builds the kernel (the first time it takes some
/// minutes, later only what changed) and Ringside's own modules. With a folder
/// it builds the modules there, which need a Kbuild file:
///
///     echo 'obj-m += hello.o' > hello/Kbuild
///     ringside build hello
///     ringside load hello
///
/// Nothing is written to the folder: what is built goes to the cache, and its
/// path is printed. The compiler's messages appear as they are.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Build {
    /// The folder with the modules' sources [default: Ringside's own]
    folder: Option<PathBuf>,
    #[command(flatten)]
    kernel: KernelChoice,
    /// Build only the kernel
    #[arg(long, conflicts_with = "folder")]
    kernel_only: bool,
    /// A folder or tarball of Linux 7.3 to build from, now and later, instead
    /// of fetching one. It is copied and not changed
    #[arg(long, value_name = "PATH")]
    kernel_source: Option<PathBuf>,
    /// Do not ask before installing what is missing; RINGSIDE_YES=1 says the same
    #[arg(short, long)]
    yes: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// What was built, as `--json` prints it.
#[derive(Serialize)]
struct Built<'a> {
    flavour: &'a str,
    release: &'a str,
    #[serde(serialize_with = "lossy")]
    image: &'a Path,
    #[serde(serialize_with = "lossy")]
    vmlinux: &'a Path,
    #[serde(serialize_with = "lossy")]
    build_dir: &'a Path,
    #[serde(serialize_with = "lossy")]
    source_dir: &'a Path,
    make_arguments: &'a [String],
    #[serde(serialize_with = "all_lossy")]
    modules: &'a [PathBuf],
}

impl Build {
    /// Builds, and prints the paths of the modules.
    pub fn run(&self) -> Outcome {
        let flavour = self.kernel.flavour()?;
        // Before anything is installed that could then have no place.
        cache::root()?;
        let mut show = Show::new();
        if self.kernel_source.is_some() || linux::built(flavour).is_none() {
            let needs = Needs { vm: false, build: Some(flavour) };
            with_consent(self.yes, |consent| setup::ensure(needs, consent, &mut show))?;
        }
        let kernel = match &self.kernel_source {
            Some(source) => linux::ensure_from(flavour, source, &mut show)?,
            None => linux::ensure(flavour, &mut show)?,
        };
        let folder = match (&self.folder, self.kernel_only) {
            (_, true) => None,
            (Some(folder), false) => Some(folder.clone()),
            (None, false) => Some(modules::ours()?),
        };
        let built = match folder {
            // The compiler's words have passed over the screen as they came.
            Some(folder) => modules::build(&kernel, &folder, &mut show)
                .map_err(BuildError::without_last_words)?,
            None => Vec::new(),
        };
        drop(show);
        self.print(&kernel, &built)
    }

    fn print(&self, kernel: &Kernel, modules: &[PathBuf]) -> Outcome {
        let mut out = std::io::stdout().lock();
        use std::io::Write;
        if self.json {
            let built = Built {
                flavour: kernel.flavour.name(),
                release: &kernel.release,
                image: &kernel.image,
                vmlinux: &kernel.vmlinux,
                build_dir: &kernel.build_dir,
                source_dir: &kernel.source_dir,
                make_arguments: &kernel.make_arguments,
                modules,
            };
            writeln!(out, "{}", pretty_json(&built)?)?;
        } else if self.kernel_only {
            writeln!(out, "{}", kernel.image.display())?;
        } else {
            for module in modules {
                writeln!(out, "{}", module.display())?;
            }
        }
        Ok(0)
    }
}
