// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line.
use std::process::ExitCode;

/// Runs the program and returns its exit status.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
