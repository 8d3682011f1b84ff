// SPDX-License-Identifier: MIT OR Apache-2.0
//! A place of its own for each test's labs, so that tests that run side by
//! side, and the labs of whoever runs them, do not meet.

/// A folder for sockets, settings and state, gone when it is dropped.
pub struct Runtime {
    folder: tempfile::TempDir,
}

impl Runtime {
    /// Makes one.
    pub fn new() -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("the temporary folder can be written");
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder.path(), private).expect("it is ours");
        Self { folder }
    }

    /// Its path.
    pub fn folder(&self) -> &str {
        self.folder.path().to_str().expect("a plain path")
    }
}

const RINGSIDE: &str = env!("CARGO_BIN_EXE_ringside");

/// Runs a command of Ringside for the labs below a runtime folder; returns its
/// standard output.
pub fn ringside(folder: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(RINGSIDE)
        .args(arguments)
        .env("XDG_RUNTIME_DIR", folder)
        .output()
        .expect("ringside starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
