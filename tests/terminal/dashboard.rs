// SPDX-License-Identifier: MIT OR Apache-2.0
//! A dashboard with a lab of its own, ready for keys.

use std::path::Path;

use super::runtime::Runtime;
use super::session::Session;

/// Rows and columns of the terminal that most people have.
pub const SMALL: (u16, u16) = (24, 80);

/// Starts a dashboard on a terminal of this size (rows, columns), with more of
/// an environment; returns once its kernel answers.
pub fn start(runtime: &Runtime, size: (u16, u16), more: &[(&str, &str)]) -> Session {
    let folder = runtime.folder();
    let mut environment =
        vec![("XDG_RUNTIME_DIR", folder), ("XDG_STATE_HOME", folder), ("XDG_CONFIG_HOME", folder)];
    environment.extend_from_slice(more);
    let binary = Path::new(env!("CARGO_BIN_EXE_ringside"));
    let session = Session::start_with(binary, &[], size.0, size.1, &environment);
    session.wait_for(" connected");
    session
}

/// As most people have it.
pub fn dashboard(runtime: &Runtime) -> Session {
    start(runtime, SMALL, &[])
}
