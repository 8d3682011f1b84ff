// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside demo`: what Ringside is for, done once, in lines.

mod blocks;
mod memory;
mod names;
mod ring;
mod stage;

use std::sync::Arc;

use clap::Args;

use self::stage::{Stage, Step};
use super::lab_args::LabArgs;
use super::patience::{Patience, Patient};
use super::{Connection, Failure, Outcome};
use crate::kernel::local::is_guest;
use crate::lab::private::PrivateLab;

/// Show what Ringside does, without a terminal: each module in a real kernel
///
///     ringside demo
///     ringside demo --kernel debug        on the kernel that finds mistakes
///     ringside demo --json                one object per line
///
/// Starts a lab of its own, loads each module, drives it and unloads it, and
/// prints each command that does the same, what came of it, the module's counters
/// and what the kernel logged. Then it ends the lab. It needs no terminal and no
/// other lab.
///
/// Exit status: 0 if all of it worked, 1 if anything did not.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Demo {
    #[command(flatten)]
    lab: LabArgs,
    /// Print JSON, one object per line
    #[arg(long)]
    json: bool,
}

/// A part of the demo: a module, and what is done with it.
struct Part {
    module: &'static str,
    about: &'static str,
    play: fn(&mut Stage) -> Result<(), Failure>,
}

/// The parts, in the order in which they are played.
const PARTS: [Part; 5] = [
    Part { module: "my_name", about: "a module with parameters that greets", play: names::greet },
    Part {
        module: "my_syscall",
        about: "a system call of Ringside's own, built into the kernel",
        play: names::call,
    },
    Part {
        module: "producer_consumer",
        about: "kernel threads that pass items through a ring, kept in step by two semaphores",
        play: ring::play,
    },
    Part {
        module: "memalloc",
        about: "maps pages into a process; touching what is read-only kills it",
        play: memory::play,
    },
    Part {
        module: "kmod",
        about: "reads and writes a USB stick, and agrees with what dd sees there",
        play: blocks::play,
    },
];

impl Demo {
    /// Plays it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        if is_guest() {
            return Err(Failure::new("a demo starts a lab of its own, and this is a lab's guest")
                .with_help("run it outside of the guest"));
        }
        let options = self.lab.options()?;
        let lab = PrivateLab::start(&options, &|_| ())?;
        let patience = Patience::new(connection.timeout, "Ctrl-C ends the demo");
        let target = Arc::new(Patient::new(lab.target(), patience));
        let mut stage = Stage::new(target, options.kernel.flavour, self.json)?;
        let guest = lab.guest();
        stage.say(&Step::Lab {
            kernel: &options.kernel.release,
            resumed: guest.resumed,
            started_in_ms: guest.started_in.as_millis().try_into().unwrap_or(u64::MAX),
            accelerator: guest.choice.accelerator.name(),
            why: &guest.choice.reason,
        })?;
        let mut failed = Vec::new();
        for part in &PARTS {
            stage.say(&Step::Part { module: part.module, about: part.about })?;
            stage.watch(part.module);
            let played = match (part.play)(&mut stage) {
                // Nobody would see the rest.
                Err(failure) if failure.is_of_output() => return Err(failure),
                played => played,
            };
            let failure = played.err();
            stage.say(&Step::Worked {
                module: part.module,
                worked: failure.is_none(),
                why: failure.as_ref().map(Failure::text),
                help: failure.as_ref().and_then(Failure::help),
            })?;
            failed.extend(failure.map(|_| part.module));
        }
        stage.say(&Step::End { worked: failed.is_empty(), failed: &failed })?;
        match failed.as_slice() {
            [] => Ok(0),
            failed => Err(Failure::new(format!("the demo failed with {}", failed.join(", ")))
                .with_help("`ringside doctor` looks for what may be wrong here")),
        }
    }
}
