// SPDX-License-Identifier: MIT OR Apache-2.0
//! The agent: lets others use this kernel over a byte stream, and, in a lab's
//! guest, is in charge of the machine.

mod fault;
pub mod init;
mod mounts;
mod port;
mod serve;
pub mod subject;
#[cfg(test)]
mod tests;

pub use port::{PORT, serve_port};
pub use serve::serve;
