// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tools and packages are needed for.

use crate::lab::flavour::Flavour;

/// What is going to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// A guest will be started.
    pub vm: bool,
    /// A kernel of this flavour, and modules for it, will be built.
    pub build: Option<Flavour>,
    /// The kernel's sources will be fetched, unless they are here already.
    pub sources: bool,
    /// A guest will be debugged.
    pub gdb: bool,
}

impl Needs {
    /// Everything for a lab with this kernel.
    pub fn all(flavour: Flavour) -> Self {
        Self { vm: true, build: Some(flavour), sources: true, gdb: false }
    }

    /// What debugs the guest of a lab that runs.
    pub fn debugger() -> Self {
        Self { vm: false, build: None, sources: false, gdb: true }
    }
}
