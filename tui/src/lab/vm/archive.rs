// SPDX-License-Identifier: MIT OR Apache-2.0
//! Packing an initramfs: what is in it, and where.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use cpio::newc::{Builder, ModeFileType, trailer};

use super::elf;
use super::error::{VmError, VmResult};

/// The folders of the guest's first file system; those of libraries come with them.
const FOLDERS: [&str; 9] = ["dev", "proc", "sys", "run", "tmp", "etc", "root", "host", "mnt"];

/// Packs `program` as `/init`, and what it needs, into `draft`.
///
/// # Errors
/// One of them can't be read, or `draft` can't be written.
pub(super) fn write(draft: &File, program: &Path) -> VmResult<()> {
    let doing = || format!("pack {} into the initramfs", program.display());
    let mut image = fs::read(program).map_err(VmError::io(doing()))?;
    let needed = elf::needed_files(program, &image)?;
    elf::cut_unloaded(program, &mut image)?;
    let mut out = Archive { out: BufWriter::new(draft), inode: 0, folders: Vec::new() };
    let mut fill = || -> VmResult<()> {
        for folder in FOLDERS {
            out.folder(folder).map_err(VmError::io(doing()))?;
        }
        // The kernel opens it before init runs.
        out.console().map_err(VmError::io(doing()))?;
        out.file("init", &image).map_err(VmError::io(doing()))?;
        for (inside, file) in &needed {
            let bytes = fs::read(file).map_err(VmError::io(format!("read {}", file.display())))?;
            let inside = inside.to_string_lossy();
            let inside = inside.trim_start_matches('/');
            out.parents(inside).map_err(VmError::io(doing()))?;
            out.file(inside, &bytes).map_err(VmError::io(doing()))?;
        }
        Ok(())
    };
    fill()?;
    trailer(out.out)
        .and_then(|out| out.into_inner().map_err(io::IntoInnerError::into_error))
        .map(drop)
        .map_err(VmError::io(doing()))
}

struct Archive<'f> {
    out: BufWriter<&'f File>,
    inode: u32,
    folders: Vec<String>,
}

impl Archive<'_> {
    fn entry(&mut self, name: &str, permissions: u32, kind: ModeFileType) -> Builder {
        self.inode += 1;
        Builder::new(name).ino(self.inode).mode(permissions).set_mode_file_type(kind)
    }

    fn folder(&mut self, name: &str) -> io::Result<()> {
        if self.folders.iter().any(|folder| folder == name) {
            return Ok(());
        }
        self.folders.push(name.to_owned());
        let entry = self.entry(name, 0o755, ModeFileType::Directory);
        entry.write(&mut self.out, 0).finish().map(drop)
    }

    fn parents(&mut self, name: &str) -> io::Result<()> {
        for (end, _) in name.match_indices('/') {
            self.folder(&name[..end])?;
        }
        Ok(())
    }

    fn console(&mut self) -> io::Result<()> {
        let entry =
            self.entry("dev/console", 0o600, ModeFileType::Char).rdev_major(5).rdev_minor(1);
        entry.write(&mut self.out, 0).finish().map(drop)
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let size = u32::try_from(bytes.len()).map_err(|_| {
            io::Error::new(io::ErrorKind::FileTooLarge, "4 GiB is the archive's limit")
        })?;
        let entry = self.entry(name, 0o755, ModeFileType::Regular);
        let mut out = entry.write(&mut self.out, size);
        out.write_all(bytes)?;
        out.finish().map(drop)
    }
}
