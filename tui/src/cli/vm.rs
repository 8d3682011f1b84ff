// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside vm`: the machine around a lab's kernel.

use std::io::Write;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::labs::{state, stick, uptime};
use super::output::{json, say};
use super::{Connection, Failure, Outcome};
use crate::kernel::api::{LabRequest, LabStatus, Request};
use crate::kernel::call::ask;
use crate::kernel::{Replies, Target, TargetError, put, question};
use crate::text::escape::visible;

/// Drive a lab's machine: console, USB stick, reboot, a crash on purpose
///
///     ringside vm status         the lab and its guest
///     ringside vm console -f     the serial console, as it comes
///     ringside vm unplug         pull the USB stick out
///     ringside vm crash          panic the kernel, as the dashboard's `!` does
///     ringside vm reboot         a new guest, resumed in a moment
///
/// With --json, each prints the lab's status as it is afterwards; the console
/// prints one object per line.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Vm {
    #[command(subcommand)]
    action: Action,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand, Clone, Debug)]
enum Action {
    /// Print what the serial console has shown since the guest started
    ///
    ///     ringside vm console
    ///     ringside vm console --follow
    #[command(verbatim_doc_comment)]
    Console {
        /// Go on with what comes later, until Ctrl-C
        #[arg(short, long)]
        follow: bool,
    },
    /// Print the state of the lab and its guest
    ///
    ///     ringside vm status
    ///     ringside vm status --json | jq -r .guest
    #[command(verbatim_doc_comment)]
    Status,
    /// Plug the USB stick in
    ///
    ///     ringside vm plug
    #[command(verbatim_doc_comment)]
    Plug,
    /// Pull the USB stick out
    ///
    ///     ringside vm unplug
    #[command(verbatim_doc_comment)]
    Unplug,
    /// End this guest and start a new one
    ///
    ///     ringside vm reboot
    ///     ringside vm reboot --cold
    #[command(verbatim_doc_comment)]
    Reboot {
        /// Boot the kernel instead of resuming the saved machine
        #[arg(long)]
        cold: bool,
    },
    /// End the guest; the lab stays, and `ringside vm reboot` starts another
    ///
    ///     ringside vm power-off
    #[command(verbatim_doc_comment)]
    PowerOff,
    /// Panic the kernel on purpose
    ///
    ///     ringside vm crash; ringside vm console | tail
    ///     ringside vm reboot
    #[command(verbatim_doc_comment)]
    Crash,
}

impl Vm {
    /// Does it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        let (request, done) = match &self.action {
            Action::Console { follow } => return console(&*target, *follow, self.json),
            Action::Status => {
                let status = status(&*target)?;
                say(self.json, &describe(&status), &status)?;
                return Ok(0);
            }
            Action::Crash => {
                let how = crash(&*target)?;
                return self.done(&*target, &how);
            }
            Action::Plug => (LabRequest::Plug, "the USB stick is plugged in"),
            Action::Unplug => (LabRequest::Unplug, "the USB stick is out"),
            Action::Reboot { cold } => (LabRequest::Reboot { cold: *cold }, "a new guest runs"),
            Action::PowerOff => (LabRequest::PowerOff, "the guest is off"),
        };
        ask(&*target, Request::Lab(request), &[])?;
        self.done(&*target, done)
    }

    fn done(&self, target: &dyn Target, text: &str) -> Outcome {
        match self.json {
            true => say(true, text, &status(target)?)?,
            false => say(false, text, &())?,
        }
        Ok(0)
    }
}

/// What `vm console --json` prints for each line.
#[derive(Serialize)]
struct Line<'a> {
    line: &'a str,
}

fn console(target: &dyn Target, follow: bool, as_json: bool) -> Outcome {
    let console = Replies::start(target, question::Console { follow })?;
    let mut out = std::io::stdout().lock();
    let mut begun = Vec::new();
    while let Some(bytes) = console.next()? {
        if !as_json {
            let text = String::from_utf8_lossy(&bytes).replace('\r', "");
            out.write_all(visible(&text).as_bytes())?;
            out.flush()?;
            continue;
        }
        begun.extend(bytes);
        while let Some(end) = begun.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = begun.drain(..=end).collect();
            console_line(&mut out, &line)?;
        }
    }
    if !begun.is_empty() {
        console_line(&mut out, &begun)?;
    }
    Ok(0)
}

fn console_line(out: &mut impl Write, line: &[u8]) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(line).replace(['\r', '\n'], "");
    writeln!(out, "{}", json(&Line { line: &text })?)?;
    Ok(out.flush()?)
}

pub(super) fn status(target: &dyn Target) -> Result<LabStatus, Failure> {
    Ok(put(target, question::Lab)?)
}

/// The status as people read it, one fact per line.
fn describe(status: &LabStatus) -> String {
    let (word, more) = state(status);
    let more = more.join(&format!("\n{:10} ", ""));
    let more = if more.is_empty() { more } else { format!(": {more}") };
    let how = if status.resumed { "resumed" } else { "booted" };
    let seconds = status.started_in_ms as f64 / 1000.0;
    let qemu = status.qemu_pid.map(|pid| format!(", QEMU {pid}")).unwrap_or_default();
    let rows = [
        ("lab", status.id.clone()),
        ("guest", format!("{word}{more}")),
        ("number", format!("{} in this lab", status.generation)),
        ("kernel", format!("{} ({})", status.kernel, status.flavour)),
        ("machine", format!("{} processors, {} MiB", status.processors, status.memory_mib)),
        ("run by", format!("{}: {}", status.accelerator, status.accelerator_reason)),
        ("started", format!("{how} in {seconds:.2} s, {} ago", uptime(status.up_ms))),
        ("USB stick", stick(status)),
        ("processes", format!("lab {}{qemu}", status.pid)),
    ];
    let lines = rows.map(|(name, value)| format!("{name:10} {value}"));
    lines.join("\n")
}

/// Crashes the kernel, and returns what it says. A kernel that crashes does not
/// say that it is done: the end of the connection to it is the success.
fn crash(target: &dyn Target) -> Result<String, Failure> {
    match ask(target, Request::Crash, &[]) {
        Ok(_) => Ok("the kernel was told to crash".into()),
        Err(TargetError::Gone(how)) => Ok(how),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::api::GuestState;

    #[test]
    fn the_status_says_what_the_guest_does_and_on_what() {
        let mut status = LabStatus {
            id: "1".into(),
            guest: GuestState::Running,
            flavour: "lab".into(),
            kernel: "7.3.4".into(),
            memory_mib: 512,
            processors: 2,
            resumed: true,
            started_in_ms: 250,
            up_ms: 90_000,
            pid: 7,
            qemu_pid: Some(8),
            stick_plugged: true,
            ..LabStatus::default()
        };
        let text = describe(&status);
        for line in [
            "guest      running\n",
            "kernel     7.3.4 (lab)\n",
            "started    resumed in 0.25 s, 90 s ago\n",
            "USB stick  temporary, 1 GiB\n",
            "processes  lab 7, QEMU 8",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        status.guest = GuestState::Panicked { reason: "Kernel panic - x".into() };
        assert!(describe(&status).contains("guest      panicked: Kernel panic - x\n"));
    }
}
