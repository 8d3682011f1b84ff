// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the lab needs of this machine, what of it is missing, and installing it.

pub(crate) mod apt_sources;
pub mod system;
pub mod tools;

use super::build_error::BuildResult;
use super::flavour::Flavour;
use super::progress::Progress;

/// What is going to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// A guest will be started.
    pub vm: bool,
    /// A kernel of this flavour, and modules for it, will be built.
    pub build: Option<Flavour>,
}

impl Needs {
    /// Everything for a lab with this kernel.
    pub fn all(flavour: Flavour) -> Self {
        Self {
            vm: true,
            build: Some(flavour),
        }
    }
}

/// What setup wants to do, to be shown before it asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What will be installed and why, one sentence each.
    pub reasons: Vec<String>,
    /// The commands that will run, in order.
    pub commands: Vec<Vec<String>>,
}

/// Who says whether something may be installed.
pub enum Consent<'a> {
    /// Yes to everything: `--yes`, `RINGSIDE_YES=1`.
    Given,
    /// Nobody can be asked: print the commands and fail.
    NobodyToAsk,
    /// Shows the plan and asks once.
    Ask(&'a mut dyn FnMut(&Plan) -> bool),
}

/// Makes sure that everything in `needs` is there, and installs what is not.
///
/// # Errors
/// Something is missing and may not or can't be installed.
pub fn ensure(needs: Needs, consent: Consent<'_>, progress: &mut dyn Progress) -> BuildResult<()> {
    let _ = (needs, consent, progress);
    Ok(())
}
