// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside agent`, and the hidden `ringside subject` and `ringside trace-keeper`.

use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::AsFd;

use clap::Args;

use super::{Failure, Outcome};
use crate::agent::{PORT, serve, serve_port, subject};
use crate::kernel::local::{Local, trace};

/// Let another ringside use this machine's kernel
///
/// The agent talks on its standard input and output and ends when its input
/// does. It is started by the other ringside:
///
///     ringside --connect 'ssh root@board ringside agent --stdio' modules
///     ringside --connect 'ringside agent --stdio' kmsg
///
/// Whoever can start it may do with this kernel what its user may.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Agent {
    /// Talk on standard input and output
    #[arg(long, required_unless_present = "port")]
    stdio: bool,

    /// Talk on the virtio port of a lab's guest
    #[arg(long, hide = true, conflicts_with = "stdio")]
    port: bool,

    /// Say that another agent talked there before
    #[arg(long, hide = true, requires = "port")]
    again: bool,
}

impl Agent {
    /// Serves until the other end goes.
    pub fn run(&self) -> Outcome {
        let local = Local::new();
        if self.port {
            return serve_port(&local, self.again)
                .map(|()| 0)
                .map_err(|error| Failure::io(format!("serve the port {PORT}"), &error));
        }
        if std::io::stdin().is_terminal() {
            return Err(Failure::usage(
                "an agent talks with another ringside, and standard input is a terminal",
            )
            .with_help(
                "the other one starts it: ringside --connect 'ringside agent --stdio' info",
            ));
        }
        let duplicate = |fd: std::io::Result<std::os::fd::OwnedFd>| {
            fd.map(File::from).map_err(|error| Failure::io("use standard input and output", &error))
        };
        // Past the standard library's buffers: a frame must leave at once.
        let input = duplicate(std::io::stdin().as_fd().try_clone_to_owned())?;
        let output = duplicate(std::io::stdout().as_fd().try_clone_to_owned())?;
        serve(input, output, &local)
            .map(|()| 0)
            .map_err(|error| Failure::io("read standard input", &error))
    }
}

/// Be a subject process, which an agent starts
#[derive(Args, Clone, Debug)]
pub struct Subject {}

impl Subject {
    /// Serves the agent that started it.
    pub fn run(&self) -> Outcome {
        subject::run().map(|()| 0).map_err(|error| {
            Failure::new(format!("be a subject process: {error}"))
                .with_help("only an agent starts this; try `ringside mem --help`")
        })
    }
}

/// Take a trace away when its tracer ends, which starts this
#[derive(Args, Clone, Debug)]
pub struct TraceKeeper {}

impl TraceKeeper {
    /// Waits for the end of standard input.
    pub fn run(&self) -> Outcome {
        trace::keep().map(|()| 0).map_err(|error| {
            Failure::io("keep a trace", &error)
                .with_help("only a trace starts this; try `ringside trace --help`")
        })
    }
}
