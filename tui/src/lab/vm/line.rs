// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU's command line as it is put together, and as a shell takes it.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// `program` and `arguments` as one line for a POSIX shell.
pub(super) fn shell_line(program: &Path, arguments: &[OsString]) -> OsString {
    let mut line = Vec::new();
    for word in
        std::iter::once(program.as_os_str()).chain(arguments.iter().map(OsString::as_os_str))
    {
        if !line.is_empty() {
            line.push(b' ');
        }
        match shlex::bytes::try_quote(word.as_bytes()) {
            Ok(quoted) => line.extend_from_slice(&quoted),
            // Only a NUL byte can't be quoted, and no argument can hold one.
            Err(_) => line.extend_from_slice(word.as_bytes()),
        }
    }
    OsString::from_vec(line)
}

pub(super) struct Line(pub(super) Vec<OsString>);

impl Line {
    pub(super) fn flag(&mut self, option: &str) {
        self.0.push(option.into());
    }

    pub(super) fn pair(&mut self, option: &str, value: &str) {
        self.0.push(option.into());
        self.0.push(value.into());
    }

    pub(super) fn path(&mut self, option: &str, value: &Path) {
        self.0.push(option.into());
        self.0.push(value.into());
    }

    /// A value that names a path among other settings: QEMU splits at commas
    /// and takes two of them for one that is meant.
    pub(super) fn with_path(&mut self, option: &str, before: &str, path: &Path, after: &str) {
        let mut value = before.as_bytes().to_vec();
        for byte in path.as_os_str().as_bytes() {
            value.push(*byte);
            if *byte == b',' {
                value.push(b',');
            }
        }
        value.extend_from_slice(after.as_bytes());
        self.0.push(option.into());
        self.0.push(OsString::from_vec(value));
    }
}
