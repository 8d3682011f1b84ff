// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside up`: starts a lab that goes on running.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use clap::Args;

use super::Outcome;
use super::lab_args::LabArgs;
use super::output::say;
use crate::kernel::api::LabStatus;
use crate::lab::client;
use crate::lab::options::LabOptions;
use crate::lab::runtime;
use crate::lab::vm::command::Wiring;
use crate::lab::vm::start::by_hand;
use crate::text::escape::visible;

/// Start a lab: a virtual machine with our kernel, which goes on running
///
/// The other commands (load, counters, kmsg, …) and dashboards then work on
/// it. The first start boots the kernel and saves the machine; every later one
/// resumes it in a fraction of a second.
///
///     ringside up                        a lab with the quick kernel
///     ringside up --kernel debug         one that finds mistakes
///     ringside up --disk stick.img       with a USB stick that is kept
///     ringside down                      end it
///
/// Exit status: 0 once the guest runs, 1 if it could not be started.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Up {
    #[command(flatten)]
    lab: LabArgs,

    /// Print a QEMU command that does much the same by hand, and start nothing
    #[arg(long)]
    dry_run: bool,

    /// Print the lab's status as JSON
    #[arg(long, conflicts_with = "dry_run")]
    json: bool,
}

impl Up {
    /// Starts the lab and says what it is.
    pub fn run(&self) -> Outcome {
        let options = self.lab.options()?;
        if self.dry_run {
            return dry_run(&options);
        }
        let lab = client::start(&options, None)?;
        // Until it is released the lab ends with us, by Ctrl-C for instance.
        let status = lab.wait_ready()?;
        lab.release()?;
        if let Some(why) = &status.stick_trouble {
            eprintln!("warning: {}", visible(&format!("the guest has no USB stick: {why}")));
        }
        say(self.json, &describe(&status), &status)?;
        Ok(0)
    }
}

fn describe(status: &LabStatus) -> String {
    let seconds = status.started_in_ms as f64 / 1000.0;
    let how = if status.resumed { "resumed" } else { "booted" };
    let stick = match (&status.stick_file, status.stick_plugged) {
        (_, false) => "none",
        (Some(file), true) => file.as_str(),
        (None, true) => "temporary, 1 GiB",
    };
    format!(
        "lab {id}: Linux {kernel}\n  \
         {how} in {seconds:.2} s, {processors} processors, {memory} MiB, USB stick: {stick}\n  \
         {accelerator}: {reason}\n\
         `ringside` opens its dashboard, `ringside down {id}` ends it.",
        id = status.id,
        kernel = status.kernel,
        processors = status.processors,
        memory = status.memory_mib,
        accelerator = status.accelerator,
        reason = status.accelerator_reason,
    )
}

fn dry_run(options: &LabOptions) -> Outcome {
    let (stick, make) = match &options.disk {
        Some(disk) => (disk.clone(), false),
        None => (options.cache.join("stick.img"), true),
    };
    let agent = runtime::folder()?.join("by-hand");
    let wiring = Wiring::ByHand { agent: agent.clone(), stick: stick.clone() };
    let line = by_hand(&options.plan(None), &wiring)?;
    let mut out = std::io::stdout().lock();
    if make {
        out.write_all(b"truncate -s 1G ")?;
        // No path holds a NUL, the one thing that can't be quoted.
        out.write_all(&shlex::bytes::try_quote(stick.as_os_str().as_bytes()).unwrap_or_default())?;
        writeln!(out)?;
    }
    out.write_all(line.as_bytes())?;
    writeln!(out)?;
    // Nobody is left to tell when standard error is closed.
    drop(writeln!(
        std::io::stderr(),
        "The console is on the terminal then (Ctrl-A X ends QEMU), and the agent can be reached with:\n  \
         ringside --connect 'socat - UNIX-CONNECT:{}'",
        agent.display()
    ));
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_names_lab_kernel_accelerator_and_time() {
        let status = LabStatus {
            id: "3".into(),
            kernel: "7.3.4-ringside-lab-0a1b".into(),
            accelerator: "tcg".into(),
            accelerator_reason: "emulated: there is no /dev/kvm".into(),
            resumed: true,
            started_in_ms: 134,
            memory_mib: 512,
            processors: 2,
            ..LabStatus::default()
        };
        let text = describe(&status);
        for part in [
            "lab 3",
            "7.3.4-ringside-lab-0a1b",
            "resumed in 0.13 s",
            "tcg: emulated",
            "ringside down 3",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
