// SPDX-License-Identifier: MIT OR Apache-2.0
//! A checksum of a file in the cache: quick enough for every start, and enough
//! to notice what a disk or an interrupted write did to it.

use std::fs::File;
use std::io::Result;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The CRC-32 of a whole file.
///
/// # Errors
/// It can't be read.
pub(crate) fn of_file(path: &Path) -> Result<u32> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    of(&file, length)
}

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// The CRC-32 of the first `length` bytes. The file's position stays.
///
/// # Errors
/// It can't be read, or is shorter.
pub(crate) fn of(file: &File, length: u64) -> Result<u32> {
    let mut sum = crc32fast::Hasher::new();
    let mut buffer = vec![0; PIECE];
    let mut at = 0;
    while at < length {
        let size = PIECE.min(usize::try_from(length - at).unwrap_or(PIECE));
        file.read_exact_at(&mut buffer[..size], at)?;
        sum.update(&buffer[..size]);
        at += size as u64;
    }
    Ok(sum.finalize())
}
