// SPDX-License-Identifier: GPL-2.0
//! What all files of sysfs have in common.

use kernel::{bindings, prelude::*, str::CString};

/// An attribute of that name. `name` must live as long as the attribute is used.
pub(super) fn named(name: &CString, mode: u16) -> bindings::attribute {
    let mut attribute = bindings::attribute::default();
    attribute.name = name.as_ptr().cast();
    attribute.mode = mode;
    // lockdep wants a key in static memory for an attribute that is not.
    #[cfg(CONFIG_DEBUG_LOCK_ALLOC)]
    {
        attribute.key = kernel::static_lock_class!().as_ptr();
    }
    attribute
}

pub(super) fn promised(what: &str, name: &str) -> Error {
    pr_err!("the contract promises the {what} {name}, but the module has none\n");
    EINVAL
}
