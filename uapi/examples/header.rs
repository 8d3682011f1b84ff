// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
//! Prints the contract as a C header; see `ringside_uapi::c_header`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut header = String::new();
    if ringside_uapi::c_header::write(&mut header).is_err() {
        return ExitCode::FAILURE;
    }
    print!("{header}");
    ExitCode::SUCCESS
}
