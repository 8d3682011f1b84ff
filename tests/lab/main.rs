// SPDX-License-Identifier: MIT OR Apache-2.0
//! Labs as their users have them: the real binary, the real kernel, QEMU; and
//! what is left when any of them is killed.
//!
//! Each test has a runtime folder of its own, so that labs of other tests and
//! of the user are out of its sight.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    reason = "a test says what it expected, and exports nothing"
)]

mod bad_folders;
mod broken_machine;
mod brought;
mod commands;
mod completions;
mod demo;
mod ends;
mod faults;
mod folders;
mod foreign;
mod full_disk;
mod guest_linux;
mod hangs;
mod host_files;
mod inherited;
mod kernels;
mod loading;
mod machine;
mod marks;
mod memory;
mod own_options;
mod privilege;
#[path = "../stress/random.rs"]
#[allow(dead_code, reason = "not all of it is needed")]
mod random;
mod random_signals;
mod readme;
mod record;
mod recovers;
mod replaced_names;
mod starts;
mod stick;
mod stick_marks;
mod subject_marks;
mod surroundings;
mod two_sticks;
mod while_it_starts;
