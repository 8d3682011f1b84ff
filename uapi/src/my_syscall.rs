// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
//! my_syscall: a system call of our own, built into the kernel. It takes no
//! arguments, returns 0 and logs a message.

/// The folder in sysfs.
pub const FOLDER: &str = "/sys/kernel/my_syscall";
/// The file that tells the system call's number (decimal text, readable by all).
pub const NUMBER: &str = "number";
/// The file that counts the calls since boot (decimal text, readable by all).
pub const CALLS: &str = "calls";
/// The file that holds the message (text, read by all, written by root).
pub const MESSAGE: &str = "message";
/// The longest message in bytes; a longer one is refused with `EINVAL`.
pub const MESSAGE_MAX: usize = 127;
