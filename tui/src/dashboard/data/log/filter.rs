// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which rows are shown, and what became of the records.

/// Which rows are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The least urgent level shown, 0 to 7.
    pub level: u8,
    /// Only records of this source: a module, a subsystem.
    pub source: Option<String>,
    /// Only records with a match of the pattern.
    pub only_matches: bool,
}

impl Default for Filter {
    fn default() -> Self {
        Self { level: 7, source: None, only_matches: false }
    }
}

/// What became of the kernel's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// They arrived.
    pub received: u64,
    /// The kernel had overwritten them before they were read.
    pub lost: u64,
    /// They are missing, and the kernel did not say that it lost them.
    pub missing: u64,
}
