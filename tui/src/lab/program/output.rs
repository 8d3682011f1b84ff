// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a program prints, read while it runs.

use std::io::{ErrorKind, PipeReader, Read};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How long to wait for output before looking whether the program is over, or is
/// to be stopped.
pub(super) const POLL: Duration = Duration::from_millis(50);
/// How much is read from a program at one time.
pub(super) const READ: usize = 64 << 10;
/// Longer lines are cut into pieces.
pub(super) const LINE_MAX: usize = 64 << 10;
/// How many of what was read at one time may wait: a program that prints faster
/// than it is listened to waits, too.
const WAITING: usize = 8;

/// What was read from a program at one time.
pub(super) struct Printed {
    /// How much it was.
    pub(super) bytes: usize,
    /// The lines that are whole now.
    pub(super) lines: Vec<String>,
}

/// Reads what a program prints on a thread of its own, as [`hear`] does.
pub(super) fn listen(reader: PipeReader, over: Arc<AtomicBool>) -> Receiver<Printed> {
    let (sender, lines) = sync_channel(WAITING);
    std::thread::spawn(move || hear(reader, &sender, &over));
    lines
}

/// Is there something to read, or the end? `false`: not for a while.
fn readable(reader: &PipeReader) -> bool {
    let mut waits = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
    // An error shows when it is read.
    poll(&mut waits, PollTimeout::try_from(POLL).unwrap_or(PollTimeout::MAX)) != Ok(0)
}

/// Hands on what a program prints until all who can print have ended, or the program
/// is `over` and all that it printed was read: a grandchild that lives on may hold
/// the pipe open.
fn hear(mut reader: PipeReader, to: &SyncSender<Printed>, over: &AtomicBool) {
    let text = |line: &[u8]| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        String::from_utf8_lossy(line).into_owned()
    };
    let mut buffer = vec![0; READ];
    let mut rest: Vec<u8> = Vec::new();
    loop {
        // In this order: what it printed is in the pipe before it is over.
        let over = over.load(Ordering::Acquire);
        if !readable(&reader) {
            if over {
                break;
            }
            continue;
        }
        let bytes = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let mut lines = Vec::new();
        for piece in buffer[..bytes].split_inclusive(|byte| *byte == b'\n') {
            rest.extend_from_slice(piece);
            if let Some(line) = rest.strip_suffix(b"\n") {
                lines.push(text(line));
                rest.clear();
            } else if rest.len() >= LINE_MAX {
                lines.push(text(&rest));
                rest.clear();
            }
        }
        if to.send(Printed { bytes, lines }).is_err() {
            return;
        }
    }
    if !rest.is_empty() {
        // Nobody listens any more when the work was stopped.
        drop(to.send(Printed { bytes: 0, lines: vec![text(&rest)] }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_a_program_printed_is_heard_however_late_and_who_holds_its_pipe_is_not_waited_for() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let (sender, lines) = sync_channel(WAITING);
        // As on a machine so busy that nobody has listened before the program's end.
        writer.write_all(b"module first\nmodule second\n").unwrap();
        let ended = std::thread::spawn(move || hear(reader, &sender, &AtomicBool::new(true)));
        let heard: Vec<String> = lines.iter().flat_map(|printed| printed.lines).collect();
        assert_eq!(heard, ["module first", "module second"]);
        ended.join().unwrap();
        drop(writer);
    }
}
