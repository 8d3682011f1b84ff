// SPDX-License-Identifier: MIT OR Apache-2.0
//! A compressed dump: makedumpfile's format, which QEMU writes as a list of pieces
//! that say where in the dump they belong (“flattened”).
//!
//! ```text
//! "makedumpfile" …    4096 bytes
//! offset, size, bytes   big endian; again and again
//! -1, -1
//! ```
//!
//! drgn reads no flattened dump, so the pieces are put where they belong, and the
//! kernel's own note behind them.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::note::{cr4, note, notes};
use super::vmcoreinfo;
use crate::lab::linux::Kernel;

const HEADER: u64 = 4096;
/// Where the header of what follows the first block lies in the dump.
const SUB_HEADER: u64 = 4096;
/// In it: where the kernel's note lies and how long it is, and the same of the
/// notes of the processors.
const VMCOREINFO_AT: u64 = SUB_HEADER + 8 + 4 + 4 + 8 + 8;
const NOTES_AT: u64 = VMCOREINFO_AT + 16;
/// More notes than QEMU writes.
const NOTES_MAX: u64 = 1 << 24;

fn wrong(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("QEMU's dump can't be read: {why}"))
}

/// Puts what QEMU has written to `file`, at `path`, in order, and completes it.
pub(super) fn complete(file: &mut File, path: &Path, kernel: &Kernel) -> io::Result<()> {
    // Beside it, so that it can take its place.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let whole = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    whole.as_file().set_permissions(file.metadata()?.permissions())?;
    assemble(file, whole.as_file())?;
    add_note(whole.as_file(), kernel)?;
    whole.as_file().sync_all()?;
    let whole = whole.persist(path).map_err(|error| error.error)?;
    *file = whole;
    Ok(())
}

/// Copies each piece to its place.
fn assemble(flat: &mut File, mut whole: &File) -> io::Result<()> {
    flat.seek(SeekFrom::Start(0))?;
    let mut flat = BufReader::new(flat);
    let mut start = [0; HEADER as usize];
    flat.read_exact(&mut start)?;
    if !start.starts_with(b"makedumpfile") {
        return Err(wrong("it is not in makedumpfile's format"));
    }
    loop {
        let mut head = [0; 16];
        flat.read_exact(&mut head)?;
        let word = |at: usize| i64::from_be_bytes(std::array::from_fn(|index| head[at + index]));
        // Both are -1 at the end.
        let (Ok(offset), Ok(size)) = (u64::try_from(word(0)), u64::try_from(word(8))) else {
            return Ok(());
        };
        whole.seek(SeekFrom::Start(offset))?;
        if io::copy(&mut flat.by_ref().take(size), &mut whole)? < size {
            return Err(wrong("it ends too early"));
        }
    }
}

/// Adds the kernel's note to a dump whose pieces are in order.
fn add_note(mut whole: &File, kernel: &Kernel) -> io::Result<()> {
    let number = |at: u64| -> io::Result<u64> {
        let mut bytes = [0; 8];
        whole.read_exact_at(&mut bytes, at)?;
        Ok(u64::from_le_bytes(bytes))
    };
    if number(VMCOREINFO_AT + 8)? > 0 {
        return Ok(());
    }
    let (from, size) = (number(NOTES_AT)?, number(NOTES_AT + 8)?);
    if size == 0 || size > NOTES_MAX {
        return Err(wrong("it has no note of the processors"));
    }
    let mut all = vec![0; size as usize];
    whole.read_exact_at(&mut all, from)?;
    let registers = notes(&all).into_iter().find(|(name, _)| *name == b"QEMU");
    let cr4 = registers
        .and_then(|(_, content)| cr4(content))
        .ok_or_else(|| wrong("it has no registers"))?;
    let text = vmcoreinfo::text(kernel, cr4)?;
    let before = all.len();
    all.extend(note("VMCOREINFO", text.as_bytes()));
    // Of the note its text; of the notes all.
    let within = all[before..].windows(text.len()).position(|part| part == text.as_bytes());
    let end = whole.seek(SeekFrom::End(0))?.next_multiple_of(4);
    let text_at = end + (before + within.unwrap_or_default()) as u64;
    whole.seek(SeekFrom::Start(end))?;
    whole.write_all(&all)?;
    let fields = [text_at, text.len() as u64, end, all.len() as u64];
    whole.write_all_at(&fields.map(u64::to_le_bytes).concat(), VMCOREINFO_AT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(offset: i64, bytes: &[u8]) -> Vec<u8> {
        let size = bytes.len() as i64;
        [&offset.to_be_bytes()[..], &size.to_be_bytes(), bytes].concat()
    }

    fn assembled(pieces: &[Vec<u8>]) -> io::Result<Vec<u8>> {
        let mut flat = tempfile::tempfile()?;
        let mut start = b"makedumpfile".to_vec();
        start.resize(HEADER as usize, 0);
        flat.write_all(&start)?;
        flat.write_all(&pieces.concat())?;
        let mut whole = tempfile::tempfile()?;
        assemble(&mut flat, &whole)?;
        let mut bytes = Vec::new();
        whole.seek(SeekFrom::Start(0))?;
        whole.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn pieces_are_put_where_they_belong_and_a_later_one_wins() {
        let end = [0xff; 16].to_vec();
        let bytes = assembled(&[piece(4, b"efgh"), piece(0, b"abcd"), piece(6, b"XY"), end]);
        assert_eq!(bytes.unwrap(), b"abcdefXY");
        let early = assembled(&[piece(0, b"abcd")[..18].to_vec()]).unwrap_err();
        assert!(early.to_string().contains("ends too early"), "{early}");
    }
}
