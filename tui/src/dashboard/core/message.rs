// SPDX-License-Identifier: MIT OR Apache-2.0
//! What one view wants of another, without knowing which one it is.

use super::workbench::Bench;

/// A wish; the view that takes it comes onto the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Show the view that drives this module.
    Module(&'static str),
    /// Show the record of the kernel log with this number.
    Record(u64),
    /// Watch this folder.
    Workbench(Bench),
}
