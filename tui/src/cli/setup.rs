// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside setup`: installs what the lab needs and builds the kernel.

use std::path::PathBuf;

use clap::Args;

use super::Outcome;
use super::consent::with_consent;
use super::kernel_choice::KernelChoice;
use super::progress::Show;
use crate::lab::cache;
use crate::lab::linux;
use crate::lab::setup::{self, Needs};

/// Install what the lab needs, and build its kernel
///
///     ringside setup
///     ringside setup --yes --kernel debug
///     ringside setup --kernel-source linux-7.3.4.tar.xz
///
/// Looks for the programs that run and build the lab (QEMU, compilers, Rust's
/// library sources, …), says which are missing and what it would run to
/// install them, asks once, and does it. Then it fetches Linux 7.3 and builds
/// it, which takes some minutes the first time. `ringside doctor` shows the
/// same without changing anything.
///
/// On Debian 12 and 13 it installs packages itself, as root or with sudo;
/// elsewhere it prints the commands. The commands that need a lab do all of
/// this by themselves when something is missing.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Setup {
    /// Do not ask; RINGSIDE_YES=1 says the same
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    kernel: KernelChoice,
    /// Only install programs; do not fetch and build the kernel
    #[arg(long)]
    no_build: bool,
    /// Install gdb, too, which `ringside gdb` starts
    #[arg(long)]
    gdb: bool,
    /// A folder or tarball of Linux 7.3 to build from, instead of fetching one.
    /// It is copied and not changed
    #[arg(long, value_name = "PATH")]
    kernel_source: Option<PathBuf>,
}

impl Setup {
    /// Does it.
    pub fn run(&self) -> Outcome {
        let flavour = self.kernel.flavour()?;
        // Before anything is installed that could then have no place.
        cache::place()?;
        let mut show = Show::new();
        let needs = Needs { gdb: self.gdb, ..Needs::all(flavour) };
        with_consent(self.yes, |consent| setup::ensure(needs, consent, &mut show))?;
        if !self.no_build {
            let kernel = match &self.kernel_source {
                Some(source) => linux::ensure_from(flavour, source, &mut show)?,
                None => linux::ensure(flavour, &mut show)?,
            };
            show.say(&format!("Linux {} is ready", kernel.release));
        } else {
            show.say("everything that the lab needs is installed");
        }
        Ok(0)
    }
}
