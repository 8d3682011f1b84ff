// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside build`: the kernel, and modules for it.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
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
use crate::text::escape::visible;

/// Build the kernel, and modules for it
///
/// Without a folder this builds the kernel (the first time it takes some
/// minutes, later only what changed) and Ringside's own modules. With folders
/// it builds the modules there, which need a Kbuild file or a Makefile with
/// `obj-m`:
///
///     echo 'obj-m += hello.o' > hello/Kbuild
///     ringside build hello
///     ringside build provider consumer      # they see each other's symbols
///     ringside build --editor hello         # for clangd and rust-analyzer
///
/// Nothing is written to the folders: what is built goes to the cache, and its
/// path is printed. The compiler's messages appear as they are. A module that
/// can't be built takes no other with it: what was built is listed, what was
/// not is named with its reason, and the status is 1.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Build {
    /// Folders with modules' sources [default: Ringside's own]
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    folders: Vec<PathBuf>,
    #[command(flatten)]
    kernel: KernelChoice,
    /// Build only the kernel
    #[arg(long, conflicts_with = "folders")]
    kernel_only: bool,
    /// A folder or tarball of Linux 7.3 to build from, now and later, instead
    /// of fetching one. It is copied and not changed
    #[arg(long, value_name = "PATH")]
    kernel_source: Option<PathBuf>,
    /// Do not ask before installing what is missing; RINGSIDE_YES=1 says the same
    #[arg(short, long)]
    yes: bool,
    /// Write compile_commands.json and rust-project.json into the folders, for
    /// editors (clangd, rust-analyzer); the only thing that is ever written there
    #[arg(long, requires = "folders")]
    editor: bool,
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
    modules: Vec<PathBuf>,
    failed: Vec<&'a modules::Failed>,
    notes: Vec<&'a String>,
}

impl Build {
    /// Builds, and prints the paths of the modules.
    pub fn run(&self) -> Outcome {
        let flavour = self.kernel.flavour()?;
        // Before anything is installed that could then have no place.
        cache::place()?;
        let mut show = Show::new();
        if self.kernel_source.is_some() || linux::built(flavour).is_none() {
            let sources = self.kernel_source.is_none();
            let needs = Needs { vm: false, build: Some(flavour), sources, gdb: false };
            with_consent(self.yes, |consent| setup::ensure(needs, consent, &mut show))?;
        }
        let kernel = match &self.kernel_source {
            Some(source) => linux::ensure_from(flavour, source, &mut show)?,
            None => linux::ensure(flavour, &mut show)?,
        };
        let folders = match (self.kernel_only, self.folders.is_empty()) {
            (true, _) => Vec::new(),
            (false, false) => self.folders.clone(),
            (false, true) => vec![modules::ours()?],
        };
        // The compiler's words have passed over the screen as they came.
        let built = modules::build_all(&kernel, &folders, &mut show)
            .map_err(BuildError::without_last_words)?;
        if self.editor {
            for built in &built {
                for file in modules::write_for_editors(&kernel, &built.folder, &mut show)? {
                    crate::lab::progress::Progress::report(
                        &mut show,
                        crate::lab::progress::Event::Note(format!("wrote {}", file.display())),
                    );
                }
            }
        }
        drop(show);
        self.print(&kernel, &built)
    }

    fn print(&self, kernel: &Kernel, built: &[modules::Built]) -> Outcome {
        let mut out = std::io::stdout().lock();
        use std::io::Write;
        if self.json {
            let result = Built {
                flavour: kernel.flavour.name(),
                release: &kernel.release,
                image: &kernel.image,
                vmlinux: &kernel.vmlinux,
                build_dir: &kernel.build_dir,
                source_dir: &kernel.source_dir,
                make_arguments: &kernel.make_arguments,
                modules: built.iter().flat_map(|built| built.modules.clone()).collect(),
                failed: built.iter().flat_map(|built| &built.failed).collect(),
                notes: built.iter().flat_map(|built| &built.notes).collect(),
            };
            writeln!(out, "{}", pretty_json(&result)?)?;
        } else if self.kernel_only {
            writeln!(out, "{}", kernel.image.display())?;
        } else {
            for module in built.iter().flat_map(|built| &built.modules) {
                writeln!(out, "{}", module.display())?;
            }
        }
        out.flush()?;
        let failed: Vec<_> = built.iter().flat_map(|built| &built.failed).collect();
        for failed in &failed {
            let why = failed.why.first().map_or("it does not compile", String::as_str);
            let line = format!("{} was not built: {why}", failed.module);
            writeln!(std::io::stderr(), "{}", visible(&line))?;
            if let Some(hint) = failed.hint() {
                writeln!(std::io::stderr(), "  {}", visible(hint))?;
            }
        }
        Ok(u8::from(!failed.is_empty()))
    }
}
