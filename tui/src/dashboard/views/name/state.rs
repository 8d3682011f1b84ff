// SPDX-License-Identifier: MIT OR Apache-2.0
//! What view 2 remembers.

use crate::dashboard::core::loadable::Loadable;
use crate::kernel::api::{ModuleDetail, SyscallInfo};

/// Which of this view's calls an item belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// The system call's numbers.
    Info,
    /// The module's parameters.
    Parameters,
    /// The system call itself.
    Act,
    /// Its message.
    Message,
}

/// What the view remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Name {
    /// The system call.
    pub syscall: Loadable<SyscallInfo>,
    /// The module's parameters, while it is loaded.
    pub detail: Option<ModuleDetail>,
    pub(crate) asked_ms: Option<u64>,
}
