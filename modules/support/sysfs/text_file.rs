// SPDX-License-Identifier: GPL-2.0
//! A text file with one value: a counter or a control.

use super::{
    attribute::{named, promised},
    shows::Shows,
};
use crate::{
    support::text::Excerpt,
    uapi::describe::{Control, Counter},
};
use kernel::{
    bindings,
    ffi::{CStr, c_char},
    prelude::*,
    str::CString,
    sync::Arc,
};

/// What a text file is.
enum Kind {
    Counter(&'static Counter),
    Control(&'static Control),
}

/// A text file. The kernel gives us back a pointer to `attribute`, which is a
/// pointer to the whole.
#[repr(C)]
pub(super) struct File<T: Shows> {
    attribute: bindings::module_attribute,
    kind: Kind,
    state: Arc<T>,
    _name: CString,
}

impl<T: Shows> File<T> {
    fn new(name: &'static str, mode: u16, kind: Kind, state: &Arc<T>) -> Result<Self> {
        let c_name = CString::try_from_fmt(fmt!("{name}"))?;
        let mut attribute = bindings::module_attribute::default();
        attribute.attr = named(&c_name, mode);
        attribute.show = Some(Self::show);
        if matches!(kind, Kind::Control(_)) {
            attribute.store = Some(Self::store);
        }
        Ok(Self { attribute, kind, state: state.clone(), _name: c_name })
    }

    pub(super) fn counter(counter: &'static Counter, state: &Arc<T>) -> Result<Self> {
        state.counter(counter.name).ok_or_else(|| promised("counter", counter.name))?;
        Self::new(counter.name, 0o444, Kind::Counter(counter), state)
    }

    pub(super) fn control(control: &'static Control, state: &Arc<T>) -> Result<Self> {
        state.control(control.name).ok_or_else(|| promised("control", control.name))?;
        Self::new(control.name, 0o600, Kind::Control(control), state)
    }

    /// # Safety
    ///
    /// The kernel calls this with the attribute of a [`File`] that is
    /// registered, and with a buffer of one page.
    unsafe extern "C" fn show(
        attribute: *const bindings::module_attribute,
        _module: *mut bindings::module_kobject,
        buffer: *mut c_char,
    ) -> isize {
        // SAFETY: `attribute` is the first field of a `File<T>`, which lives
        // until its folder has been removed, and that waits for us.
        let this = unsafe { &*attribute.cast::<Self>() };
        let value = match this.kind {
            Kind::Counter(counter) => this.state.counter(counter.name),
            Kind::Control(control) => this.state.control(control.name),
        };
        // SAFETY: `buffer` is the page of a sysfs file.
        let written = unsafe {
            bindings::sysfs_emit(buffer, c"%llu\n".as_ptr().cast(), value.unwrap_or_default())
        };
        written as isize
    }

    /// # Safety
    ///
    /// The kernel calls this with the attribute of a [`File`] that is
    /// registered, and with a NUL-terminated buffer of `count` bytes.
    unsafe extern "C" fn store(
        attribute: *const bindings::module_attribute,
        _module: *mut bindings::module_kobject,
        buffer: *const c_char,
        count: usize,
    ) -> isize {
        // SAFETY: As in `show`.
        let this = unsafe { &*attribute.cast::<Self>() };
        // SAFETY: kernfs puts a NUL behind what was written.
        let given = unsafe { CStr::from_ptr(buffer.cast()) };
        match this.set(given) {
            Ok(()) => count as isize,
            Err(error) => error.to_errno() as isize,
        }
    }

    fn set(&self, given: &CStr) -> Result {
        let Kind::Control(control) = self.kind else {
            return Err(EIO);
        };
        let mut value = 0;
        // SAFETY: `given` is NUL-terminated and `value` is ours.
        let parsed = unsafe { bindings::kstrtoull(given.as_ptr().cast(), 0, &mut value) };
        if parsed != 0 || !(control.min..=control.max).contains(&value) {
            pr_warn!(
                "{}: {} refused (EINVAL): it takes a whole number from {} to {}\n",
                control.name,
                Excerpt(given.to_bytes().trim_ascii()),
                control.min,
                control.max,
            );
            return Err(EINVAL);
        }
        self.state.set_control(control.name, value)
    }
}
