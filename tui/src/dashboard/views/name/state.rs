// SPDX-License-Identifier: MIT OR Apache-2.0
//! What view 2 remembers.

use crate::dashboard::core::{Loadable, Shared};
use crate::dashboard::data::log::Row;
use crate::kernel::api::{ModuleDetail, SyscallInfo};

/// The module of this view.
pub(crate) const MODULE: &str = "my_name";

/// How the system call's log lines begin.
pub(crate) const SYSCALL_SOURCE: &str = "my_syscall";

/// Which of this view's calls an item belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// The system call's numbers.
    Info,
    /// The module's parameters.
    Parameters,
    /// The system call itself.
    Act,
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

/// The newest records of a source, newest first.
pub(crate) fn newest<'a>(shared: &'a Shared, source: &'a str, count: usize) -> Vec<&'a Row> {
    let end = shared.log_end();
    let log = &shared.log;
    let found = log.newest(end, 20_000, move |row| log.source(row) == source);
    found.take(count).map(|(_, row)| row).collect()
}
