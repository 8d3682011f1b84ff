// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loop of whoever writes a module, as the dashboard hears of it: what is
//! watched, what may be ordered meanwhile, and what is told.

use serde::{Deserialize, Serialize};

/// What is watched, and what is done about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bench {
    /// The folder, as it was typed.
    pub folder: String,
    /// The module's parameters, as `insmod` takes them.
    pub parameters: String,
    /// What is run in the guest after each load; empty: nothing.
    pub run: String,
}

/// What may be ordered meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Build and load now, although nothing was saved.
    Build,
    /// Wind the guest back to before the load, or start a new one where there is no
    /// mark, and load the last build that did no harm.
    GoBack,
    /// Somebody else has started another guest, or wound this one back.
    NewGuest,
    End,
}

/// What a compiler complains about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// The file: a path that can be opened.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1; 0 where it is not known.
    pub column: u32,
    /// Is it an error (else a warning)?
    pub error: bool,
    /// What is wrong.
    pub message: String,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum News {
    /// The folder is watched: its full path.
    Watching(String),
    /// A build begins.
    Building,
    /// It failed; what is loaded stays.
    NotBuilt {
        /// Why, for people.
        why: String,
        /// The compilers' complaints.
        complaints: Vec<Complaint>,
    },
    /// Nothing is new.
    Unchanged,
    /// The modules that are loaded now.
    Loaded {
        names: Vec<String>,
        /// From the save to here, in milliseconds.
        took_ms: u64,
    },
    /// The old can't be unloaded, or the new not loaded.
    Refused {
        why: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The kernel reported a mistake.
    Report {
        /// Its first line.
        words: String,
        /// Where, the innermost first: `/x/pulse.c:12 (beat+0x1/0x9 [pulse])`.
        places: Vec<String>,
        /// Is the module unusable until another guest runs?
        fatal: bool,
    },
    /// The guest is dead.
    Died(String),
    /// Another guest runs; what of the folder is loaded in it.
    Another {
        /// The modules.
        names: Vec<String>,
        /// The mark that it was wound back to, if that is where it comes from.
        mark: Option<String>,
    },
    /// The command wrote this.
    Output(Vec<u8>),
    /// The command has ended with this status.
    Ran(u8),
}

/// How a unit test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// As it should.
    Passed,
    /// It can't run here.
    Skipped,
    /// Not as it should.
    Failed,
}

/// A unit test that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// `suite.case`.
    pub name: String,
    /// How.
    pub outcome: Outcome,
    /// How long it took, in microseconds.
    pub time_us: u64,
    /// Why it was skipped or failed; may be empty.
    pub why: String,
    /// What the kernel wrote meanwhile.
    pub lines: Vec<String>,
}
