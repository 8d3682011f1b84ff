// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which kernel a command is for.

use std::sync::Arc;

use clap::Args;

use super::patience::{Patience, Patient};
use super::{Failure, candidates};
use crate::kernel::local::{Local, is_guest};
use crate::kernel::remote::Remote;
use crate::kernel::{Target, TargetError};
use crate::lab::client;
use crate::lab::error::LabError;

/// Where the kernel is
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Which kernel (default: the lab that runs)")]
pub struct Connection {
    /// The lab with this name, as `ringside labs` shows it
    #[arg(long, value_name = "ID", global = true, conflicts_with_all = ["local", "connect"],
          add = candidates::labs())]
    pub lab: Option<String>,

    /// This machine's own kernel
    #[arg(long, global = true, conflicts_with = "connect")]
    pub local: bool,

    /// The kernel of an agent on the standard input and output of CMD, which is
    /// split as a shell would and run without one:
    /// --connect 'ssh root@board ringside agent --stdio'
    #[arg(long, value_name = "CMD", global = true)]
    pub connect: Option<String>,

    /// Give up when the kernel has not answered for so long; 0: never
    /// [default: 60 where standard error is no terminal, else 0]
    #[arg(long, value_name = "SECONDS", global = true)]
    pub timeout: Option<u64>,
}

impl Connection {
    /// The options, as clap names them.
    pub const OPTIONS: [&str; 3] = ["lab", "local", "connect"];
    /// Those that name no lab.
    pub const NOT_OF_LABS: [&str; 2] = ["local", "connect"];

    /// The option that was given, if one was.
    pub fn given(&self) -> Option<&'static str> {
        let given = [self.lab.is_some(), self.local, self.connect.is_some()];
        Self::OPTIONS.into_iter().zip(given).find_map(|(name, given)| given.then_some(name))
    }

    /// Does the command line say which kernel is meant? Inside a lab's guest it
    /// is always the guest's.
    pub fn is_explicit(&self) -> bool {
        self.local || self.connect.is_some() || self.lab.is_some() || is_guest()
    }

    /// Connects to the kernel; when it hangs, whoever waits gets to know.
    ///
    /// # Errors
    /// When no lab runs, or no agent answers.
    pub fn open(&self) -> Result<Arc<dyn Target>, Failure> {
        Ok(Arc::new(Patient::new(self.open_plain()?, self.patience("Ctrl-C"))))
    }

    /// How a kernel is waited for that `key` leaves alone.
    pub fn patience(&self, key: &str) -> Patience {
        let reboot = match (&self.lab, self.local || self.connect.is_some() || is_guest()) {
            (_, true) => String::new(),
            (Some(id), _) => format!("`ringside vm reboot --lab {id}` starts a new one, "),
            (None, _) => "`ringside vm reboot` starts a new one, ".to_owned(),
        };
        Patience::new(self.timeout, format!("{reboot}{key} stops waiting"))
    }

    /// Connects to the kernel, for whoever tells of a kernel that hangs by
    /// themselves.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_plain(&self) -> Result<Arc<dyn Target>, Failure> {
        if let Some(command) = &self.connect {
            return connect(command);
        }
        if self.local || is_guest() {
            return Ok(Arc::new(Local::new()));
        }
        attach(self.lab.as_deref())
    }
}

fn connect(command: &str) -> Result<Arc<dyn Target>, Failure> {
    let words = shlex::split(command)
        .ok_or_else(|| Failure::usage(format!("--connect {command:?}: a quote is not closed")))?;
    let Some((program, arguments)) = words.split_first() else {
        return Err(Failure::usage("--connect: the command is empty"));
    };
    match Remote::over_command(program, arguments) {
        Ok(remote) => Ok(Arc::new(remote)),
        Err(error) => Err(match &error {
            TargetError::Protocol(_) => Failure::from(error),
            _ => Failure::from(error).with_help(
                "the command must reach a machine and run `ringside agent --stdio` there",
            ),
        }),
    }
}

/// Connects to a lab that runs.
fn attach(id: Option<&str>) -> Result<Arc<dyn Target>, Failure> {
    match client::attach(id) {
        Ok(lab) => Ok(lab.target()),
        Err(error) => {
            let none = matches!(error, LabError::NoLab | LabError::NoSuchLab(_));
            let failure = Failure::from(error);
            Err(if none {
                failure.with_help(
                    "start one with `ringside up`, or use --local for this machine's own kernel",
                )
            } else {
                failure
            })
        }
    }
}
