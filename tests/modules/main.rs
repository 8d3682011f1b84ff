// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modules on a real kernel. Each test starts a guest of its own and runs
//! its body there, as root, by starting this same test binary inside; see
//! [`guest::run`]. `RINGSIDE_KERNEL=debug` runs the very same tests on the
//! kernel with the sanitizers; either way a test fails when the kernel's log
//! holds a report afterwards.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    reason = "a test says what it expected, and exports nothing"
)]

mod any_order;
mod c_header;
mod c_programs;
mod errnos;
mod guest;
mod kernel_log;
mod kmod;
mod memalloc;
mod my_name;
mod my_syscall;
mod privilege;
mod producer_consumer;
mod programs;
mod soak;
mod watch;
