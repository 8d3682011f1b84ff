// SPDX-License-Identifier: MIT OR Apache-2.0
//! The description of what is judged: a TOML file.

mod check;
mod error;
mod model;
mod read;
mod step;
mod text;
mod value;

pub use self::error::SpecError;
pub use self::model::{Build, KernelName, Origin, Program, Spec, Test};
pub use self::step::{
    BlockDo, BlockStep, CounterCheck, FileCheck, Load, LogCheck, Memory, MemoryDo, NothingLeft,
    Peek, Processes, Run, Set, Step, Unload,
};
pub use self::text::{Mismatch, Text};
pub use self::value::{Condition, ErrnoName, Glob, Pattern};

#[cfg(test)]
mod tests;
