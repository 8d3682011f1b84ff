// SPDX-License-Identifier: GPL-2.0
//! What a module shows.

use super::rows::Rows;
use crate::uapi::describe::Module;
use kernel::prelude::*;

/// What a module shows in sysfs. Every method may be called at any moment from
/// any number of threads while the [`Folders`] live.
pub(crate) trait Shows: Send + Sync + 'static {
    /// The contract: what must be shown.
    const MODULE: &'static Module;

    /// The value of a counter, or `None` if there is none of that name.
    fn counter(&self, name: &str) -> Option<u64>;

    /// The value of a control, or `None` if there is none of that name.
    fn control(&self, _name: &str) -> Option<u64> {
        None
    }

    /// Sets a control to a value within its range.
    fn set_control(&self, _name: &str, _value: u64) -> Result {
        Err(ENOENT)
    }

    /// How many records a table has for as long as the module is loaded, or
    /// `None` if there is no table of that name.
    fn table(&self, _name: &str) -> Option<usize> {
        None
    }

    /// Writes the records of a table from number `first` on, until there are no
    /// more or `rows` is full.
    fn read_table(&self, _name: &str, _first: usize, _rows: &mut Rows<'_>) {}
}
