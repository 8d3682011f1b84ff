// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line: what there is to type, and what it ends with.
//!
//! One file per command; each has the clap arguments with the help text, and
//! `run`. Everything that can be asked of a kernel goes through
//! [`connection::Connection::open`], so a command works alike on a lab, on an
//! agent and on this machine's own kernel. Exit statuses: 0 done, 1 failed,
//! 2 a command line that makes no sense; `exec` and `shell` have their own.

pub mod agent;
pub mod block;
pub mod build;
pub mod cache;
pub mod completions;
pub mod connection;
pub mod consent;
pub mod counters;
pub mod dashboard;
pub mod doctor;
pub mod down;
pub mod error;
pub mod exec;
pub mod info;
pub mod interrupt;
pub mod kernel_choice;
pub mod kmsg;
pub mod lab_args;
pub mod lab_process;
pub mod labs;
pub mod load;
pub mod mem;
pub mod modules;
mod numbers;
pub mod our_module;
pub mod progress;
mod relay;
pub mod set;
pub mod setup;
pub mod syscall;
pub mod up;
pub mod vm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::agent::init::{self, is_guest_init};
use crate::log_file;

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
    Dashboard(dashboard::Dashboard),
    // Setting up and the lab: setup, doctor, build, cache, up, down, labs.
    Up(up::Up),
    Down(down::Down),
    Labs(labs::Labs),
    #[command(hide = true)]
    LabProcess(lab_process::LabProcess),
    Vm(vm::Vm),
    // Programs in the guest.
    Exec(exec::Exec),
    Shell(exec::Shell),
    Setup(setup::Setup),
    Doctor(doctor::Doctor),
    Build(build::Build),
    Cache(cache::Cache),
    // A kernel and its modules.
    Info(info::Info),
    Modules(modules::Modules),
    Load(load::Load),
    Unload(load::Unload),
    Counters(counters::Counters),
    Set(set::Set),
    Kmsg(kmsg::Kmsg),
    Syscall(syscall::Syscall),
    Mem(mem::Mem),
    Block(block::Block),
    // The rest.
    Agent(agent::Agent),
    Completions(completions::Completions),
    #[command(hide = true)]
    Subject(agent::Subject),
}

/// Runs the program and returns its exit status.
pub fn main() -> ExitCode {
    if is_guest_init() {
        return init::run();
    }
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
    let connection = &cli.connection;
    // An agent leaves nothing on the machine that it serves.
    if !matches!(
        cli.command,
        Some(Command::Agent(_) | Command::Subject(_) | Command::Completions(_))
    ) {
        log_file::start();
    }
    match &cli.command {
        // The dashboard.
        None => dashboard::Dashboard::default().run(connection),
        Some(Command::Dashboard(command)) => command.run(connection),
        Some(Command::Up(command)) => command.run(),
        Some(Command::Down(command)) => command.run(connection.lab.as_deref()),
        Some(Command::Labs(command)) => command.run(),
        Some(Command::LabProcess(command)) => command.run(),
        Some(Command::Vm(command)) => command.run(connection),
        Some(Command::Exec(command)) => command.run(connection),
        Some(Command::Shell(command)) => command.run(connection),
        Some(Command::Info(command)) => command.run(connection),
        Some(Command::Modules(command)) => command.run(connection),
        Some(Command::Load(command)) => command.run(connection),
        Some(Command::Unload(command)) => command.run(connection),
        Some(Command::Counters(command)) => command.run(connection),
        Some(Command::Set(command)) => command.run(connection),
        Some(Command::Kmsg(command)) => command.run(connection),
        Some(Command::Syscall(command)) => command.run(connection),
        Some(Command::Mem(command)) => command.run(connection),
        Some(Command::Block(command)) => command.run(connection),
        Some(Command::Agent(command)) => command.run(),
        Some(Command::Setup(command)) => command.run(),
        Some(Command::Doctor(command)) => command.run(),
        Some(Command::Build(command)) => command.run(),
        Some(Command::Cache(command)) => command.run(),
        Some(Command::Completions(command)) => command.run(),
        Some(Command::Subject(command)) => command.run(),
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
