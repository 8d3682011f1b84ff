// SPDX-License-Identifier: MIT OR Apache-2.0
//! The binary: hands the command line to the library, prints what went wrong
//! and exits with its status.
fn main() -> std::process::ExitCode {
    ringside::cli::main()
}
