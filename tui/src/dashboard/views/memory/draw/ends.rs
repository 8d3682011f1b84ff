// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a process ended, in a word.

/// How a process ended, in a word.
use crate::kernel::api::ProgramEnd;
pub(crate) fn end_word(end: ProgramEnd) -> String {
    match end {
        ProgramEnd::Exited(status) => format!("(exit {status})"),
        ProgramEnd::Signalled(signal) => signal_name(signal),
        ProgramEnd::NotFound | ProgramEnd::NotExecutable(_) => "(never ran)".into(),
    }
}

/// A signal's name.
pub(crate) fn signal_name(signal: i32) -> String {
    match nix::sys::signal::Signal::try_from(signal) {
        Ok(signal) => signal.as_str().into(),
        Err(_) => format!("signal {signal}"),
    }
}
