// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an author of a module does: from an empty folder to a module that is
//! watched, tested, traced and debugged, by the real commands on a real kernel.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    dead_code,
    reason = "a test says what it expected, exports nothing, and uses a part of what is shared"
)]

#[path = "../terminal/session.rs"]
mod session;
#[path = "../lab/surroundings.rs"]
mod surroundings;

mod dump;
mod gdb;
mod made;
mod new;
mod readme;
mod trace;
mod watch;
mod workbench;
