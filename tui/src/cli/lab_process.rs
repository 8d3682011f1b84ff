// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside lab-process`: what `up` and the dashboard start in the background.
//! Hidden: it is of no use on a terminal.

use clap::Args;

use super::{Failure, Outcome};
use crate::lab::process;

/// Run a lab; started by `ringside up` and the dashboard
#[derive(Args, Clone, Debug)]
pub struct LabProcess {}

impl LabProcess {
    /// Runs the lab until it ends.
    pub fn run(&self) -> Outcome {
        use std::os::fd::AsFd;
        if nix::unistd::isatty(std::io::stdin().as_fd()).unwrap_or(false) {
            return Err(Failure::usage("`lab-process` is for ringside's own use")
                .with_help("`ringside up` starts a lab"));
        }
        process::run()?;
        Ok(0)
    }
}
