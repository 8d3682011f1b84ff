// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading and writing the small text files of `/proc` and `/sys`.

use std::io::{ErrorKind, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::kernel::error::{TargetError, TargetResult};

/// Where the kernel keeps what it says of modules.
pub(super) const SYS_MODULE: &str = "/sys/module";

/// A file's text without the newline at its end.
pub(super) fn text(path: impl AsRef<Path>) -> Result<String> {
    let bytes = std::fs::read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// A file's text as a number, if there is one.
pub(super) fn number<T: std::str::FromStr>(path: impl AsRef<Path>) -> Option<T> {
    text(path).ok()?.trim().parse().ok()
}

/// Writes a value to a file of the kernel's, in one write and as it is.
pub(super) fn write(path: &Path, value: &str, doing: &str) -> TargetResult<()> {
    use std::io::Write;
    std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|mut file| file.write_all(value.as_bytes()))
        .map_err(|error| {
            let why = match error.kind() {
                ErrorKind::PermissionDenied if is_read_only(path) => "it is read-only",
                ErrorKind::PermissionDenied => "only root may write it",
                ErrorKind::InvalidInput => "the value is outside what the module accepts",
                _ => "",
            };
            TargetError::io(&error, doing).with_hint(why)
        })
}

/// Can nobody write the file, not even root? So it is in sysfs.
pub(super) fn is_read_only(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.permissions().mode() & 0o222 == 0)
}

/// The name of a module, parameter, control or table, made safe to stand in a
/// path.
pub(super) fn name<'a>(what: &str, name: &'a str) -> TargetResult<&'a str> {
    if name.is_empty() || name.contains(['/', '\0']) || name.starts_with('.') {
        return Err(TargetError::Invalid(format!("{name:?} is not the name of a {what}")));
    }
    Ok(name)
}

/// Is this kernel a guest of a Ringside lab? Its command line says so.
pub fn guest() -> bool {
    text("/proc/cmdline").is_ok_and(|line| line.split_ascii_whitespace().any(|w| w == "ringside=1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lead_out_of_its_folder() {
        for bad in ["", "..", "a/b", ".hidden", "a\0b"] {
            assert!(name("module", bad).is_err(), "{bad:?}");
        }
        assert_eq!(name("module", "my_name"), Ok("my_name"));
    }
}
