// SPDX-License-Identifier: MIT OR Apache-2.0
//! Judging kernel modules that somebody handed in: a description says what to do
//! and what must be true; each test of it runs in a fresh guest.
//!
//! ```text
//! spec (TOML) + submission (folder, archive) ► unpack ► build in a guest ► a guest for each test ► verdicts ► reports
//! ```
//!
//! Nothing of a submission runs on the host: it is unpacked there, with no link
//! and no path that leads out, and everything else happens in guests that see
//! the host's programs and one folder.

mod action;
mod build;
mod guest;
pub mod judge;
pub mod left;
mod log;
mod recording;
pub mod report;
mod run;
mod session;
mod source;
pub mod spec;
mod submission;
mod unpack;
mod verdict;

/// How the names of folders begin that judging needs for a while.
const FOLDER: &str = "ringside-grade-";

pub use self::build::{Built, Kernels};
pub use self::recording::{Record, Recording, Recordings, file_name};
pub use self::run::{Event, Options, run};
pub use self::submission::{Submission, Trouble};
pub use self::verdict::{Graded, Outcome, Verdict};
