// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modules under stress, each against a model in user space that knows what
//! every byte, mapping and counter must be. Afterwards the kernel has reported
//! nothing and its memory is back. Made for the debug kernel:
//!
//! ```text
//! RINGSIDE_KERNEL=debug cargo test --test stress
//! RINGSIDE_KERNEL=debug RINGSIDE_STRESS=60 cargo test --test stress -- --test-threads=1
//! ```
//!
//! `RINGSIDE_STRESS` is for how many minutes in all; without it, seconds. What is
//! done is decided by a seed, which a failing test prints; `RINGSIDE_SEED` gives it, and
//! without `RINGSIDE_STRESS` it is always the same.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    dead_code,
    reason = "a test says what it expected, exports nothing, and uses a part of what is shared"
)]

#[path = "../modules/guest.rs"]
mod guest;
#[path = "../modules/kernel_log.rs"]
mod kernel_log;
#[path = "../detectors/kmemleak.rs"]
mod kmemleak;

mod comings;
mod failing;
mod kmod;
mod memalloc;
mod plan;
mod producer_consumer;
mod random;
mod unplugging;
