// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a watch reports, what it is asked for, and why it ends.

use std::time::Duration;

use super::diagnostic::Diagnostic;
use crate::kernel::TargetError;
use crate::kernel::api::{KmsgRecord, ProgramEnd};
use crate::lab::build_error::BuildError;
use crate::lab::built_module::ModuleFileError;

/// What a watch reports.
#[derive(Debug)]
pub enum News {
    /// A build begins.
    Building,
    /// It failed; what is loaded stays.
    NotBuilt {
        /// Why, for people.
        error: BuildError,
        /// The compilers' complaints.
        diagnostics: Vec<Diagnostic>,
    },
    /// Nothing is new.
    Unchanged,
    /// The modules that are loaded now.
    Loaded {
        names: Vec<String>,
        /// From the save to here.
        took: Duration,
    },
    /// The old can't be unloaded, or the new not loaded.
    Refused(TargetError),
    /// The kernel said something.
    Said(KmsgRecord),
    /// The kernel reported a mistake.
    Report {
        /// Its first line.
        words: String,
        /// Where, the innermost first.
        places: Vec<String>,
        /// Is the module unusable until a reboot?
        fatal: bool,
    },
    /// The guest is dead.
    Died(String),
    /// A new guest runs.
    Rebooted {
        /// The modules of the folder that are loaded in it.
        names: Vec<String>,
    },
    /// The guest was wound back.
    Rewound { mark: String },
    /// The command wrote this.
    Output(Vec<u8>),
    /// The command has ended.
    Ran(ProgramEnd),
}

/// What the user may ask for meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start a new guest and load the last build that did no harm.
    Reboot,
    /// Wind the guest back to before the load, or start a new one where there is no
    /// mark of that moment; and load the last build that did no harm.
    GoBack,
    /// Build and load now, although nothing was saved.
    Build,
    /// Somebody else has started another guest, or wound this one back.
    NewGuest,
    End,
}

/// Gets what a watch reports.
pub type Tell<'a> = &'a mut dyn FnMut(News);

/// Why a watch ended.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The build was interrupted.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// What was built is no module.
    #[error(transparent)]
    File(#[from] ModuleFileError),
    /// The lab is gone.
    #[error(transparent)]
    Target(#[from] TargetError),
}
