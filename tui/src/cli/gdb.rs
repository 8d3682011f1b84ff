// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside gdb`: the user's own gdb on the guest.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use clap::Args;
use nix::sys::signal::{SigHandler, Signal, signal};

use super::consent::with_consent;
use super::progress::Show;
use super::{Connection, Failure, Outcome, candidates, our_module};
use crate::kernel::api::{Item, LabRequest, Request};
use crate::kernel::call::ask;
use crate::lab::build_error::BuildError;
use crate::lab::setup::{self, Needs};
use crate::lab::{gdb, modules, runtime};

/// Debug the guest's kernel and its modules with gdb
///
///     ringside gdb
///     ringside gdb pulse                     symbols of this module only
///     ringside gdb -- --batch -ex 'break pulse_mod_init' -ex continue -ex bt
///
/// Starts your gdb (and offers to install it) on the lab that runs, with the kernel's symbols and those of
/// every loaded module at their addresses; a module that is loaded later gets
/// them as well, so a breakpoint in its init function works before it is
/// loaded. The guest stands still whenever gdb has the word, and commands say
/// that it is halted. When gdb ends, however it does, the guest goes on.
///
/// Exit status: gdb's own.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Gdb {
    /// Only these modules [default: all]
    #[arg(value_name = "MODULE", add = candidates::loaded())]
    modules: Vec<String>,
    /// What gdb is given beside
    #[arg(last = true, value_name = "GDB ARGUMENTS")]
    arguments: Vec<OsString>,
}

impl Gdb {
    /// Runs gdb to its end.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let mut show = Show::new();
        with_consent(false, |consent| setup::ensure(Needs::debugger(), consent, &mut show))?;
        let target = connection.open()?;
        let words = BuildError::without_last_words;
        let kernel = our_module::kernel("gdb's symbols", &*target, &mut show, words)?;
        let mut builds = modules::files(&kernel);
        let mut placed = gdb::placed(&kernel, &*target)?;
        if !self.modules.is_empty() {
            for name in &self.modules {
                if !builds.contains_key(name) {
                    return Err(Failure::new(format!("module {name} was not built here"))
                        .with_help("`ringside build FOLDER` builds it"));
                }
            }
            builds.retain(|name, _| self.modules.contains(name));
            placed.retain(|name, _| self.modules.contains(name));
        }
        let items = ask(&*target, Request::Lab(LabRequest::Gdb), &[])?;
        let socket = items.into_iter().find_map(|item| match item {
            Item::Bytes(path) => String::from_utf8(path).ok().map(PathBuf::from),
            _ => None,
        });
        let socket = socket.ok_or_else(|| Failure::new("the lab named no socket for gdb"))?;
        let script = runtime::folder()?.join(format!("gdb-{}.py", std::process::id()));
        std::fs::write(&script, gdb::script(&builds, &placed, gdb::printers().as_deref()))
            .map_err(|error| Failure::io(format!("write {}", script.display()), &error))?;
        if !kernel.flavour.clang() {
            eprintln!(
                "note: this kernel's own code has no debug information, so gdb knows its functions \
                 but no lines and no types; modules have all (`ringside up --kernel debug` starts a \
                 kernel that has it, too)"
            );
        }
        let mut command = Command::new("gdb");
        command.arg("-q").arg(&kernel.vmlinux).arg("-x").arg(&script);
        let mut connect = OsString::from("target remote ");
        connect.push(&socket);
        command.arg("-ex").arg(connect).args(&self.arguments);
        // Ctrl-C is gdb's: it stops the guest.
        // SAFETY: No handler of ours runs for it.
        let before = unsafe { signal(Signal::SIGINT, SigHandler::SigIgn) };
        let status = spawn(&mut command);
        if let Ok(before) = before {
            // SAFETY: What was possible before is possible now.
            let _ = unsafe { signal(Signal::SIGINT, before) };
        }
        drop(std::fs::remove_file(&script));
        let status = status.map_err(|error| Failure::io("start gdb", &error))?;
        Ok(status.code().map_or(1, |code| code as u8))
    }
}

/// Runs it with the default action for Ctrl-C, which an ignored one would hide.
fn spawn(command: &mut Command) -> std::io::Result<std::process::ExitStatus> {
    use std::os::unix::process::CommandExt;
    // SAFETY: Between fork and exec only a signal's action is set.
    unsafe {
        command.pre_exec(|| {
            signal(Signal::SIGINT, SigHandler::SigDfl).map(drop).map_err(std::io::Error::from)
        });
    }
    command.status()
}
