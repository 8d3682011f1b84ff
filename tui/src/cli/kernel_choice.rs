// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--kernel`: which kernel a command is about.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::error::Failure;
use crate::lab::flavour::Flavour;

/// The option.
#[derive(Args, Clone, Debug, Default)]
pub struct KernelChoice {
    /// Which kernel: `lab` is small and quick, `debug` has the sanitizers that
    /// find mistakes in modules [default: RINGSIDE_KERNEL, else lab]
    #[arg(long, value_name = "lab|debug", value_parser = flavours(), hide_possible_values = true)]
    kernel: Option<Flavour>,
}

/// The kernels as they are typed.
pub(super) fn flavours() -> impl TypedValueParser<Value = Flavour> {
    PossibleValuesParser::new(Flavour::ALL.map(Flavour::name)).try_map(|name| name.parse())
}

impl KernelChoice {
    /// The flavour.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn flavour(&self) -> Result<Flavour, Failure> {
        chosen(self.kernel)
    }
}

/// What is given, else what the environment says.
///
/// # Errors
/// The variable names no kernel.
pub(super) fn chosen(given: Option<Flavour>) -> Result<Flavour, Failure> {
    match given {
        Some(flavour) => Ok(flavour),
        None => Flavour::from_environment()
            .map_err(|error| Failure::usage(format!("RINGSIDE_KERNEL: {error}"))),
    }
}
