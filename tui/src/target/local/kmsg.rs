// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel log.
//!
//! The `rmesg` crate supplies the parser of a record's header and its types.
//! Its reader goes line by line through a `BufReader`, which falls short of
//! `/dev/kmsg` in four ways, so the reading is ours: an overrun (`EPIPE`) ends
//! it instead of going on with the loss counted; the lines of a record's
//! dictionary come out as records of their own; `\x0a`-style escapes stay in
//! the text; and it blocks for ever where a follower must be able to stop.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use rmesg::kmsgfile::entry_from_line;

use super::task::{LocalCall, NoInput, Task};
use crate::target::api::{Item, KmsgBatch, KmsgRecord};
use crate::target::call::{Call, Sink};
use crate::target::error::{TargetError, TargetResult};

/// The kernel log's device.
pub(super) const DEVICE: &str = "/dev/kmsg";
/// Longer than the kernel makes any record (`PRINTK_MESSAGE_MAX`, with escapes).
const RECORD_MAX: usize = 16 * 1024;
/// The most records in a batch.
const BATCH: usize = 256;

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
    log.expected = from;
    let mut batch = KmsgBatch::default();
    loop {
        let record = log.next_record()?;
        let more = record.is_some();
        if let Some(record) = record
            && from.is_none_or(|from| record.sequence >= from)
        {
            batch.records.push(record);
        }
        let full = batch.records.len() >= BATCH;
        if (full || !more)
            && !batch.records.is_empty()
            && !task.emit(Item::Kmsg(std::mem::take(&mut batch)))
        {
            return Err(TargetError::Cancelled);
        }
        if !more {
            if !follow {
                return Ok(());
            }
            log.wait(stop)?;
        }
        if task.cancelled() {
            return Err(TargetError::Cancelled);
        }
    }
}

/// The log, read record by record from the oldest that is kept.
pub(super) struct Log {
    file: File,
    buffer: Vec<u8>,
    /// The sequence number that comes next if nothing is lost.
    expected: Option<u64>,
}

impl Log {
    pub(super) fn open() -> TargetResult<Self> {
        let file = File::options()
            .read(true)
            .custom_flags(nix::libc::O_NONBLOCK)
            .open(DEVICE)
            .map_err(|error| {
                TargetError::io(&error, format!("open {DEVICE}")).with_hint(
                    "reading the kernel log takes root (or kernel.dmesg_restrict set to 0)",
                )
            })?;
        Ok(Self {
            file,
            buffer: vec![0; RECORD_MAX],
            expected: None,
        })
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
            match self.file.read(&mut self.buffer) {
                Ok(0) => return Ok(None),
                Ok(size) => {
                    let Some(mut record) = parse(&self.buffer[..size]) else {
                        continue;
                    };
                    if let Some(expected) = self.expected {
                        record.lost_before = record.sequence.saturating_sub(expected);
                    }
                    self.expected = Some(record.sequence + 1);
                    return Ok(Some(record));
                }
                Err(error) => match error.raw_os_error() {
                    Some(nix::libc::EAGAIN) => return Ok(None),
                    // Records were overwritten before we came to read them;
                    // the next read gives the oldest one there is, and the gap
                    // in the sequence tells how many are lost.
                    Some(nix::libc::EPIPE) => {}
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
            Err(errno) => Err(TargetError::errno(
                errno as i32,
                format!("wait for {DEVICE}"),
            )),
        }
    }
}

/// A record as one read of `/dev/kmsg` gives it: `level,sequence,time,flags;text`
/// and, line by line after a space, the dictionary.
fn parse(bytes: &[u8]) -> Option<KmsgRecord> {
    let raw = String::from_utf8_lossy(bytes);
    let mut lines = raw.lines();
    let first = lines.next()?;
    // The text is kept out of the parser's pattern: it is not its business,
    // and long lines would be copied twice.
    let (header, text) = first.split_once(';')?;
    let (priority, _) = header.split_once(',')?;
    let priority: u32 = priority.trim().parse().ok()?;
    // The crate knows the facilities up to 11; what lies beyond (local0 …) is
    // replaced for it and kept by us.
    let facility = (priority >> 3).min(255) as u8;
    let entry = entry_from_line(&format!(
        "{}{};",
        priority & 7,
        &header[header.find(',')?..]
    ))
    .ok()?;
    Some(KmsgRecord {
        sequence: entry.sequence_num? as u64,
        at_us: entry.timestamp_from_system_start?.as_micros() as u64,
        level: entry.level? as u8,
        facility,
        text: unescape(text),
        fields: lines
            .filter_map(|line| line.strip_prefix(' ')?.split_once('='))
            .map(|(name, value)| (unescape(name), unescape(value)))
            .collect(),
        lost_before: 0,
    })
}

/// Undoes the kernel's `\x0a`: it writes every byte that is no printable ASCII
/// that way, UTF-8 included.
fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = bytes[at..]
            .strip_prefix(b"\\x")
            .and_then(|rest| rest.first_chunk::<2>())
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => {
                plain.push(byte);
                at += 4;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_with_escapes_and_a_dictionary_is_read_whole() {
        let record = parse(
            b"4,339,5140900,-,caller=T1;usb 1-1: caf\\xc3\\xa9 \\x5cx41; two\\x0alines\n SUBSYSTEM=usb\n DEVICE=c189:1\n",
        )
        .unwrap();
        assert_eq!(record.sequence, 339);
        assert_eq!(record.at_us, 5_140_900);
        assert_eq!((record.level, record.facility), (4, 0));
        assert_eq!(record.text, "usb 1-1: caf\u{e9} \\x41; two\nlines");
        assert_eq!(
            record.fields,
            [
                ("SUBSYSTEM".to_owned(), "usb".to_owned()),
                ("DEVICE".to_owned(), "c189:1".to_owned())
            ]
        );
    }

    #[test]
    fn facilities_and_sequence_numbers_of_any_size_are_kept() {
        let record = parse(b"190,18446744073709551614,1,-;from local7").unwrap();
        assert_eq!((record.level, record.facility), (6, 23));
        assert_eq!(record.sequence, u64::MAX - 1);
        assert_eq!(record.text, "from local7");
    }

    #[test]
    fn bytes_that_are_no_text_and_half_escapes_do_no_harm() {
        let record = parse(b"6,1,2,-;bad \\xff\\xfe \\x4 \\xzz \\").unwrap();
        assert_eq!(record.text, "bad \u{fffd}\u{fffd} \\x4 \\xzz \\");
        assert_eq!(parse(b"no header"), None);
        assert_eq!(parse(b""), None);
    }
}
