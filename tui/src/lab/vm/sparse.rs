// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of which most was never written.

use std::fs::File;

use nix::unistd::{Whence, lseek};

/// Makes `to` the same as `from`, holes included.
pub(super) fn copy_sparse(mut from: &File, mut to: &File) -> std::io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    let length = from.metadata()?.len();
    to.set_len(length)?;
    let mut at: i64 = 0;
    loop {
        let begin = match lseek(from, at, Whence::SeekData) {
            Ok(begin) => begin,
            // Only a hole is left.
            Err(nix::errno::Errno::ENXIO) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        };
        let end = lseek(from, begin, Whence::SeekHole)?;
        from.seek(SeekFrom::Start(begin.cast_unsigned()))?;
        to.seek(SeekFrom::Start(begin.cast_unsigned()))?;
        // By way of copy_file_range, which shares blocks where the file system can.
        std::io::copy(&mut from.take((end - begin).cast_unsigned()), &mut to)?;
        at = end;
    }
}
