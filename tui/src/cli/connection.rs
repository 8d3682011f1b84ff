// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which kernel a command is for.

use clap::Args;

/// Where the kernel is
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Which kernel (default: the lab that runs)")]
pub struct Connection {
    /// The lab with this name, as `ringside labs` shows it
    #[arg(long, value_name = "ID", global = true, conflicts_with_all = ["local", "connect"])]
    pub lab: Option<String>,

    /// This machine's own kernel
    #[arg(long, global = true, conflicts_with = "connect")]
    pub local: bool,

    /// The kernel of an agent on the standard input and output of CMD, which is
    /// split as a shell would and run without one:
    /// --connect 'ssh root@board ringside agent --stdio'
    #[arg(long, value_name = "CMD", global = true)]
    pub connect: Option<String>,
}
