// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a virtual machine could not be started, driven or saved.

use std::path::PathBuf;
use std::time::Duration;

use crate::kernel::error::io_text;
use crate::lab::build_error::{NO_SPACE, is_full};

/// The QMP command that lets a machine run.
pub(super) const CONT: &str = "cont";

/// What the machine's functions return.
pub type VmResult<T> = Result<T, VmError>;

/// Why something about a virtual machine failed.
#[derive(Debug, thiserror::Error)]
pub enum VmError {
    /// There is no QEMU.
    #[error(
        "QEMU (qemu-system-x86_64) is not installed; `ringside setup` installs it, \
         `ringside doctor` shows what else is missing"
    )]
    NoQemu,
    /// An operation on a file or a process failed.
    #[error("{doing}: {}", io_text(source))]
    Io {
        /// What was being done, on what.
        doing: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The program that becomes the guest's init is not one that can be packed.
    #[error("{path}: {why}")]
    Program {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// QEMU refused a command of ours.
    #[error("QEMU refused {command}: {why}")]
    Refused {
        /// The QMP command.
        command: String,
        /// QEMU's own words.
        why: String,
    },
    /// QEMU did not answer a command in time.
    #[error("QEMU did not answer {command} within {} s", .after.as_secs())]
    Silent {
        /// The QMP command.
        command: String,
        /// How long was waited.
        after: Duration,
    },
    /// QEMU ended, or closed its control channel.
    #[error("QEMU ended: {how}")]
    Ended {
        /// How: `exited with status 1: …`.
        how: String,
    },
    /// The guest came to nothing: it never answered.
    #[error("{why}{}", last_lines(.console))]
    NoBoot {
        /// What was waited for and for how long.
        why: String,
        /// The last lines of its console.
        console: Vec<String>,
    },
    /// The agent in the guest refused what is sent to a guest first.
    #[error("the guest's agent: {0}")]
    Agent(#[from] crate::kernel::TargetError),
    /// The start was given up: something else is to be done instead.
    #[error("the start was given up")]
    Aborted,
    /// The user's file is another lab's stick.
    #[error("{} is the USB stick of another lab; `ringside labs` lists them", .0.display())]
    StickInUse(PathBuf),
    /// What was asked for can't be had on this machine.
    #[error("{0}")]
    Unsupported(String),
}

impl VmError {
    /// From an I/O error: what was being done, on what.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// Is a saved machine at fault that was resumed with this error? One that
    /// has been checked is kept where the host had no memory or no descriptors
    /// left, QEMU was killed or was too slow, or could not be given the stick.
    pub(super) fn blames_the_saved_machine(&self) -> bool {
        match self {
            Self::Ended { how } => {
                how.contains("migration")
                    || ["(SIGSEGV)", "(SIGABRT)", "(SIGBUS)"].iter().any(|name| how.contains(name))
            }
            Self::NoBoot { .. } | Self::Agent(_) => true,
            Self::Refused { command, .. } => command == CONT,
            Self::NoQemu
            | Self::Io { .. }
            | Self::Program { .. }
            | Self::Silent { .. }
            | Self::Aborted
            | Self::StickInUse(_)
            | Self::Unsupported(_) => false,
        }
    }

    /// What to do about it, if anything is known.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Io { source, .. } if is_full(source) => Some(NO_SPACE),
            _ => None,
        }
    }

    /// It with what to do about it, for whoever gets no more than a text.
    pub(in crate::lab) fn report(&self) -> String {
        match self.remedy() {
            Some(remedy) => format!("{self}; {remedy}"),
            None => self.to_string(),
        }
    }

    /// In one line, for a sentence about a detour.
    pub(super) fn brief(&self) -> String {
        match self {
            Self::NoBoot { why, .. } => why.clone(),
            Self::Ended { how } => how.clone(),
            other => other.to_string(),
        }
    }
}

fn last_lines(console: &[String]) -> String {
    if console.is_empty() {
        return "; its console stayed empty".into();
    }
    let mut text = String::from("; the last lines of its console:");
    for line in console {
        text.push_str("\n  ");
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_machine_is_not_blamed_for_what_the_host_lacks() {
        let ended = |how: &str| VmError::Ended { how: how.into() };
        for innocent in [
            VmError::io("make a socket for QEMU")(std::io::Error::from_raw_os_error(24)),
            ended(
                "exited with status 1: cannot set up guest memory 'pc.ram': Cannot allocate memory",
            ),
            ended("exited with status 1: could not open: Too many open files"),
            ended("killed by signal 9 (SIGKILL)"),
            VmError::Silent { command: "resume".into(), after: Duration::from_secs(10) },
            VmError::Refused { command: "device_add".into(), why: "Too many open files".into() },
        ] {
            assert!(!innocent.blames_the_saved_machine(), "{innocent}");
        }
        for guilty in [
            ended("exited with status 1: load of migration failed: Invalid argument"),
            ended("killed by signal 11 (SIGSEGV)"),
            VmError::NoBoot { why: "panic".into(), console: Vec::new() },
            VmError::Refused { command: CONT.into(), why: "a reset is required".into() },
        ] {
            assert!(guilty.blames_the_saved_machine(), "{guilty}");
        }
    }
}
