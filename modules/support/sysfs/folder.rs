// SPDX-License-Identifier: GPL-2.0
//! A folder and its files, as sysfs takes them.

use super::{shows::Shows, table::TableFile, text_file::File};
use core::{marker::PhantomPinned, pin::Pin};
use kernel::{bindings, prelude::*};

/// A folder below the module's own, with its files. It is registered from
/// [`Folder::register`] on, and from there on nothing in it moves.
pub(super) struct Folder<T: Shows> {
    name: &'static CStr,
    files: KVec<File<T>>,
    tables: KVec<TableFile<T>>,
    group: bindings::attribute_group,
    attributes: KVec<*mut bindings::attribute>,
    bin_attributes: KVec<*const bindings::bin_attribute>,
    registered: Option<&'static ThisModule>,
    // sysfs points to `group` and what it points to.
    _pinned: PhantomPinned,
}

// SAFETY: The raw pointers point to what the folder itself owns, and nobody but
// the kernel follows them. Files hold an `Arc` of a state that is `Sync`.
unsafe impl<T: Shows> Send for Folder<T> {}
// SAFETY: As above; there is no method that takes `&self`.
unsafe impl<T: Shows> Sync for Folder<T> {}

impl<T: Shows> Folder<T> {
    pub(super) fn new(name: &'static CStr, files: usize, tables: usize) -> Result<Self> {
        Ok(Self {
            name,
            files: KVec::with_capacity(files, GFP_KERNEL)?,
            tables: KVec::with_capacity(tables, GFP_KERNEL)?,
            group: bindings::attribute_group::default(),
            attributes: KVec::with_capacity(files + 1, GFP_KERNEL)?,
            bin_attributes: KVec::with_capacity(tables + 1, GFP_KERNEL)?,
            registered: None,
            _pinned: PhantomPinned,
        })
    }

    pub(super) fn add_file(&mut self, file: File<T>) -> Result {
        Ok(self.files.push(file, GFP_KERNEL)?)
    }

    pub(super) fn add_table(&mut self, table: TableFile<T>) -> Result {
        Ok(self.tables.push(table, GFP_KERNEL)?)
    }

    /// Shows the folder in sysfs.
    pub(super) fn register(mut self, module: &'static ThisModule) -> Result<Pin<KBox<Self>>> {
        // The files stand in heap memory that does not move with `self`, and
        // nothing is added to the vectors any more.
        for file in self.files.iter_mut() {
            // The first field of the first field: a pointer to the whole.
            self.attributes.push(core::ptr::from_mut(file).cast(), GFP_KERNEL)?;
        }
        self.attributes.push(core::ptr::null_mut(), GFP_KERNEL)?;
        for table in self.tables.iter() {
            self.bin_attributes.push(core::ptr::from_ref(table).cast(), GFP_KERNEL)?;
        }
        self.bin_attributes.push(core::ptr::null(), GFP_KERNEL)?;
        self.group.name = self.name.as_ptr().cast();
        self.group.__bindgen_anon_2.attrs = self.attributes.as_mut_ptr();
        self.group.bin_attrs = self.bin_attributes.as_ptr();

        let mut folder = KBox::pin(self, GFP_KERNEL)?;
        // SAFETY: Nothing is moved out of the pinned folder.
        let this = unsafe { folder.as_mut().get_unchecked_mut() };
        // SAFETY: The module's kobject exists from before `init` until after
        // the module's data was dropped. The group and all that it points to
        // stay where they are until `drop` has removed it.
        kernel::error::to_result(unsafe {
            bindings::sysfs_create_group(kobject(module), &this.group)
        })?;
        this.registered = Some(module);
        Ok(folder)
    }
}

impl<T: Shows> Drop for Folder<T> {
    fn drop(&mut self) {
        if let Some(module) = self.registered {
            // SAFETY: The group was created on this kobject, and we are not
            // inside one of its callbacks: those only borrow the state.
            unsafe { bindings::sysfs_remove_group(kobject(module), &self.group) };
        }
    }
}

fn kobject(module: &'static ThisModule) -> *mut bindings::kobject {
    // SAFETY: `ThisModule` points to the module that this code belongs to. Only
    // the address of a field is taken.
    unsafe { &raw mut (*module.as_ptr()).mkobj.kobj }
}
