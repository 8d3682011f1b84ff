// SPDX-License-Identifier: MIT OR Apache-2.0
//! The real dashboard in a real pseudo-terminal over a real kernel.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    reason = "a test says what it expected, and exports nothing"
)]

mod brought;
mod casts;
mod dashboard;
mod experiments;
mod first_time;
mod flood;
mod flooder;
mod guided;
mod hangs;
mod leaving;
mod marks;
mod oops;
mod own_experiments;
mod recordings;
mod restored;
mod runtime;
mod session;
mod tour;
