// SPDX-License-Identifier: MIT OR Apache-2.0
//! The system call of our own.

use std::path::Path;

use ringside_uapi::my_syscall::{CALLS, FOLDER, MESSAGE, MESSAGE_MAX, NUMBER};

use super::files;
use super::task::Task;
use crate::kernel::api::SyscallInfo;
use crate::kernel::error::{TargetError, TargetResult};

/// The most calls that one request makes.
const TIMES_MAX: u32 = 1_000_000;

fn read(file: &str) -> TargetResult<String> {
    let path = Path::new(FOLDER).join(file);
    files::text(&path).map_err(|error| {
        TargetError::io(&error, format!("read {}", path.display()))
            .with_hint("only a kernel that ringside built has my_syscall")
    })
}

fn number<T: std::str::FromStr>(file: &str) -> TargetResult<T> {
    let text = read(file)?;
    text.trim()
        .parse()
        .map_err(|_| TargetError::Protocol(format!("{FOLDER}/{file} holds no number: {text:?}")))
}

/// Its number, calls and message.
pub(super) fn info() -> TargetResult<SyscallInfo> {
    Ok(SyscallInfo { number: number(NUMBER)?, calls: number(CALLS)?, message: read(MESSAGE)? })
}

/// Makes the call `times` times.
pub(super) fn call(times: u32, task: &Task) -> TargetResult<()> {
    if times == 0 || times > TIMES_MAX {
        return Err(TargetError::Invalid(format!(
            "the system call can be made 1 to {TIMES_MAX} times, not {times}"
        )));
    }
    let number: u32 = number(NUMBER)?;
    for done in 0..times {
        if done % 1000 == 0 && task.cancelled() {
            return Err(TargetError::Cancelled);
        }
        // SAFETY: the kernel names this number as that of my_syscall, which
        // takes no arguments and touches nothing of ours.
        let result = unsafe { nix::libc::syscall(nix::libc::c_long::from(number)) };
        if result < 0 {
            let error = std::io::Error::last_os_error();
            return Err(TargetError::io(&error, format!("make system call {number}")));
        }
    }
    Ok(())
}

/// Writes the message.
pub(super) fn set_message(message: &str) -> TargetResult<()> {
    if message.len() > MESSAGE_MAX {
        return Err(TargetError::Invalid(format!(
            "the message has {} bytes; the system call takes at most {MESSAGE_MAX}",
            message.len()
        )));
    }
    let path = Path::new(FOLDER).join(MESSAGE);
    read(MESSAGE)?;
    files::write(&path, message, "set the system call's message")
}
