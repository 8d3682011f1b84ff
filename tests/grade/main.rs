// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside grade` as a teacher has it: the real binary, submissions built in
//! guests, each test in a guest of its own.
//!
//! What was built once is kept in the cache by what it was made from, so only the
//! first run takes its time.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    dead_code,
    reason = "a test says what it expected, exports nothing, and uses a part of what is shared"
)]

#[path = "../lab/surroundings.rs"]
mod surroundings;

mod course;
mod page;
mod spec;
mod submissions;
mod wrong;
