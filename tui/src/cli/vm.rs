// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside vm`: the machine around a lab's kernel.

use std::io::Write;

use clap::{Args, Subcommand};

use super::connection::{one, unexpected};
use super::error::visible;
use super::{Connection, Failure, Outcome};
use crate::kernel::api::{Item, LabRequest, Request};
use crate::kernel::call::{Calls, ask};
use crate::kernel::{Target, TargetError};

/// Drive a lab's machine: console, USB stick, reboot, a crash on purpose
///
///     ringside vm console -f     the serial console, as it comes
///     ringside vm unplug         pull the USB stick out
///     ringside vm crash          panic the kernel, as the dashboard's `!` does
///     ringside vm reboot         a new guest, resumed in a moment
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Vm {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Clone, Debug)]
enum Action {
    /// Print what the serial console has shown since the guest started
    Console {
        /// Go on with what comes later, until Ctrl-C
        #[arg(short, long)]
        follow: bool,
    },
    /// Print the state of the lab and its guest as JSON
    Status,
    /// Plug the USB stick in
    Plug,
    /// Pull the USB stick out
    Unplug,
    /// End this guest and start a new one
    Reboot {
        /// Boot the kernel instead of resuming the saved machine
        #[arg(long)]
        cold: bool,
    },
    /// End the guest; the lab stays, and `ringside vm reboot` starts another
    PowerOff,
    /// Panic the kernel on purpose
    Crash,
}

impl Vm {
    /// Does it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        let done = match &self.action {
            Action::Console { follow } => return console(&*target, *follow),
            Action::Status => return status(&*target),
            Action::Crash => return crash(&*target),
            Action::Plug => (LabRequest::Plug, "the USB stick is plugged in"),
            Action::Unplug => (LabRequest::Unplug, "the USB stick is out"),
            Action::Reboot { cold } => (LabRequest::Reboot { cold: *cold }, "a new guest runs"),
            Action::PowerOff => (LabRequest::PowerOff, "the guest is off"),
        };
        ask(&*target, Request::Lab(done.0), &[])?;
        writeln!(std::io::stdout(), "{}", done.1)?;
        Ok(0)
    }
}

fn console(target: &dyn Target, follow: bool) -> Outcome {
    let calls = Calls::start(target, Request::Lab(LabRequest::Console { follow }))?;
    let mut out = std::io::stdout().lock();
    loop {
        match calls.next() {
            Item::Console(bytes) => {
                let text = String::from_utf8_lossy(&bytes).replace('\r', "");
                out.write_all(visible(&text).as_bytes())?;
                out.flush()?;
            }
            Item::Done(Ok(())) => return Ok(0),
            Item::Done(Err(error)) => return Err(error.into()),
            other => return Err(unexpected(&other)),
        }
    }
}

fn status(target: &dyn Target) -> Outcome {
    match one(target, Request::Lab(LabRequest::Status))? {
        Item::Lab(status) => {
            writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&status)?)?;
            Ok(0)
        }
        other => Err(unexpected(&other)),
    }
}

/// A kernel that crashes does not say that it is done: the end of the
/// connection to it is the success.
fn crash(target: &dyn Target) -> Outcome {
    match ask(target, Request::Crash, &[]) {
        Ok(_) => {}
        Err(TargetError::Gone(how)) => writeln!(std::io::stdout(), "{}", visible(&how))?,
        Err(error) => return Err(Failure::from(error)),
    }
    Ok(0)
}
