// SPDX-License-Identifier: MIT OR Apache-2.0
//! Setting up and building when something is wrong: each fault gives one clear
//! message with a remedy and a status that is not 0, and leaves nothing that a
//! later run would trust. Drives the real program; nothing here installs
//! packages or compiles a kernel.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod interrupted;
mod kernel;
mod packages;
mod place;
mod question;
