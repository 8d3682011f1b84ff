// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which version of Linux a tree or a tarball holds, and which will do.

use std::path::Path;
use std::process::Command;

use super::super::program;

/// The series of releases that Ringside works with.
pub const SERIES: &str = "7.3";

/// The version in a kernel's top Makefile: `7.3.4`.
pub(crate) fn version(makefile: &str) -> Option<String> {
    let get = |name: &str| {
        makefile
            .lines()
            .take(20)
            .filter_map(|line| line.split_once('='))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim().to_owned())
    };
    let (major, minor) = (get("VERSION")?, get("PATCHLEVEL")?);
    major.parse::<u32>().ok()?;
    let patch = get("SUBLEVEL").filter(|patch| !patch.is_empty());
    Some(format!(
        "{major}.{minor}{}{}",
        patch.map(|patch| format!(".{patch}")).unwrap_or_default(),
        get("EXTRAVERSION").unwrap_or_default()
    ))
}

/// Is this a version of the series?
pub(crate) fn fits(version: &str) -> bool {
    version
        .strip_prefix(SERIES)
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
}

/// The version of the kernel in a tarball; reads no further than its Makefile.
pub(crate) fn version_in(tarball: &Path) -> Option<String> {
    let mut command = Command::new("tar");
    command.args(["--extract", "--to-stdout", "--occurrence=1", "--wildcards"]);
    command.args(["--no-wildcards-match-slash", "--file"]).arg(tarball).arg("*/Makefile");
    version(&program::answer(&mut command)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAKEFILE: &str =
        "# SPDX\nVERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\nEXTRAVERSION =\nNAME = X\n";

    #[test]
    fn the_version_is_read_from_the_makefile() {
        assert_eq!(version(MAKEFILE).as_deref(), Some("7.3.4"));
        let candidate =
            MAKEFILE.replace("SUBLEVEL = 4\nEXTRAVERSION =", "SUBLEVEL = 0\nEXTRAVERSION = -rc2");
        assert_eq!(version(&candidate).as_deref(), Some("7.3.0-rc2"));
        assert_eq!(version("all:\n\techo\n"), None);
        assert!(fits("7.3") && fits("7.3.12") && fits("7.3.0-rc2"));
        assert!(!fits("7.30.1") && !fits("7.2.3") && !fits("6.12"));
    }
}
