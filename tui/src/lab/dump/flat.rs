// SPDX-License-Identifier: MIT OR Apache-2.0
//! A compressed dump: makedumpfile's format, as a list of pieces that say where
//! in the dump they belong (“flattened”).
//!
//! ```text
//! "makedumpfile" …    4096 bytes
//! offset, size, bytes   big endian; again and again
//! -1, -1
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::note::{cr4, note, notes};
use super::vmcoreinfo;
use crate::lab::linux::Kernel;

const HEADER: u64 = 4096;
/// Where the header of what follows the first block lies in the dump.
const SUB_HEADER: u64 = 4096;
/// In it: where the kernel's note lies and how long it is, and the same of the
/// notes of the processors.
const VMCOREINFO_AT: u64 = 8 + 4 + 4 + 8 + 8;
const NOTES_AT: u64 = VMCOREINFO_AT + 16;
/// Only the beginning of the dump is looked at.
const LOOKED_AT: u64 = 1 << 24;

pub(super) fn complete(file: &mut File, kernel: &Kernel) -> io::Result<()> {
    let wrong = |why: &str| {
        io::Error::new(io::ErrorKind::InvalidData, format!("QEMU's dump can't be read: {why}"))
    };
    let mut start = [0; 12];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut start)?;
    if start != *b"makedumpfile" {
        return Err(wrong("it is not in makedumpfile's format"));
    }
    let (mut at, mut end) = (HEADER, 0_u64);
    let mut pieces: BTreeMap<u64, (u64, Vec<u8>)> = BTreeMap::new();
    loop {
        let mut head = [0; 16];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut head)?;
        let word = |at: usize| i64::from_be_bytes(std::array::from_fn(|index| head[at + index]));
        let (Ok(offset), Ok(size)) = (u64::try_from(word(0)), u64::try_from(word(8))) else {
            break;
        };
        if offset + size <= LOOKED_AT {
            let mut bytes = vec![0; size as usize];
            file.read_exact(&mut bytes)?;
            pieces.insert(offset, (at + 16, bytes));
        }
        end = end.max(offset + size);
        at += 16 + size;
    }
    let read = |from: u64, size: u64| -> Option<Vec<u8>> {
        let (offset, (_, bytes)) = pieces.range(..=from).next_back()?;
        let start = (from - offset) as usize;
        bytes.get(start..start + size as usize).map(<[u8]>::to_vec)
    };
    let number =
        |from: u64| -> Option<u64> { Some(u64::from_le_bytes(read(from, 8)?.try_into().ok()?)) };
    if number(SUB_HEADER + VMCOREINFO_AT + 8).is_some_and(|size| size > 0) {
        return Ok(());
    }
    let mut all = number(SUB_HEADER + NOTES_AT)
        .zip(number(SUB_HEADER + NOTES_AT + 8))
        .and_then(|(from, size)| read(from, size))
        .ok_or_else(|| wrong("it has no note of the processors"))?;
    let registers = notes(&all).into_iter().find(|(name, _)| *name == b"QEMU");
    let cr4 = registers
        .and_then(|(_, content)| cr4(content))
        .ok_or_else(|| wrong("it has no registers"))?;
    // Readers differ in which of two pieces for one place wins: that one is changed.
    let header = pieces.range(..=SUB_HEADER + VMCOREINFO_AT).next_back();
    let (offset, (header, _)) = header.ok_or_else(|| wrong("it has no header"))?;
    let place = header + SUB_HEADER + VMCOREINFO_AT - offset;
    let text = vmcoreinfo::text(kernel, cr4)?;
    let before = all.len();
    all.extend(note("VMCOREINFO", text.as_bytes()));
    // Of the note its text; of the notes all.
    let within = all[before..].windows(text.len()).position(|part| part == text.as_bytes());
    let text_at = end + (before + within.unwrap_or_default()) as u64;
    let fields = [text_at, text.len() as u64, end, all.len() as u64];
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&(end as i64).to_be_bytes())?;
    file.write_all(&(all.len() as i64).to_be_bytes())?;
    file.write_all(&all)?;
    file.write_all(&[0xff; 16])?;
    file.seek(SeekFrom::Start(place))?;
    file.write_all(&fields.map(u64::to_le_bytes).concat())?;
    file.sync_all()
}
