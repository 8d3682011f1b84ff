// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is to be tested, and what is heard of it meanwhile.

use std::time::Duration;

use super::ktap::Case;
use crate::lab::options::LabOptions;

/// The name under which what a module does outside of its cases is reported.
pub const OUTSIDE: &str = "(load and unload)";
/// A module to test.
#[derive(Clone, Debug)]
pub struct Subject {
    pub name: String,
    /// Its file.
    pub image: Vec<u8>,
    /// Its parameters, as `insmod` takes them.
    pub parameters: String,
}

/// How to test.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The guest; told to run tests by [`super::guest_arguments`].
    pub options: LabOptions,
    /// The modules, those that others need first. The tests of all run.
    pub subjects: Vec<Subject>,
    /// Which cases: `suite.case`, with `*` and `?`.
    pub only: Option<String>,
    /// A case that takes longer hangs.
    pub patience: Duration,
}

/// What happens in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A guest starts, the first or another one.
    Guest,
    /// A suite begins.
    Suite(String),
    /// A case has ended.
    Case(Case),
}
