// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside completions`: tab completion for a shell.
//!
//! The script that is printed makes the shell start `ringside` for each Tab, with
//! [`VARIABLE`] set and the line typed so far as arguments; see [`complete`].

use std::io::Write;
use std::path::Path;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap_complete::CompleteEnv;
use clap_complete::env::Shells;

use super::{Failure, Outcome};

/// Says that a shell asks for completions, and which.
const VARIABLE: &str = "RINGSIDE_COMPLETE";

/// Print a script that makes a shell complete ringside's commands
///
///     source <(ringside completions bash)        in ~/.bashrc
///     source <(ringside completions zsh)         in ~/.zshrc
///     ringside completions fish | source         in ~/.config/fish/config.fish
///
/// Tab then knows commands and options, and also what only the moment knows: the
/// labs that run, the modules that are loaded, their controls, and the parameters
/// of a .ko file.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Completions {
    /// The shell
    #[arg(value_parser = PossibleValuesParser::new(Shells::builtins().names()))]
    shell: String,
}

impl Completions {
    /// Prints the script.
    pub fn run(&self) -> Outcome {
        let shells = Shells::builtins();
        let shell = shells
            .completer(&self.shell)
            .ok_or_else(|| Failure::usage(format!("{} is no shell known here", self.shell)))?;
        let program = std::env::current_exe().unwrap_or_default();
        // One that is on the path is found there, also after it was replaced.
        let named = std::env::args_os().next().unwrap_or_default();
        let on_path = Path::new(&named).components().count() == 1;
        let program = if on_path { "ringside".into() } else { program.to_string_lossy() };
        let mut script = Vec::new();
        shell.write_registration(VARIABLE, "ringside", "ringside", &program, &mut script)?;
        let mut out = std::io::stdout().lock();
        out.write_all(&script)?;
        out.flush()?;
        Ok(0)
    }
}

/// Completes the line that a shell asks about, if one does.
///
/// # Errors
/// The shell is unknown, or the answer can't be printed.
pub(super) fn complete(command: fn() -> clap::Command) -> Result<bool, Failure> {
    let folder = std::env::current_dir().ok();
    CompleteEnv::with_factory(command)
        .var(VARIABLE)
        .try_complete(std::env::args_os(), folder.as_deref())
        .map_err(|error| Failure::new(error.to_string()))
}
