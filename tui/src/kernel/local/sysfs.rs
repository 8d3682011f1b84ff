// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a module lies in sysfs, and what is said when it does not.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::files;
use crate::kernel::error::TargetError;

/// Why there is nothing to list, load or unload.
pub(super) const NO_MODULES: &str = "this kernel was built without loadable modules";

/// The folder of a module in sysfs.
pub(super) fn folder(module: &str) -> PathBuf {
    Path::new(files::SYS_MODULE).join(module)
}

/// What tells a loaded module from another that had the same name: the inode of
/// its folder, which the kernel never gives twice.
pub(super) fn instance(module: &str) -> Option<u64> {
    Some(folder(module).metadata().ok()?.ino())
}

/// Identifies the build of a module's file: the note that the linker left in it,
/// in hex.
pub(super) fn build_id(module: &str) -> Option<String> {
    let note = std::fs::read(folder(module).join("notes/.note.gnu.build-id")).ok()?;
    parse_build_id(&note)
}

/// A note: three sizes and a kind, then `GNU`, then the id.
fn parse_build_id(note: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"GNU\0";
    let size = usize::try_from(u32::from_ne_bytes(note.get(4..8)?.try_into().ok()?)).ok()?;
    let id = note.get(12..)?.strip_prefix(NAME)?.get(..size)?;
    Some(crate::text::bytes::hex(id))
}

/// Is a loaded module that bears the name of one of ours ours indeed? Others have
/// no folder of counters, or other ones.
pub(super) fn is_ours(module: &str) -> bool {
    ringside_uapi::module(module).is_some_and(|known| {
        let counters = folder(module).join("counters");
        known.counters.iter().all(|counter| counters.join(counter.name).exists())
    })
}

/// The error for what a module that only bears the name of one of ours can't do.
pub(super) fn not_ours(module: &str, lacks: &str, has: &str) -> TargetError {
    TargetError::Unsupported(format!(
        "the module {module} that is loaded is not Ringside's, so it has no {lacks}; {has}"
    ))
}

/// The error for a module that is not there.
pub(super) fn not_loaded(name: &str, doing: &str) -> TargetError {
    TargetError::errno(nix::libc::ENOENT, format!("{doing} module {name}"))
        .with_hint("it is not loaded; `ringside modules` lists the modules that are")
}

/// The module that a file belongs to is gone.
pub(super) struct Gone;

/// What a read of an open file in sysfs brought; `None` when the file can't be read.
pub(super) fn readable<T>(read: io::Result<T>) -> Result<Option<T>, Gone> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.raw_os_error() == Some(nix::libc::ENODEV) => Err(Gone),
        Err(_) => Ok(None),
    }
}

/// At most `size` bytes of a table, by as many reads as it takes; `None` when the
/// file can't be read.
pub(super) fn read_part(file: &File, offset: u64, size: usize) -> Result<Option<Vec<u8>>, Gone> {
    /// What is read at one time: the kernel gives no more than a page.
    const PIECE: usize = 16 * 1024;
    let mut bytes = Vec::new();
    let mut held = 0;
    while held < size {
        if bytes.len() == held {
            bytes.resize(size.min(held + PIECE), 0);
        }
        let read = file.read_at(&mut bytes[held..], offset + held as u64);
        if read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
            continue;
        }
        match readable(read)? {
            Some(0) => break,
            Some(read) => held += read,
            None => return Ok(None),
        }
    }
    bytes.truncate(held);
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_note_holds_it_has_a_build_id_or_none() {
        let good = [4_u32, 20, 3].iter().flat_map(|it| it.to_le_bytes());
        let good: Vec<u8> = good.chain(*b"GNU\0").chain(0..20).collect();
        crate::fuzz::bytes_like(vec![good], |bytes| drop(parse_build_id(bytes)));
    }

    #[test]
    fn a_build_id_is_read_from_its_note() {
        let mut note = vec![4, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0];
        note.extend(b"GNU\0\x0f\xa0");
        assert_eq!(parse_build_id(&note).as_deref(), Some("0fa0"));
        assert_eq!(parse_build_id(&note[..note.len() - 1]), None);
        assert_eq!(parse_build_id(b""), None);
    }
}
