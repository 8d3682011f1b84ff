// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside completions`: tab completion for a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Outcome};

/// Print a script that makes a shell complete ringside's commands
///
///     source <(ringside completions bash)
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub fn run(&self) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "ringside", &mut script);
        std::io::Write::write_all(&mut std::io::stdout(), &script)?;
        Ok(0)
    }
}
