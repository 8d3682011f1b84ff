// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commands that mean the same everywhere.

use super::commands::Command;

/// The commands that mean the same everywhere.
pub const COMMANDS: &[Command] = &[];
