// SPDX-License-Identifier: GPL-2.0
//! Mapping pages of the kernel's into the process that asks for them.
//!
//! A mapping is an ordinary area of the process that maps the device's own
//! file, with every page put in at once. So the kernel does the accounting, and
//! the pages go with the area, however that ends: `munmap`, another mapping on
//! top, `exec`, exit, `SIGKILL`. What a user may try on the area:
//!
//! | call                      | answer                                             |
//! |---------------------------|----------------------------------------------------|
//! | `munmap` of all of it     | gives it back                                      |
//! | `munmap` of a part        | `EINVAL`: it is one thing, and stays whole         |
//! | `mremap` to move it       | `EINVAL`, to grow it `EFAULT`, to shrink it `EINVAL`|
//! | `mprotect` of all of it   | allowed, but never to write what is read-only, nor to execute: `EACCES` |
//! | `mprotect` of a part      | `EINVAL`                                           |
//! | `madvise(MADV_DONTNEED)`  | the page-table entries go, the pages and what is in them stay: the next touch finds them again |
//! | `madvise(MADV_DOFORK)`    | `EINVAL`: a child never inherits it                |
//!
//! Lock order: the mmap lock of a process, then whatever [`Owner::unmapped`] and
//! `commit` take. Neither may touch user memory, which takes the mmap lock.

use core::ops::Range;
use kernel::{
    bindings,
    error::to_result,
    fs::File,
    mm::{MmWithUser, virt::VmaNew},
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        Arc, ArcBorrow, SetOnce,
        atomic::{Atomic, AtomicFlag, Full, Relaxed},
    },
};

use super::{helpers, page_table::Tables, pages::Pages};

// From `include/uapi/asm-generic/mman-common.h` and `include/uapi/linux/mman.h`, whose macros are
// not among the bindings.
const PROT_READ: usize = 0x1;
const PROT_WRITE: usize = 0x2;
const MAP_SHARED: usize = 0x01;
const MAP_FIXED_NOREPLACE: usize = 0x10_0000;

/// Who keeps the books of mappings.
pub(crate) trait Owner: Send + Sync {
    /// All of `mapping` was just unmapped.
    ///
    /// Called in process context, with the mmap lock of the process held, or with no one left who
    /// could take it.
    fn unmapped(&self, mapping: &Arc<Mapping>);
}

/// Pages on their way into a process, in it, or just gone from it.
pub(crate) struct Mapping {
    pages: Pages,
    start: usize,
    writable: bool,
    owner: Arc<dyn Owner>,
    /// Areas that map this: one, but for a moment two while the kernel tries `mremap`.
    areas: Atomic<i32>,
    /// Someone is unmapping it with [`unmap`].
    unmapping: AtomicFlag,
    /// The tables that had to be made for it, once it is mapped.
    made: SetOnce<Tables>,
}

impl Mapping {
    /// Pages that are to be mapped at `start`, an address of user space in bytes. `ENOMEM` if there
    /// is no memory to keep it.
    pub(crate) fn new(
        pages: Pages,
        start: usize,
        writable: bool,
        owner: Arc<dyn Owner>,
    ) -> Result<Arc<Self>> {
        Ok(Arc::new(
            Self {
                pages,
                start,
                writable,
                owner,
                areas: Atomic::new(0),
                unmapping: AtomicFlag::new(false),
                made: SetOnce::new(),
            },
            GFP_KERNEL,
        )?)
    }

    /// The pages.
    pub(crate) fn pages(&self) -> &Pages {
        &self.pages
    }

    /// The address of the first page.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// How many bytes long it is.
    fn size(&self) -> usize {
        self.pages.numbers().len() * PAGE_SIZE
    }

    /// May the process write to it?
    pub(crate) fn writable(&self) -> bool {
        self.writable
    }

    /// The page tables that came into being when it was mapped.
    pub(crate) fn tables_made(&self) -> Tables {
        self.made.copy().unwrap_or_default()
    }

    /// Puts the pages into the area that is being set up, which must be the one this is meant for
    /// (`EINVAL`).
    ///
    /// When everything else is done, `commit` gets the page tables that had to be made; if it
    /// fails, or anything before, the area does not come to be.
    pub(crate) fn attach(
        self: Arc<Self>,
        vma: &VmaNew,
        commit: impl FnOnce(Tables) -> Result,
    ) -> Result {
        if vma.start() != self.start || vma.end() - vma.start() != self.size() {
            return Err(EINVAL);
        }
        vma.set_dontcopy();
        vma.set_dontexpand();
        if !self.writable {
            vma.try_clear_maywrite()?;
        }
        // It fails where the personality READ_IMPLIES_EXEC made the area executable. So be it.
        let _ = vma.try_clear_mayexec();
        let area = vma.set_mixedmap();

        let before = Tables::along(vma);
        let pages = self.pages.as_slice();
        let mut left = pages.len();
        // SAFETY: The area is being set up, so the mmap lock is held for writing; it has
        // `VM_MIXEDMAP`; the pages are alive and as many as fit into it, as was checked. They
        // are not written to through the pointer.
        to_result(unsafe {
            bindings::vm_insert_pages(
                area.as_ptr(),
                self.start,
                pages.as_ptr().cast_mut(),
                &mut left,
            )
        })
        // The range is right, so this can only be a table that there is no memory for.
        .map_err(|error| if error == EFAULT { ENOMEM } else { error })?;
        let made = Tables::along(vma).since(before);
        commit(made)?;

        self.made.populate(made);

        self.areas.store(1, Relaxed);
        let area = vma.as_ptr();
        // SAFETY: The area is being set up and ours alone. `vm_private_data` holds a reference
        // to a `Mapping` from here until `close`, as `OPERATIONS` expect.
        unsafe {
            (*area).vm_private_data = Arc::into_raw(self).cast_mut().cast();
            (*area).vm_ops = &raw const OPERATIONS.0;
        }
        Ok(())
    }
}

/// Is nothing mapped in the range, in the process that runs now?
pub(crate) fn is_free(mm: &MmWithUser, range: Range<usize>) -> bool {
    let _guard = mm.mmap_read_lock();
    // SAFETY: We hold the mmap lock; any range will do.
    unsafe { bindings::find_vma_intersection(mm.as_raw(), range.start, range.end) }.is_null()
}

/// Has the device that `file` belongs to map itself where `mapping` is to be in the process that
/// runs now. `EEXIST` if anything is mapped there, `EACCES` if the file was not opened for reading,
/// or for writing where the mapping is to be writable.
///
/// Takes the mmap lock for writing.
pub(crate) fn map(file: &File, mapping: &Mapping) -> Result {
    if kernel::current!().mm().is_none() {
        return Err(EINVAL);
    }
    let protection = if mapping.writable { PROT_READ | PROT_WRITE } else { PROT_READ };
    // SAFETY: The file is open, and the current task has an address space. The rest is checked as
    // if it came from user space.
    let result = unsafe {
        bindings::vm_mmap(
            file.as_ptr(),
            mapping.start,
            mapping.size(),
            protection,
            MAP_SHARED | MAP_FIXED_NOREPLACE,
            0,
        )
    };
    match result as isize {
        error @ -4095..0 => Err(Error::from_errno(error as c_int)),
        _ => Ok(()),
    }
}

/// The mapping that covers `address`, if it is one of ours.
pub(crate) fn find(mm: &MmWithUser, address: usize) -> Option<Arc<Mapping>> {
    let guard = mm.mmap_read_lock();
    let vma = guard.vma_lookup(address)?;
    // SAFETY: The mmap lock is held, so the area does not change.
    let (operations, private) =
        unsafe { ((*vma.as_ptr()).vm_ops, (*vma.as_ptr()).vm_private_data) };
    if !core::ptr::eq(operations, &OPERATIONS.0) {
        return None;
    }
    // SAFETY: An area with our operations holds a reference to a `Mapping`, and the area can't go
    // while the mmap lock is held.
    Some(unsafe { ArcBorrow::<Mapping>::from_raw(private.cast()) }.into())
}

/// Unmaps the mapping of ours that starts at `start` in the process that runs now. `EINVAL` if
/// there is none, or another thread is unmapping it.
///
/// Takes the mmap lock for writing.
pub(crate) fn unmap(start: usize) -> Result {
    let mapping = kernel::current!().mm().and_then(|mm| find(mm, start)).ok_or(EINVAL)?;
    // The area can't go and another take its place through here: the first to come wins. Only the
    // process itself could do so, by an munmap of its own at this very moment, which would be a
    // race of two munmaps.
    if mapping.start != start || mapping.unmapping.xchg(true, Full) {
        return Err(EINVAL);
    }
    // SAFETY: `find` found an area of the current process, which has thus an address space.
    let result = to_result(unsafe { bindings::vm_munmap(start, mapping.size()) });
    if result.is_err() {
        mapping.unmapping.store(false, Relaxed);
    }
    result
}

/// What the kernel calls for an area whose `vm_private_data` holds a reference to a [`Mapping`].
struct Operations(bindings::vm_operations_struct);

// SAFETY: It is never changed.
unsafe impl Sync for Operations {}

static OPERATIONS: Operations = Operations(bindings::vm_operations_struct {
    open: Some(open),
    close: Some(close),
    may_split: Some(may_split),
    mremap: Some(mremap),
    fault: Some(fault),
    ..pin_init::zeroed()
});

/// The area was copied, for the time in which `mremap` finds out that it may not move it.
///
/// # Safety
///
/// `vma` must be an area with [`OPERATIONS`], and its mmap lock held.
unsafe extern "C" fn open(vma: *mut bindings::vm_area_struct) {
    // SAFETY: The copied `vm_private_data` points to a `Mapping` that the area it was copied from
    // holds a reference to; that area is still there.
    let mapping = unsafe { ArcBorrow::<Mapping>::from_raw((*vma).vm_private_data.cast()) };
    mapping.areas.fetch_add(1, Relaxed);
    // The copy's own reference, which `close` gives up.
    let _ = Arc::into_raw(Arc::from(mapping));
}

/// The area goes away; its page-table entries are gone.
///
/// # Safety
///
/// `vma` must be an area with [`OPERATIONS`], and be used no more afterwards.
unsafe extern "C" fn close(vma: *mut bindings::vm_area_struct) {
    // SAFETY: The area holds a reference, which we take over.
    let mapping = unsafe { Arc::<Mapping>::from_raw((*vma).vm_private_data.cast()) };
    if mapping.areas.fetch_sub(1, Full) == 1 {
        mapping.owner.unmapped(&mapping);
    }
}

/// May the area be cut in two? No: it is one request, and goes as one.
///
/// # Safety
///
/// None; called by the kernel.
unsafe extern "C" fn may_split(_vma: *mut bindings::vm_area_struct, _address: c_ulong) -> c_int {
    EINVAL.to_errno()
}

/// May the area move? No: it is known by its address.
///
/// # Safety
///
/// None; called by the kernel.
unsafe extern "C" fn mremap(_vma: *mut bindings::vm_area_struct) -> c_int {
    EINVAL.to_errno()
}

/// A page of the area was touched and has no page-table entry, because `madvise` removed it: there
/// is the page again.
///
/// # Safety
///
/// `vmf` must be a fault in an area with [`OPERATIONS`].
unsafe extern "C" fn fault(vmf: *mut bindings::vm_fault) -> bindings::vm_fault_t {
    // SAFETY: `vmf` is valid, and its area is locked for the duration of the call.
    let (area, address) = unsafe { ((*vmf).__bindgen_anon_1.vma, (*vmf).__bindgen_anon_1.address) };
    // SAFETY: The area holds a reference to its mapping.
    let mapping = unsafe { ArcBorrow::<Mapping>::from_raw((*area).vm_private_data.cast()) };
    // Not from `vm_pgoff`, which is the user's to say.
    let index = address.wrapping_sub(mapping.start) / PAGE_SIZE;
    let Some(page) = mapping.pages.as_slice().get(index) else {
        return bindings::vm_fault_reason_VM_FAULT_SIGSEGV;
    };
    // SAFETY: The page is alive, for the mapping is; the reference becomes the page table's. The
    // kernel expects the page in `page`.
    unsafe {
        helpers::ringside_get_page(*page);
        (*vmf).page = *page;
    }
    0
}
