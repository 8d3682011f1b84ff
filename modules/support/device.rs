// SPDX-License-Identifier: GPL-2.0
//! A character device that root controls with `ioctl` and, if it likes, `mmap`.
//!
//! Upstream's `kernel::miscdevice` gives each open file a private value and no
//! way from the file to what the module owns. Here it is the other way round:
//! all files of a device share the one value that its registration carries, so
//! that a module needs no global state.
//!
//! C header: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h)

use core::marker::PhantomData;
use kernel::{
    bindings,
    error::{
        to_result,
        VTABLE_DEFAULT_ERROR, //
    },
    fs::File,
    mm::virt::VmaNew,
    module::this_module,
    prelude::*,
    str::as_char_ptr_in_const_context,
    types::Opaque, //
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
#[vtable]
pub(crate) trait Operations: Sized + Send + Sync + 'static {
    /// The name of the node in `/dev`.
    const NAME: &'static CStr;

    /// Handles `ioctl(file, command, argument)`; the result is what the caller gets.
    ///
    /// Runs in the caller's context and may sleep.
    fn ioctl(&self, file: &File, command: u32, argument: usize) -> Result<usize>;

    /// Handles `mmap` of the device. Without it, `mmap` says `ENODEV`.
    ///
    /// Runs in the caller's context, with the mmap lock held for writing.
    fn mmap(&self, _file: &File, _vma: &VmaNew) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// A device that is there for as long as this exists; only root can open it.
///
/// Make it the last thing that a module's `init` does: from then on the device
/// can be opened, and an open file uses `operations` until it is closed. The
/// kernel keeps the module, and with it this, for as long as a file is open.
///
/// # Invariants
///
/// - `misc` is registered, from the end of initialisation until drop.
/// - `operations` is initialised before `misc` is registered.
/// - `misc` is the first field, so a pointer to it is a pointer to `Self`.
#[repr(C)]
#[pin_data(PinnedDrop)]
pub(crate) struct Registration<T: Operations> {
    #[pin]
    misc: Opaque<bindings::miscdevice>,
    operations: T,
}

// SAFETY: `misc_deregister` may be called by any thread, and `T` is `Send`.
unsafe impl<T: Operations> Send for Registration<T> {}
// SAFETY: No method needs more than a shared reference to `T`, which is `Sync`.
unsafe impl<T: Operations> Sync for Registration<T> {}

impl<T: Operations> Registration<T> {
    /// Makes the device: mode 0600, owned by root, dynamic minor number.
    pub(crate) fn new(operations: T) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            operations,
            misc <- Opaque::try_ffi_init(|slot: *mut bindings::miscdevice| {
                let mut misc: bindings::miscdevice = pin_init::zeroed();
                misc.minor = bindings::MISC_DYNAMIC_MINOR as c_int;
                misc.name = as_char_ptr_in_const_context(T::NAME);
                misc.fops = FileOperations::<T>::build();
                misc.mode = 0o600;
                // SAFETY: `slot` is valid for writes.
                unsafe { slot.write(misc) };
                // INVARIANT: `operations` was initialised above.
                // SAFETY: `slot` holds a complete, pinned `miscdevice`; drop deregisters it
                // before its memory goes.
                to_result(unsafe { bindings::misc_register(slot) })
            }),
        }? Error)
    }
}

#[pinned_drop]
impl<T: Operations> PinnedDrop for Registration<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants `misc` is registered.
        unsafe { bindings::misc_deregister(self.misc.get()) };
    }
}

struct FileOperations<T>(PhantomData<T>);

impl<T: Operations> FileOperations<T> {
    const TABLE: bindings::file_operations = bindings::file_operations {
        owner: this_module::<T::OwnerModule>().as_ptr(),
        unlocked_ioctl: Some(Self::ioctl),
        mmap: if T::HAS_MMAP { Some(Self::mmap) } else { None },
        ..pin_init::zeroed()
    };

    const fn build() -> &'static bindings::file_operations {
        &Self::TABLE
    }

    /// # Safety
    ///
    /// `file` must be an open file of a [`Registration<T>`], and stay open for `'a`.
    unsafe fn operations<'a>(file: *mut bindings::file) -> &'a T {
        // SAFETY: `misc_open` stored the pointer to the `miscdevice` in `private_data`, and
        // nothing here replaces it.
        let registration = unsafe { (*file).private_data }.cast::<Registration<T>>();
        // SAFETY: `misc` is the first field of a registration, which outlives its open files
        // because each of them holds a reference to the module.
        unsafe { &(*registration).operations }
    }

    /// # Safety
    ///
    /// Called by the kernel only, for an open file of a [`Registration<T>`].
    unsafe extern "C" fn ioctl(
        file: *mut bindings::file,
        command: c_uint,
        argument: c_ulong,
    ) -> c_long {
        // SAFETY: By this function's contract.
        let operations = unsafe { Self::operations(file) };
        // SAFETY: The file is open for the duration of the call, and `ioctl` holds no
        // `fdget_pos` of it.
        let file = unsafe { File::from_raw_file(file) };
        match operations.ioctl(file, command, argument) {
            // Nothing returns more than 0x7ffff000.
            Ok(value) => value as c_long,
            Err(error) => error.to_errno() as c_long,
        }
    }

    /// # Safety
    ///
    /// Called by the kernel only, for an open file of a [`Registration<T>`] and an area that is
    /// being set up for it.
    unsafe extern "C" fn mmap(
        file: *mut bindings::file,
        vma: *mut bindings::vm_area_struct,
    ) -> c_int {
        // SAFETY: By this function's contract.
        let operations = unsafe { Self::operations(file) };
        // SAFETY: The file is open for the duration of the call, and `mmap` holds no
        // `fdget_pos` of it.
        let file = unsafe { File::from_raw_file(file) };
        // SAFETY: The area is being set up, by this function's contract.
        let vma = unsafe { VmaNew::from_raw(vma) };
        match operations.mmap(file, vma) {
            Ok(()) => 0,
            Err(error) => error.to_errno(),
        }
    }
}
