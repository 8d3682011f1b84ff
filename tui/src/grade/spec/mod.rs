// SPDX-License-Identifier: MIT OR Apache-2.0
//! The description of what is judged: a TOML file.

mod check;
mod either;
mod error;
mod model;
mod read;
mod step;
mod text;
mod value;

pub use self::either::Step;
pub use self::error::SpecError;
pub use self::model::{Build, KernelName, Origin, Program, Spec, Test};
pub use self::step::{
    Act, BlockDo, BlockStep, CounterCheck, FileCheck, Judging, Load, LogCheck, Memory, MemoryDo,
    NothingLeft, Peek, Processes, Run, Set, Unload,
};
pub use self::text::{Mismatch, Text};
pub use self::value::{Condition, ErrnoName, Glob, Pattern};

#[cfg(test)]
mod tests;
