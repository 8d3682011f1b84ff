// SPDX-License-Identifier: MIT OR Apache-2.0
//! Passing on what a program writes.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;

use crate::kernel::api::{Item, OutputStream};
use crate::kernel::local::task::Task;
use crate::kernel::wire::PAYLOAD_MAX;

/// How long, in milliseconds, output of processes that the program left behind
/// is waited for once it has ended.
const AFTERWARDS: u16 = 50;

/// Reads `file` until its end, or until the program has ended and nothing more
/// comes.
pub(super) fn pass_on(mut file: &File, stream: OutputStream, ended: &EventFd, task: &Task) {
    let mut buffer = vec![0; PAYLOAD_MAX];
    loop {
        if !wait(file, ended) {
            return;
        }
        match file.read(&mut buffer) {
            Ok(0) => return,
            Ok(size) => {
                let bytes = buffer[..size].to_vec();
                if !task.emit(Item::Output { stream, bytes }) {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // EIO: nobody has the terminal open any more.
            Err(_) => return,
        }
    }
}

/// Waits for output; `false` when none will come.
fn wait(file: &File, ended: &EventFd) -> bool {
    let mut fds = [
        PollFd::new(file.as_fd(), PollFlags::POLLIN),
        PollFd::new(ended.as_fd(), PollFlags::POLLIN),
    ];
    loop {
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) => break,
            Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
    if fds[0].any() == Some(true) {
        return true;
    }
    let mut fds = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
    loop {
        match poll(&mut fds, PollTimeout::from(AFTERWARDS)) {
            Ok(ready) => return ready > 0,
            Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}
