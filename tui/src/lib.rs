// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ringside: see and drive Linux kernel modules written in Rust, in a real
//! kernel, from a terminal.
//!
//! Imports run one way: `cli` → {`dashboard`, `grade`} → {`lab`, `agent`} → `kernel` →
//! the `ringside-uapi` crate; `text` is open to all. `tape`
//! writes and reads recordings for `dashboard`; `experiment` is what it runs with a
//! person, by the words of `grade`.

pub mod agent;
pub mod cli;
pub mod dashboard;
mod embedded;
pub mod experiment;
#[cfg(test)]
mod fuzz;
pub mod grade;
pub mod kernel;
pub mod lab;
mod log_file;
pub mod plain_file;
pub mod tape;
pub mod text;
