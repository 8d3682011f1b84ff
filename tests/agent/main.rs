// SPDX-License-Identifier: MIT OR Apache-2.0
//! The real binary as client and as agent, over pipes: what a person types,
//! what an agent is sent, and what happens when one of them dies.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test says what it expected by failing"
)]

mod client;
mod commands;
mod connecting;
mod frames;
mod shell;
