// SPDX-License-Identifier: MIT OR Apache-2.0
//! What becomes of what a lab has written on top of a stick that is a file of the
//! user's: said by an option, asked, or left where it is.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use super::Failure;
use crate::kernel::api::{LabStatus, StickFate};
use crate::lab::client;
use crate::lab::vm::error::VmError;
use crate::lab::vm::stick::Stick;
use crate::text::escape::visible;

/// How long the process of a lab that is down may take to let go of the file.
const LET_GO_WITHIN: Duration = Duration::from_secs(10);

/// What becomes of what is kept in FILE.changes
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FateArgs {
    /// Write what is kept in FILE.changes to FILE when the lab ends, and what an earlier
    /// lab left there before it starts
    #[arg(long, conflicts_with = "disk_discard")]
    disk_keep: bool,

    /// Throw it away instead
    #[arg(long)]
    disk_discard: bool,
}

impl FateArgs {
    /// What is to become of it, if that was said.
    pub fn fate(self) -> Option<StickFate> {
        match self {
            Self { disk_keep: true, .. } => Some(StickFate::Keep),
            Self { disk_discard: true, .. } => Some(StickFate::Discard),
            Self { .. } => None,
        }
    }
}

/// A file of the user's, and what a lab has written on top of it.
pub(super) struct Changes {
    disk: PathBuf,
    path: String,
    /// What was said when the lab was started.
    said: Option<StickFate>,
}

impl Changes {
    /// Those of the lab `id`, which runs; none where it does not say.
    pub(super) fn of(id: &str) -> Option<Self> {
        let status = client::attach(Some(id)).and_then(|lab| lab.status()).ok()?;
        Self::from(&status)
    }

    /// Those that a lab's status tells of.
    pub(super) fn from(status: &LabStatus) -> Option<Self> {
        Some(Self {
            disk: status.stick_file.as_ref()?.into(),
            path: status.stick_changes.clone()?,
            said: status.stick_fate,
        })
    }

    /// Does what `fate` says, else what was said when the lab was started, else what
    /// the user answers. Returns where they are, if they were left. The lab is gone, or
    /// about to be.
    ///
    /// # Errors
    /// They could not be written to the file, or not be removed.
    pub(super) fn resolve(&self, fate: Option<StickFate>) -> Result<Option<String>, Failure> {
        let fate = fate.or(self.said).or_else(|| self.ask());
        let mut err = std::io::stderr().lock();
        let disk = self.disk.display();
        let said = match fate {
            Some(fate) => {
                resolve(&self.disk, fate)?;
                match fate {
                    StickFate::Keep => {
                        format!("what was written to the USB stick is in {disk} now")
                    }
                    StickFate::Discard => format!(
                        "what was written to the USB stick since the first mark is gone; {disk} \
                         is as it was then"
                    ),
                }
            }
            None => format!(
                "what was written to the USB stick since the first mark is in {path}, and not in \
                 {disk}: a lab with --disk {disk} goes on with it, with --disk-keep it is \
                 written to the file, with --disk-discard it is thrown away",
                path = self.path
            ),
        };
        // Nobody is left to tell when standard error is closed.
        drop(writeln!(err, "{}", visible(&said)));
        Ok(fate.is_none().then(|| self.path.clone()))
    }

    /// Asks; `None` where there is nobody to ask, or no clear answer.
    fn ask(&self) -> Option<StickFate> {
        if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
            return None;
        }
        let question = format!(
            "What was written to the USB stick since the first mark is kept beside {}.\n\
             Write it to the file (w), throw it away (t), or leave it there (Enter)? ",
            self.disk.display()
        );
        let mut err = std::io::stderr().lock();
        err.write_all(visible(&question).as_bytes()).and_then(|()| err.flush()).ok()?;
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).ok()?;
        answered(&line)
    }
}

fn answered(line: &str) -> Option<StickFate> {
    match line.trim().to_ascii_lowercase().as_str() {
        "w" | "write" => Some(StickFate::Keep),
        "t" | "throw" => Some(StickFate::Discard),
        _ => None,
    }
}

/// Does what `fate` says to what was left beside the file at `disk`.
fn resolve(disk: &Path, fate: StickFate) -> Result<(), Failure> {
    let until = Instant::now() + LET_GO_WITHIN;
    loop {
        match Stick::open(disk, Some(fate)) {
            Ok(_) => return Ok(()),
            Err(VmError::StickInUse(_)) if Instant::now() < until => {
                thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_answer_changes_anything() {
        assert_eq!(answered("w\n"), Some(StickFate::Keep));
        assert_eq!(answered("Throw\n"), Some(StickFate::Discard));
        for unclear in ["\n", "", "y\n", "x"] {
            assert_eq!(answered(unclear), None, "{unclear}");
        }
    }
}
