// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside dump`: a guest's memory in a file.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde::Serialize;

use super::output::say;
use super::progress::Show;
use super::{Connection, Failure, Outcome, our_module};
use crate::kernel::api::{LabRequest, Request};
use crate::kernel::call::ask;
use crate::lab::build_error::BuildError;
use crate::lab::dump;
use crate::lab::paths::lossy;

/// Write the guest's memory to a file, for drgn and crash
///
///     ringside dump core
///     ringside dump core --compress
///     drgn -c core -s VMLINUX -s pulse.ko        with what the command prints
///     crash --minimal VMLINUX core
///
/// The guest may run (it stands still meanwhile and goes on), be halted by gdb,
/// or be dead. Both programs need the kernel's debug information, which only the
/// debug kernel has. --compress makes a smaller file in makedumpfile's format,
/// which both read, too.
///
/// A crash that does not know Linux 7 (8.0 knows it up to 6) refuses the file without
/// --minimal, and with it shows the log, memory, symbols and code.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Dump {
    /// The file to write; it must not exist
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// Compress it
    #[arg(long)]
    compress: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Dumped<'a> {
    #[serde(serialize_with = "lossy")]
    file: &'a Path,
    bytes: u64,
    #[serde(serialize_with = "lossy")]
    vmlinux: &'a Path,
}

impl Dump {
    /// Writes it, and says how to read it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open_plain()?;
        let words = BuildError::without_last_words;
        let kernel = our_module::kernel("a dump", &*target, &mut Show::new(), words)?;
        let doing =
            |error: &std::io::Error| Failure::io(format!("write {}", self.file.display()), error);
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create_new(true)
            .open(&self.file)
            .map_err(|error| doing(&error))?;
        let path = self.file.canonicalize().map_err(|error| doing(&error))?;
        let request =
            LabRequest::Dump { path: path.to_string_lossy().into_owned(), compress: self.compress };
        let written =
            ask(&*target, Request::Lab(request), &[]).map_err(Failure::from).and_then(|_| {
                dump::complete(&mut file, &path, &kernel, self.compress)
                    .map_err(|error| doing(&error))
            });
        if let Err(failure) = written {
            // Half a dump only takes room.
            drop(std::fs::remove_file(&path));
            return Err(failure);
        }
        let bytes = file.metadata().map_err(|error| doing(&error))?.len();
        let (shown, vmlinux) = (self.file.display(), kernel.vmlinux.display());
        let lacks = match kernel.flavour.clang() {
            true => "",
            false => {
                "\nThis kernel has no debug information, which both need: \
                 `ringside up --kernel debug` starts one that has it."
            }
        };
        let text = format!(
            "{shown}: {} of memory; read it with\n  drgn -c {shown} -s {vmlinux}\n  \
             crash --minimal {vmlinux} {shown}{lacks}",
            crate::text::amount::amount(bytes),
        );
        say(self.json, &text, &Dumped { file: &self.file, bytes, vmlinux: &kernel.vmlinux })?;
        Ok(0)
    }
}
