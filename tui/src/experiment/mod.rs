// SPDX-License-Identifier: MIT OR Apache-2.0
//! Experiments: the steps of a grading description with text and questions
//! between them, and a person who predicts, does and sees.
//!
//! ```text
//! file (TOML) ► Experiment ► Run: tells, asks, has a step done, waits, explains ► progress
//! ```
//!
//! All of it is data: whoever runs one asks it what comes next ([`Run::go_on`]),
//! has that done, and lets it look at the kernel ([`World`]).

mod check;
mod fill;
mod progress;
mod read;
mod run;
mod shipped;
mod spec;

pub use self::fill::World;
pub use self::progress::Progress;
pub use self::read::Script;
pub use self::run::{Run, Stage, Verdict, in_words};
pub use self::shipped::{module_files, names, shipped};
pub use self::spec::{Ask, Choice, Experiment, Number, Step, Telling, Turn, Value};

#[cfg(test)]
mod tests;
