// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why setting up, building the kernel or building modules failed.

use std::io;
use std::path::{Path, PathBuf};

use crate::kernel::error::io_text;

/// What setting up and building return.
pub type BuildResult<T> = Result<T, BuildError>;

/// Why setting up or building failed. The text is one sentence;
/// [`BuildError::remedy`] says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// This processor or system is not one that Ringside's kernel runs on.
    #[error("Ringside works on x86-64 Linux only, and this is {0}")]
    Machine(String),
    /// Programs or files are missing.
    #[error("something that the lab needs is missing: {}", .0.join(", "))]
    Missing(Vec<String>),
    /// Something has to be installed, and nobody is there to be asked.
    #[error("nothing was installed, since there is no terminal to ask on")]
    NobodyToAsk {
        /// The commands that would do it.
        commands: Vec<String>,
    },
    /// The user said no.
    #[error("nothing was installed, since you said no")]
    Refused {
        /// The commands that would have done it.
        commands: Vec<String>,
    },
    /// Packages are missing and only root could install them.
    #[error("only root can install packages, and neither are you root nor is there sudo")]
    NotRoot {
        /// The commands that root can run.
        commands: Vec<String>,
    },
    /// This system is not one whose packages Ringside installs.
    #[error("Ringside installs packages on Debian only, and this is {system}; missing here:{}", tail(.missing))]
    UnknownSystem {
        /// The system's own name.
        system: String,
        missing: Vec<String>,
        /// The commands that a person can run.
        commands: Vec<String>,
    },
    /// A file operation failed.
    #[error("{doing}: {}", io_text(source))]
    Io {
        /// What was being done, on what.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
    /// `RINGSIDE_CACHE` is no absolute path.
    #[error("RINGSIDE_CACHE is set to {path:?}, which is not an absolute path")]
    RelativeCache {
        /// What it is set to.
        path: PathBuf,
    },
    /// A program could not be started.
    #[error("{program} can't be started: {}", io_text(source))]
    Start {
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A program failed.
    #[error("{what} failed ({status}){}", tail(.last))]
    Command {
        /// What was being done.
        what: String,
        /// `exit status: 2`.
        status: String,
        /// The last lines that it printed.
        last: Vec<String>,
        /// Where everything that it printed stands.
        log: Option<PathBuf>,
    },
    /// The disk is or would be full.
    #[error("there is not enough room in {}: {needed} are needed and {free} are free", .folder.display())]
    NoSpace {
        /// Where.
        folder: PathBuf,
        /// What is needed, with its unit.
        needed: String,
        /// What is there, with its unit.
        free: String,
    },
    /// The kernel's sources can't be had.
    #[error("the sources of Linux 7.3 can't be fetched: {why}{}", tail(.last))]
    Fetch {
        why: String,
        /// The last lines that the fetching program printed.
        last: Vec<String>,
    },
    /// What was fetched is not what was published.
    #[error("{what} is damaged: {why}; it was removed")]
    Damaged {
        /// The file.
        what: String,
        /// How that was noticed.
        why: String,
    },
    /// `--kernel-source` is not what it should be.
    #[error("{} can't be used as the kernel's sources: {why}", .path.display())]
    Source {
        /// What was given.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The configuration does not say what the fragments ask for.
    #[error("the kernel's configuration lacks what was asked for: {}", .0.join(", "))]
    Config(Vec<String>),
    /// Options of the user's own can't be set.
    #[error("{}", .0.join("; "))]
    Options(Vec<String>),
    /// There is nothing to build.
    #[error("{} can't be built: {why}", .folder.display())]
    Folder {
        folder: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Some modules of a folder can't be built.
    #[error("{}", modules_failed(.folder, .failed))]
    Modules {
        folder: PathBuf,
        /// Each module's name, and why: the reason first, then what shows it.
        failed: Vec<(String, Vec<String>)>,
    },
    #[error(transparent)]
    Flavour(#[from] super::flavour::UnknownFlavour),
    /// It was interrupted.
    #[error("stopped: {0}; the next run goes on from here")]
    Stopped(String),
}

/// The last lines of a program, indented below the sentence.
fn tail(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n  {line}")).collect()
}

/// Which modules of a folder failed, each with its reason.
fn modules_failed(folder: &Path, failed: &[(String, Vec<String>)]) -> String {
    let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
    let mut text = format!("{} of {} can't be built", names.join(" and "), folder.display());
    for (_, why) in failed {
        text += &tail(why);
    }
    text
}

impl BuildError {
    /// From an I/O error: what was being done, on what.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// From an I/O error on a path: `open`, `write`, …
    pub(crate) fn on(verb: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::io(format!("{verb} {}", path.display()))
    }

    /// What to do next; `None` where the sentence says all there is.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::RelativeCache { path } => Some(format!(
                "set it to one that begins with /, such as RINGSIDE_CACHE=\"$PWD/{}\"",
                path.display()
            )),
            Self::Missing(_) => {
                Some("run `ringside setup`; `ringside doctor` shows the whole list".into())
            }
            Self::NobodyToAsk { commands } => Some(format!(
                "run `ringside setup --yes`, or set RINGSIDE_YES=1, or do it yourself:{}",
                tail(commands)
            )),
            Self::NotRoot { commands } => {
                Some(format!("have root run these commands, then try again:{}", tail(commands)))
            }
            Self::Refused { commands } | Self::UnknownSystem { commands, .. } => {
                Some(format!("run these commands, then try again:{}", tail(commands)))
            }
            Self::Io { source, .. } if is_full(source) => Some(NO_SPACE.into()),
            Self::NoSpace { .. } => Some(NO_SPACE.into()),
            Self::Command { log: Some(log), .. } => {
                Some(format!("the whole log is {}", log.display()))
            }
            Self::Fetch { .. } => Some(
                "check the network and run the command again: what has arrived is kept; \
                 or give a tree or tarball of Linux 7.3 with `ringside build --kernel-source PATH`"
                    .into(),
            ),
            Self::Config(_) => Some(
                "if it is one of your own options, take it back: `ringside kernel reset`".into(),
            ),
            Self::Damaged { .. } => Some("run the command again to fetch it again".into()),
            Self::Source { .. } => Some(
                "give the folder or tarball of a released Linux 7.3, such as linux-7.3.4.tar.xz"
                    .into(),
            ),
            _ => None,
        }
    }

    /// The same without a program's last words, where all of its words have
    /// been shown already.
    #[must_use]
    pub fn without_last_words(mut self) -> Self {
        match &mut self {
            Self::Command { last, .. } => last.clear(),
            Self::Modules { failed, .. } => failed.iter_mut().for_each(|(_, why)| why.truncate(1)),
            _ => {}
        }
        self
    }

    /// Was it interrupted (and not wrong)?
    pub fn stopped(&self) -> bool {
        matches!(self, Self::Stopped(_))
    }
}

/// Is there no room on a disk, or none left for this user?
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// What to do then.
pub(super) const NO_SPACE: &str = "`ringside cache` shows what Ringside keeps and cleans it; \
     RINGSIDE_CACHE=DIR puts it on another disk";
