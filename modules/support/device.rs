// SPDX-License-Identifier: GPL-2.0
//! A character device that root controls with `ioctl` and, if it likes, `mmap`.
//!
//! Upstream's `kernel::miscdevice` gives each open file a private value. Here all files of a device
//! share the one that its registration carries, so that a module needs no global state.

use core::marker::PhantomData;
use kernel::{
    bindings, container_of,
    fs::File,
    miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration},
    mm::virt::VmaNew,
    prelude::*,
    sync::{Arc, ArcBorrow},
};

/// `FMODE_READ` and `FMODE_WRITE` of `include/linux/fs.h`, whose macros are not among the bindings.
const FMODE_READ: bindings::fmode_t = 1 << 0;
const FMODE_WRITE: bindings::fmode_t = 1 << 1;

/// Was it opened for reading? `ioctl` itself does not ask.
pub(crate) fn is_readable(file: &File) -> bool {
    // SAFETY: The file is open, and its mode stays as it was opened.
    unsafe { (*file.as_ptr()).f_mode & FMODE_READ != 0 }
}

/// Was it opened for writing?
pub(crate) fn is_writable(file: &File) -> bool {
    // SAFETY: As in `is_readable`.
    unsafe { (*file.as_ptr()).f_mode & FMODE_WRITE != 0 }
}

/// What a device does for those who have it open.
pub(crate) trait Operations: Send + Sync + 'static {
    /// The name of the node in `/dev`.
    const NAME: &'static CStr;

    /// Handles `ioctl(file, command, argument)`; the result is what the caller gets.
    ///
    /// Runs in the caller's context and may sleep.
    fn ioctl(&self, file: &File, command: u32, argument: usize) -> Result<usize>;

    /// Handles `mmap` of the device.
    ///
    /// Runs in the caller's context, with the mmap lock held for writing.
    fn mmap(&self, _vma: &VmaNew) -> Result {
        Err(ENODEV)
    }
}

/// A device that is there for as long as this exists; only root can open it.
///
/// Make it the last thing that a module's `init` does: from then on there are callers. The kernel
/// keeps the module, and with it this, for as long as a file is open.
#[pin_data]
pub(crate) struct Registration<T: Operations> {
    // Goes before what its files use.
    #[pin]
    misc: MiscDeviceRegistration<Files<T>>,
    operations: Arc<T>,
}

impl<T: Operations> Registration<T> {
    /// Makes the device: owned by root, mode 0600, with the next free minor number.
    pub(crate) fn new(operations: Arc<T>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            operations,
            // After `operations`: it can be opened from here on.
            misc <- MiscDeviceRegistration::register(MiscDeviceOptions { name: T::NAME }),
        }? Error)
    }
}

/// The open files of a device. Nobody but [`Registration::new`] registers any.
struct Files<T>(PhantomData<T>);

#[vtable]
impl<T: Operations> MiscDevice for Files<T> {
    type Ptr = Arc<T>;

    fn open(_file: &File, misc: &MiscDeviceRegistration<Self>) -> Result<Arc<T>> {
        // SAFETY: `misc` is the field of a `Registration<T>`, whose other field is initialised, and
        // which is not dropped while a file is being opened.
        let registration =
            unsafe { &*container_of!(core::ptr::from_ref(misc), Registration<T>, misc) };
        Ok(registration.operations.clone())
    }

    fn ioctl(
        operations: ArcBorrow<'_, T>,
        file: &File,
        command: u32,
        argument: usize,
    ) -> Result<isize> {
        // Nothing returns more than 0x7ffff000.
        operations.ioctl(file, command, argument).map(|value| value as isize)
    }

    fn mmap(operations: ArcBorrow<'_, T>, _file: &File, vma: &VmaNew) -> Result {
        operations.mmap(vma)
    }
}
