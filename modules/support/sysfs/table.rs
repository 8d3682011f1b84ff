// SPDX-License-Identifier: GPL-2.0
//! A binary file: a table of records.

use super::{
    attribute::{named, promised},
    rows::Rows,
    shows::Shows,
};
use crate::uapi::describe::Table;
use kernel::{bindings, ffi::c_char, prelude::*, str::CString, sync::Arc};

/// A binary file: an array of records.
#[repr(C)]
pub(super) struct TableFile<T: Shows> {
    attribute: bindings::bin_attribute,
    table: &'static Table,
    state: Arc<T>,
    _name: CString,
}

impl<T: Shows> TableFile<T> {
    pub(super) fn new(table: &'static Table, state: &Arc<T>) -> Result<Self> {
        let rows = state.table(table.name).ok_or_else(|| promised("table", table.name))?;
        let name = CString::try_from_fmt(fmt!("{}", table.name))?;
        let mut attribute = bindings::bin_attribute::default();
        attribute.attr = named(&name, 0o444);
        attribute.size = rows.checked_mul(table.record).ok_or(EOVERFLOW)?;
        attribute.read = Some(Self::read);
        Ok(Self { attribute, table, state: state.clone(), _name: name })
    }

    /// # Safety
    ///
    /// The kernel calls this with the attribute of a [`TableFile`] that is
    /// registered, with a buffer of `count` bytes, and with an offset that is
    /// not negative.
    unsafe extern "C" fn read(
        _file: *mut bindings::file,
        _kobject: *mut bindings::kobject,
        attribute: *const bindings::bin_attribute,
        buffer: *mut c_char,
        offset: bindings::loff_t,
        count: usize,
    ) -> isize {
        // SAFETY: `attribute` is the first field of a `TableFile<T>`, which
        // lives until its folder has been removed, and that waits for us.
        let this = unsafe { &*attribute.cast::<Self>() };
        // SAFETY: `buffer` has `count` bytes. They are initialised first, as a
        // reference to them demands.
        let buffer = unsafe {
            core::ptr::write_bytes(buffer, 0, count);
            core::slice::from_raw_parts_mut(buffer.cast::<u8>(), count)
        };
        this.fill(offset as usize, buffer) as isize
    }

    /// Reads as many whole records as fit, so that none is torn between two
    /// reads; the rest of one where the offset lies within it.
    fn fill(&self, offset: usize, buffer: &mut [u8]) -> usize {
        let record = self.table.record;
        let (Some(first), Some(inside)) = (offset.checked_div(record), offset.checked_rem(record))
        else {
            return 0;
        };
        if inside == 0 && buffer.len() >= record {
            return self.rows(first, buffer);
        }
        let mut whole = [0; RECORD_MAX];
        let Some(whole) = whole.get_mut(..record) else {
            return 0;
        };
        let read = self.rows(first, whole);
        let Some(rest) = whole.get(inside..read) else {
            return 0;
        };
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        rest.len().min(buffer.len())
    }

    fn rows(&self, first: usize, room: &mut [u8]) -> usize {
        let mut rows = Rows::new(room, self.table.record);
        self.state.read_table(self.table.name, first, &mut rows);
        rows.used()
    }
}

/// The largest record of a table, in bytes.
const RECORD_MAX: usize = 64;
