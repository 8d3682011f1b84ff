// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line: what there is to type, and what it ends with.
//!
//! One file per command; each has the clap arguments with the help text, and
//! `run`. Everything that can be asked of a kernel goes through
//! [`connection::Connection::open`], so a command works alike on a lab, on an
//! agent and on this machine's own kernel. Exit statuses: 0 done, 1 failed,
//! 2 a command line that makes no sense; `exec` and `shell` have their own.

pub mod build;
pub mod cache;
pub mod completions;
pub mod connection;
pub mod consent;
pub mod doctor;
pub mod error;
pub mod interrupt;
pub mod kernel_choice;
pub mod progress;
pub mod setup;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use connection::Connection;
pub use error::{Failure, Outcome};

/// A ringside seat at ring 0: see and drive Linux kernel modules written in Rust
///
/// Ringside boots a real kernel in a virtual machine (a lab), loads modules
/// into it, drives them and shows what happens inside. Without a command it
/// opens the dashboard.
#[derive(Parser, Debug)]
#[command(
    name = "ringside",
    version,
    subcommand_help_heading = "Commands",
    disable_help_subcommand = true,
    after_help = "\
Examples:
  ringside                                  open the dashboard
  ringside up                               start a lab and leave it running
  ringside load my_name charParameter=Summer
  ringside kmsg                             read its kernel log
  ringside exec -- ls /sys/module           run a program in a lab of its own

`ringside COMMAND --help` explains each command with examples.
Exit status: 0 done, 1 failed, 2 a command line that makes no sense."
)]
pub struct Cli {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What can be done.
#[derive(Subcommand, Debug)]
#[allow(
    missing_docs,
    reason = "the doc comment is the help text, and stands at each command's type"
)]
pub enum Command {
    // Setting up and the lab: setup, doctor, build, cache, up, down, labs.
    Setup(setup::Setup),
    Doctor(doctor::Doctor),
    Build(build::Build),
    Cache(cache::Cache),
    // A kernel and its modules.
    // The rest.
    Completions(completions::Completions),
}

/// Runs the program and returns its exit status.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to tell when the output is closed.
            drop(error.print());
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let outcome = run(&cli);
    ExitCode::from(outcome.unwrap_or_else(|failure| failure.report()))
}

fn run(cli: &Cli) -> Outcome {
    let _connection = &cli.connection;
    match &cli.command {
        // The dashboard.
        None => {
            Err(Failure::usage("no command is given")
                .with_help("`ringside --help` lists the commands"))
        }
        Some(Command::Setup(command)) => command.run(),
        Some(Command::Doctor(command)) => command.run(),
        Some(Command::Build(command)) => command.run(),
        Some(Command::Cache(command)) => command.run(),
        Some(Command::Completions(command)) => command.run(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
