// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads the kernel log.
//!
//! The `rmesg` crate's reader goes line by line through a `BufReader`, which
//! falls short of `/dev/kmsg` in four ways, so the reading is ours: an overrun
//! (`EPIPE`) ends it instead of going on with the loss counted; the lines of a
//! record's dictionary come out as records of their own; `\x0a`-style escapes
//! stay in the text; and it blocks for ever where a follower must be able to
//! stop. The parser in [`crate::kernel::kmsg`] is the crate's.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::task::{LocalCall, NoInput, Task};
use crate::kernel::api::{Item, KmsgRecord, KmsgText};
use crate::kernel::call::{Call, Sink};
use crate::kernel::error::{TargetError, TargetResult};
use crate::kernel::kmsg::parse;

/// The kernel log's device.
pub(super) const DEVICE: &str = "/dev/kmsg";
/// Longer than the kernel makes any record (`PRINTK_MESSAGE_MAX`, with escapes).
const RECORD_MAX: usize = 16 * 1024;
/// A piece of text of so many bytes is sent; with the record that goes beyond
/// it still fits into one frame of the protocol.
const PIECE: usize = 40 * 1024;

/// Starts reading the log.
pub(super) fn start(from: Option<u64>, follow: bool, sink: Sink) -> TargetResult<Call> {
    let task = Task::new(sink);
    let stop = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
        .map(Arc::new)
        .map_err(|errno| TargetError::errno(errno as i32, "prepare to read the kernel log"))?;
    let stopper = Arc::clone(&stop);
    task.on_cancel(move || {
        // It fails only when it has been written to very often.
        let _ = stopper.write(1);
    });
    task.spawn("kmsg", move |task| read(from, follow, &stop, task))?;
    Ok(Call::new(Arc::new(LocalCall::new(task, NoInput))))
}

fn read(from: Option<u64>, follow: bool, stop: &EventFd, task: &Task) -> TargetResult<()> {
    let mut log = Log::open()?;
    let mut piece = KmsgText::default();
    // Records before `from` are passed over.
    let mut early = from;
    loop {
        let more = match log.next_raw()? {
            Raw::Record(bytes) => {
                if early.is_none_or(|from| sequence(bytes).is_none_or(|number| number >= from)) {
                    early = None;
                    // The kernel writes nothing but ASCII.
                    piece.text.push_str(&String::from_utf8_lossy(bytes));
                }
                true
            }
            Raw::Overrun => {
                piece.overruns.push(piece.text.len() as u32);
                true
            }
            Raw::Nothing => false,
        };
        let full = piece.text.len() >= PIECE;
        if (full || !more)
            && !piece.text.is_empty()
            && !task.emit(Item::KmsgText(std::mem::take(&mut piece)))
        {
            return Err(TargetError::Cancelled);
        }
        if !more {
            if !follow {
                return Ok(());
            }
            log.wait(stop)?;
        }
        if (full || !more) && task.cancelled() {
            return Err(TargetError::Cancelled);
        }
    }
}

/// The sequence number in a record's header: `level,sequence,…`.
fn sequence(record: &[u8]) -> Option<u64> {
    let number = record.split(|byte| *byte == b',').nth(1)?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// What one read of the log gives.
enum Raw<'a> {
    /// A record as the kernel writes it.
    Record(&'a [u8]),
    /// Records were overwritten before they were read; the next is the oldest
    /// there is, and the gap in the sequence tells how many are lost.
    Overrun,
    /// There is none yet.
    Nothing,
}

/// The log, read record by record from the oldest that is kept.
pub(super) struct Log {
    file: File,
    buffer: Vec<u8>,
}

impl Log {
    pub(super) fn open() -> TargetResult<Self> {
        let file =
            File::options().read(true).custom_flags(nix::libc::O_NONBLOCK).open(DEVICE).map_err(
                |error| {
                    TargetError::io(&error, format!("open {DEVICE}")).with_hint(
                        "reading the kernel log takes root (or kernel.dmesg_restrict set to 0)",
                    )
                },
            )?;
        Ok(Self { file, buffer: vec![0; RECORD_MAX] })
    }

    /// One that starts behind the newest record.
    pub(super) fn open_at_end() -> TargetResult<Self> {
        use std::io::{Seek, SeekFrom};
        let mut log = Self::open()?;
        log.file
            .seek(SeekFrom::End(0))
            .map_err(|error| TargetError::io(&error, format!("go to the end of {DEVICE}")))?;
        Ok(log)
    }

    /// The next record; `None` when there is none yet.
    pub(super) fn next_record(&mut self) -> TargetResult<Option<KmsgRecord>> {
        loop {
            match self.next_raw()? {
                Raw::Record(bytes) => {
                    if let Some(record) = parse(&String::from_utf8_lossy(bytes)) {
                        return Ok(Some(record));
                    }
                }
                Raw::Overrun => {}
                Raw::Nothing => return Ok(None),
            }
        }
    }

    fn next_raw(&mut self) -> TargetResult<Raw<'_>> {
        loop {
            match self.file.read(&mut self.buffer) {
                Ok(0) => return Ok(Raw::Nothing),
                Ok(size) => return Ok(Raw::Record(&self.buffer[..size])),
                Err(error) => match error.raw_os_error() {
                    Some(nix::libc::EAGAIN) => return Ok(Raw::Nothing),
                    Some(nix::libc::EPIPE) => return Ok(Raw::Overrun),
                    _ if error.kind() == ErrorKind::Interrupted => {}
                    _ => return Err(TargetError::io(&error, format!("read {DEVICE}"))),
                },
            }
        }
    }

    /// Waits for a record or for `stop`.
    fn wait(&self, stop: &EventFd) -> TargetResult<()> {
        let mut fds = [
            PollFd::new(self.file.as_fd(), PollFlags::POLLIN),
            PollFd::new(stop.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(errno) => Err(TargetError::errno(errno as i32, format!("wait for {DEVICE}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_number_is_found_without_the_whole_parser() {
        assert_eq!(sequence(b"4,339,5140900,-;text, with 1,2\n"), Some(339));
        assert_eq!(sequence(b"190,18446744073709551614,1,-;x"), Some(u64::MAX - 1));
        assert_eq!(sequence(b"no header"), None);
    }
}
