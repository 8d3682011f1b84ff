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
mod candidates;
mod changes;
pub mod completions;
pub mod connection;
pub mod consent;
pub mod counters;
pub mod dashboard;
pub mod demo;
pub mod doctor;
pub mod down;
pub mod dump;
pub mod error;
pub mod exec;
pub mod experiment;
mod experiment_module;
pub mod gdb;
pub mod grade;
mod grade_recording;
pub mod info;
mod input;
pub mod interrupt;
pub mod kernel;
pub mod kernel_choice;
pub mod kmsg;
pub mod lab_args;
pub mod lab_process;
pub mod labs;
pub mod load;
mod loadable;
pub mod marks;
mod meanwhile;
pub mod mem;
pub mod modules;
pub mod new;
pub mod our_module;
mod output;
mod parameter_line;
pub mod patience;
pub mod progress;
pub mod record;
mod relay;
pub mod replay;
pub mod set;
mod settings;
pub mod setup;
mod step_times;
pub mod syscall;
pub mod test;
pub mod tour;
pub mod trace;
pub mod unload;
pub mod up;
pub mod vm;
pub mod watch;
mod workbench;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::agent::init::{self, is_guest_init};
use crate::lab::cache::place;
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
  ringside --workbench pulse                watch the folder of a module of yours
  ringside tour                             see a recorded run, with no set-up at all
  ringside experiment fill-the-ring         predict what happens, see it, know why
  ringside demo                             see what it does, without a terminal
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
    #[command(flatten)]
    workbench: workbench::WorkbenchArgs,
    /// Without a command: record everything that reaches the dashboard in a new file
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
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
    Demo(demo::Demo),
    Tour(tour::Tour),
    Record(record::Record),
    Experiment(experiment::ExperimentCommand),
    Replay(replay::Replay),
    // Setting up and the lab: setup, doctor, build, cache, up, down, labs.
    Up(up::Up),
    Down(down::Down),
    Labs(labs::Labs),
    #[command(hide = true)]
    LabProcess(lab_process::LabProcess),
    Vm(vm::Vm),
    // Winding a lab's guest back.
    Mark(marks::Mark),
    Marks(marks::Marks),
    Rewind(marks::Rewind),
    Unmark(marks::Unmark),
    // Programs in the guest.
    Exec(exec::Exec),
    Shell(exec::Shell),
    Setup(setup::Setup),
    Doctor(doctor::Doctor),
    Build(build::Build),
    New(new::New),
    Test(test::Test),
    Watch(watch::WatchCommand),
    Grade(grade::Grade),
    Gdb(gdb::Gdb),
    Dump(dump::Dump),
    Cache(cache::Cache),
    Kernel(kernel::Kernel),
    // A kernel and its modules.
    Info(info::Info),
    Modules(modules::Modules),
    Load(load::Load),
    Unload(unload::Unload),
    Counters(counters::Counters),
    Set(set::Set),
    Trace(trace::Trace),
    Kmsg(kmsg::Kmsg),
    Syscall(syscall::Syscall),
    Mem(mem::Mem),
    Block(block::Block),
    // The rest.
    Agent(agent::Agent),
    Completions(completions::Completions),
    #[command(hide = true)]
    Subject(agent::Subject),
    #[command(hide = true)]
    TraceKeeper(agent::TraceKeeper),
}

/// Runs the program and returns its exit status.
pub fn main() -> ExitCode {
    if is_guest_init() {
        return init::run();
    }
    match completions::complete(command) {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => {}
        Err(failure) => return ExitCode::from(failure.report()),
    }
    let parsed = command().try_get_matches().and_then(|matches| {
        let name = matches.subcommand_name().map(str::to_owned);
        Ok((Cli::from_arg_matches(&matches)?, name))
    });
    let (cli, name) = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Its words go to standard output where they were asked for.
            let printed = error.print().and_then(|()| std::io::stdout().flush());
            return ExitCode::from(match printed {
                Ok(()) => error.exit_code() as u8,
                Err(error) => Failure::from(error).report(),
            });
        }
    };
    let outcome = refuse_useless(&cli.connection, name.as_deref()).and_then(|()| run(&cli));
    ExitCode::from(outcome.unwrap_or_else(|failure| failure.report()))
}

/// The command line as it is parsed: each command's help shows the options about
/// the kernel that make sense for it.
fn command() -> clap::Command {
    let of_kernels = Connection::augment_args(clap::Command::new("ringside"));
    let mut command = Cli::command();
    for &(name, options) in Command::WITHOUT {
        let hidden = of_kernels
            .get_arguments()
            .filter(|argument| options.contains(&argument.get_id().as_str()))
            .map(|argument| argument.clone().hide(true));
        let hidden: Vec<_> = hidden.collect();
        command = command.mut_subcommand(name, |sub| sub.args(hidden));
    }
    command
}

impl Command {
    /// The commands that some of the options about the kernel say nothing to.
    const WITHOUT: &[(&str, &[&str])] = &[
        ("demo", &Connection::OPTIONS),
        ("tour", &Connection::OPTIONS),
        ("replay", &Connection::OPTIONS),
        ("up", &Connection::OPTIONS),
        ("down", &Connection::NOT_OF_LABS),
        ("labs", &Connection::OPTIONS),
        ("lab-process", &Connection::OPTIONS),
        ("vm", &Connection::NOT_OF_LABS),
        ("mark", &Connection::NOT_OF_LABS),
        ("marks", &Connection::NOT_OF_LABS),
        ("rewind", &Connection::NOT_OF_LABS),
        ("unmark", &Connection::NOT_OF_LABS),
        ("setup", &Connection::OPTIONS),
        ("doctor", &Connection::OPTIONS),
        ("build", &Connection::OPTIONS),
        ("new", &Connection::OPTIONS),
        ("test", &Connection::OPTIONS),
        ("grade", &Connection::OPTIONS),
        ("gdb", &Connection::NOT_OF_LABS),
        ("dump", &Connection::NOT_OF_LABS),
        ("cache", &Connection::OPTIONS),
        ("agent", &Connection::OPTIONS),
        ("completions", &Connection::OPTIONS),
        ("subject", &Connection::OPTIONS),
        ("trace-keeper", &Connection::OPTIONS),
    ];
}

/// Refuses an option that the command called `name` has no use for, rather than
/// ignoring it.
fn refuse_useless(connection: &Connection, name: Option<&str>) -> Result<(), Failure> {
    let Some((name, options)) = Command::WITHOUT.iter().find(|(known, _)| Some(*known) == name)
    else {
        return Ok(());
    };
    match connection.given().filter(|given| options.contains(given)) {
        Some(option) => Err(Failure::usage(format!("`ringside {name}` has no use for --{option}"))
            .with_help(format!("leave it out; `ringside {name} --help` shows its options"))),
        None => Ok(()),
    }
}

fn run(cli: &Cli) -> Outcome {
    let connection = &cli.connection;
    if cli.command.is_some() && cli.workbench.is_given() {
        return Err(Failure::usage("--workbench opens the dashboard, and makes no sense here")
            .with_help("leave the command out, or write `ringside dashboard --workbench …`"));
    }
    // An agent leaves nothing on the machine that it serves.
    if !matches!(
        cli.command,
        Some(
            Command::Agent(_)
                | Command::Subject(_)
                | Command::TraceKeeper(_)
                | Command::Completions(_)
        )
    ) {
        log_file::start(place().ok().as_deref()).map_err(|error| {
            let failure = Failure::usage(error.to_string());
            match cli.command {
                // Its statuses are the program's, but for one.
                Some(Command::Exec(_) | Command::Shell(_)) => {
                    failure.with_status(exec::OWN_FAILURE)
                }
                _ => failure,
            }
        })?;
    }
    match &cli.command {
        // The dashboard.
        None => {
            dashboard::Dashboard::with(cli.workbench.clone(), cli.record.clone()).run(connection)
        }
        Some(_) if cli.record.is_some() => {
            Err(Failure::usage("--record before a command records nothing")
                .with_help("`ringside --record FILE` opens a dashboard and records it"))
        }
        Some(Command::Dashboard(command)) => command.run(connection),
        Some(Command::Demo(command)) => command.run(connection),
        Some(Command::Tour(command)) => command.run(),
        Some(Command::Record(command)) => command.run(connection),
        Some(Command::Experiment(command)) => command.run(connection),
        Some(Command::Replay(command)) => command.run(),
        Some(Command::Up(command)) => command.run(),
        Some(Command::Down(command)) => command.run(connection.lab.as_deref()),
        Some(Command::Labs(command)) => command.run(),
        Some(Command::LabProcess(command)) => command.run(),
        Some(Command::Vm(command)) => command.run(connection),
        Some(Command::Mark(command)) => command.run(connection),
        Some(Command::Marks(command)) => command.run(connection),
        Some(Command::Rewind(command)) => command.run(connection),
        Some(Command::Unmark(command)) => command.run(connection),
        Some(Command::Exec(command)) => command.run(connection),
        Some(Command::Shell(command)) => command.run(connection),
        Some(Command::Info(command)) => command.run(connection),
        Some(Command::Modules(command)) => command.run(connection),
        Some(Command::Load(command)) => command.run(connection),
        Some(Command::Unload(command)) => command.run(connection),
        Some(Command::Counters(command)) => command.run(connection),
        Some(Command::Set(command)) => command.run(connection),
        Some(Command::Trace(command)) => command.run(connection),
        Some(Command::Kmsg(command)) => command.run(connection),
        Some(Command::Syscall(command)) => command.run(connection),
        Some(Command::Mem(command)) => command.run(connection),
        Some(Command::Block(command)) => command.run(connection),
        Some(Command::Agent(command)) => command.run(),
        Some(Command::Setup(command)) => command.run(),
        Some(Command::Doctor(command)) => command.run(),
        Some(Command::Build(command)) => command.run(),
        Some(Command::New(command)) => command.run(),
        Some(Command::Test(command)) => command.run(connection),
        Some(Command::Watch(command)) => command.run(connection),
        Some(Command::Grade(command)) => command.run(),
        Some(Command::Gdb(command)) => command.run(connection),
        Some(Command::Dump(command)) => command.run(connection),
        Some(Command::Cache(command)) => command.run(),
        Some(Command::Kernel(command)) => command.run(),
        Some(Command::Completions(command)) => command.run(),
        Some(Command::Subject(command)) => command.run(),
        Some(Command::TraceKeeper(command)) => command.run(),
    }
}

#[cfg(test)]
mod tests;
