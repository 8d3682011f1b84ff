// SPDX-License-Identifier: GPL-2.0
//! Names of errors, for log lines: the kernel knows them itself only where it
//! was configured with `CONFIG_SYMBOLIC_ERRNAME`.

use kernel::prelude::*;

/// The name of an error that the modules return, or `error` if it is another.
pub(crate) fn name(error: Error) -> &'static str {
    const NAMES: [(Error, &str); 16] = [
        (EACCES, "EACCES"),
        (EBUSY, "EBUSY"),
        (EEXIST, "EEXIST"),
        (EFAULT, "EFAULT"),
        (EINTR, "EINTR"),
        (EINVAL, "EINVAL"),
        (EIO, "EIO"),
        (ENODEV, "ENODEV"),
        (ENOENT, "ENOENT"),
        (ENOMEM, "ENOMEM"),
        (ENOSPC, "ENOSPC"),
        (ENOTBLK, "ENOTBLK"),
        (ENXIO, "ENXIO"),
        (EPERM, "EPERM"),
        (EROFS, "EROFS"),
        (ESRCH, "ESRCH"),
    ];
    NAMES
        .iter()
        .find(|(known, _)| *known == error)
        .map_or("error", |(_, name)| name)
}
