// SPDX-License-Identifier: MIT OR Apache-2.0
//! A dump that is an ELF file: its notes are moved to its end, where there is
//! room for one more.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::note::{cr4, note, notes};
use super::vmcoreinfo;
use crate::lab::linux::Kernel;

/// The type of a program header that holds notes.
const PT_NOTE: u32 = 4;
/// More notes than QEMU writes.
const NOTES_MAX: u64 = 1 << 24;

pub(super) fn complete(file: &mut File, kernel: &Kernel) -> io::Result<()> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "QEMU's dump is no ELF file");
    let mut header = [0; 64];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut header)?;
    if header[..6] != *b"\x7fELF\x02\x01" {
        return Err(wrong());
    }
    let half = |at: usize| u64::from(u16::from_le_bytes([header[at], header[at + 1]]));
    let (table, entry, entries) = (long(&header, 32).ok_or_else(wrong)?, half(54), half(56));
    for number in 0..entries {
        let at = table + number * entry;
        let mut program = [0; 56];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut program)?;
        if u32::from_le_bytes([program[0], program[1], program[2], program[3]]) != PT_NOTE {
            continue;
        }
        let offset = long(&program, 8).ok_or_else(wrong)?;
        let size = long(&program, 32).filter(|size| *size < NOTES_MAX).ok_or_else(wrong)?;
        let mut all = vec![0; size as usize];
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(&mut all)?;
        if notes(&all).iter().any(|(name, _)| *name == b"VMCOREINFO") {
            return Ok(());
        }
        let registers = notes(&all).into_iter().find(|(name, _)| *name == b"QEMU");
        let cr4 = registers.and_then(|(_, content)| cr4(content)).ok_or_else(wrong)?;
        all.extend(note("VMCOREINFO", vmcoreinfo::text(kernel, cr4)?.as_bytes()));
        let end = file.seek(SeekFrom::End(0))?.next_multiple_of(4);
        file.set_len(end)?;
        file.seek(SeekFrom::End(0))?;
        file.write_all(&all)?;
        // Its place in the file, and its size there and in memory.
        for (field, value) in [(8, end), (32, all.len() as u64), (40, all.len() as u64)] {
            file.seek(SeekFrom::Start(at + field))?;
            file.write_all(&value.to_le_bytes())?;
        }
        return file.sync_all();
    }
    Err(wrong())
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
