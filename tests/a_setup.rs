// SPDX-License-Identifier: MIT OR Apache-2.0
//! Not a test, but what all of them need: installs what is missing, builds the
//! kernel and the modules, with its progress visible. It has no harness, since
//! that would hide the progress, and a name that comes first, since cargo runs
//! test programs in the order of their names.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    // `cargo test -- --list` and the like ask for tests, of which there are none here.
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/../modules");
    for arguments in [&["setup", "--gdb"][..], &["build", modules][..]] {
        eprintln!("ringside {}", arguments.join(" "));
        let status = Command::new(env!("CARGO_BIN_EXE_ringside")).args(arguments).status();
        match status {
            Ok(status) if status.success() => {}
            Ok(status) => {
                eprintln!(
                    "`ringside {}` failed ({status}): the tests need it",
                    arguments.join(" ")
                );
                return ExitCode::FAILURE;
            }
            Err(error) => {
                eprintln!("`ringside` can't be started: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
