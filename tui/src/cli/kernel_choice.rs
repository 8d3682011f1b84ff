// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--kernel`: which kernel a command is about.

use clap::Args;

use super::error::Failure;
use crate::lab::flavour::Flavour;

/// The option.
#[derive(Args, Clone, Debug, Default)]
pub struct KernelChoice {
    /// Which kernel: `lab` is small and quick, `debug` has the sanitizers that
    /// find mistakes in modules [default: RINGSIDE_KERNEL, else lab]
    #[arg(long = "kernel", value_name = "lab|debug")]
    name: Option<String>,
}

impl KernelChoice {
    /// The flavour.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn flavour(&self) -> Result<Flavour, Failure> {
        let flavour = match self.name.as_deref() {
            Some(name) => name.parse(),
            None => Flavour::from_environment(),
        };
        flavour.map_err(|error| Failure::usage(error.to_string()))
    }
}
