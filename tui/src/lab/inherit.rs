// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a program that outlives its starter inherits: what it is meant to, and
//! nothing else that the starter, or whoever started that, happens to have open.
//! A lock of a shell script, or the end of a pipe, would be held by a lab for as
//! long as it lasts.

use std::io::{Error, Result};
use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::libc;

/// The first descriptor behind standard input, output and error.
const FIRST: libc::c_uint = 3;
/// How many descriptors are looked at one by one where the kernel has no
/// `close_range`.
const ONE_BY_ONE: libc::c_int = 1 << 16;

/// Lets the program that this process becomes inherit the standard streams and
/// `meant`, whatever else is open. To be called between fork and exec: it makes
/// system calls only.
///
/// # Errors
/// One of `meant` is not open.
pub(crate) fn only(meant: &[RawFd]) -> Result<()> {
    // SAFETY: close_range takes numbers only; with this flag it closes nothing
    // yet, so that the pipe on which a failed exec is reported stays open.
    let marked = unsafe {
        libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
    };
    if marked == -1 {
        // Linux before 5.11, or a container's filter that does not know it.
        for descriptor in FIRST as libc::c_int..ONE_BY_ONE {
            // SAFETY: F_SETFD takes a number; one that is not open is refused.
            unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
    for descriptor in meant {
        // SAFETY: as above.
        let kept = unsafe { libc::fcntl(*descriptor, libc::F_SETFD, 0) };
        Errno::result(kept).map_err(Error::from)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;

    /// A descriptor that any program would inherit.
    fn inheritable() -> OwnedFd {
        let file = File::open("/dev/null").unwrap();
        // SAFETY: it takes numbers and makes a descriptor that is ours alone, high
        // enough that the shell has no use of its own for the number.
        unsafe { OwnedFd::from_raw_fd(libc::fcntl(file.as_raw_fd(), libc::F_DUPFD, 100)) }
    }

    /// The descriptors of a program that was to inherit `meant`.
    fn inherited(meant: Option<Vec<RawFd>>) -> Vec<RawFd> {
        let mut command = Command::new("sh");
        command.args(["-c", "for fd in /proc/$$/fd/*; do echo ${fd##*/}; done"]);
        if let Some(meant) = meant {
            // SAFETY: `only` makes system calls only.
            unsafe { command.pre_exec(move || only(&meant)) };
        }
        let output = command.output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    #[test]
    fn a_program_inherits_what_is_meant_for_it_and_nothing_else() {
        let (meant, not) = (inheritable(), inheritable());
        let (meant, not) = (meant.as_raw_fd(), not.as_raw_fd());
        let before = inherited(None);
        assert!(before.contains(&meant) && before.contains(&not));
        let after = inherited(Some(vec![meant]));
        let of_ours: Vec<_> = after.into_iter().filter(|fd| *fd >= 100).collect();
        assert_eq!(of_ours, [meant]);
    }

    #[test]
    fn a_descriptor_that_is_not_open_can_not_be_meant() {
        let mut command = Command::new("true");
        // SAFETY: `only` makes system calls only.
        unsafe { command.pre_exec(|| only(&[9_999])) };
        assert_eq!(command.status().unwrap_err().raw_os_error(), Some(libc::EBADF));
    }
}
