// SPDX-License-Identifier: MIT OR Apache-2.0
//! The experiment under way, and where on the screen its panel stands.

use super::effect::CallTag;
use crate::experiment::Run;
use crate::grade::spec::{Act, ErrnoName, Load};
use crate::kernel::api::{Inventory, ProgramEnd};

/// An experiment under way.
#[derive(Clone, Debug)]
pub struct Running {
    /// How far it is.
    pub run: Run,
    /// The page of a long text that is shown.
    pub page: usize,
    /// What is being done for it.
    pub doing: Option<Doing>,
    /// What there was in the guest when it began, if that matters.
    pub before: Option<Inventory>,
}

/// A step that is being done.
#[derive(Clone, Debug)]
pub enum Doing {
    /// It was done at once.
    Nothing,
    /// A call of its own, which may have to be refused.
    Call {
        /// The call.
        tag: CallTag,
        /// What is asked for: `unload kmod`.
        title: String,
        /// It must be refused with this error.
        refused: Option<ErrnoName>,
    },
    /// A module is loaded.
    Load(Load),
    /// A view does it.
    View {
        /// The step.
        act: Box<Act>,
        /// The value that is 0 once the view has looked at what came of it, too.
        busy: &'static str,
        /// When it began.
        since_ms: u64,
    },
    /// The guest is looked at, or a program of the host runs in it.
    Look(Box<Look>),
    /// The kernel is to crash.
    Crash(CallTag),
}

/// A look at the guest, or a program that runs in it.
#[derive(Clone, Debug)]
pub struct Look {
    /// The step.
    pub act: Act,
    /// When it began.
    pub since_ms: u64,
    /// The call under way; `None`: the next one is due.
    pub tag: Option<CallTag>,
    /// When the next one is due.
    pub due_ms: u64,
    /// Was it ended since its time is over?
    pub late: bool,
    /// What was read or printed, and printed to standard error.
    pub seen: [Vec<u8>; 2],
    /// What there was.
    pub inventory: Option<Inventory>,
    /// How the program ended.
    pub end: Option<ProgramEnd>,
}

impl Look {
    /// One that has not begun.
    pub fn new(act: Act, now_ms: u64) -> Self {
        Self {
            act,
            since_ms: now_ms,
            tag: None,
            due_ms: now_ms,
            late: false,
            seen: Default::default(),
            inventory: None,
            end: None,
        }
    }
}

impl Running {
    /// At its beginning.
    pub fn new(run: Run) -> Self {
        Self { run, page: 0, doing: None, before: None }
    }
}

/// Where the panel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// To the right of the view: so many columns.
    Beside(u16),
    /// Below the view: so many rows.
    Below(u16),
    /// Over the lowest rows of a view that has no row to spare.
    Over(u16),
}

/// Columns from which on the panel stands beside the view.
const WIDE: u16 = 140;
/// Rows from which on a view has some to spare.
const HIGH: u16 = 24;

impl Place {
    /// On a screen of this size.
    pub fn of((width, height): (u16, u16)) -> Self {
        match (width, height) {
            (WIDE.., _) => Self::Beside(52.min(width / 3)),
            (_, HIGH..) => Self::Below((8 + (height - HIGH) / 2).min(14)),
            _ => Self::Over(7),
        }
    }

    /// The size of a screen with just what is left for the view.
    pub fn left(self, (width, height): (u16, u16)) -> (u16, u16) {
        match self {
            Self::Beside(columns) => (width - columns, height),
            Self::Below(rows) => (width, height - rows),
            Self::Over(_) => (width, height),
        }
    }
}
