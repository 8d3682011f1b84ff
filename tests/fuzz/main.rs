// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modules' calls and files in a guest, at random but well formed enough to get far.
//! What the program itself reads is fuzzed by its unit tests: `cargo test --lib whatever`.
//!
//! ```text
//! RINGSIDE_KERNEL=debug cargo test --test fuzz guest
//! RINGSIDE_KERNEL=debug RINGSIDE_FUZZ=2000000 cargo test --test fuzz guest
//! ```
//!
//! `RINGSIDE_FUZZ` is how many calls there are to be; without it, as many as fit into a few
//! seconds, the same ones each time. A failing test prints its
//! seed, which `RINGSIDE_SEED` takes, and the case by itself.
//!
//! These are plain tests. `host/` has targets for `cargo fuzz`, which go by coverage.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    dead_code,
    reason = "a test says what it expected, exports nothing, and uses a part of what is shared"
)]

#[path = "../modules/kernel_log.rs"]
mod kernel_log;
#[path = "../stress/random.rs"]
mod random;
#[path = "../modules/guest.rs"]
mod run_in_guest;

mod guest;
