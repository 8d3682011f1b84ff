// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a module can be written in.

/// What a module is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Over the kernel's own crate and the published part of `modules/support`.
    Rust,
    /// C.
    C,
}

impl Language {
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Rust => "rs",
            Self::C => "c",
        }
    }
}
