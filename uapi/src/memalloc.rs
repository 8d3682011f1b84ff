// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
//! `/dev/memalloc`: pages mapped into the calling process on request.

use super::describe::{Counter, Module, Unit};
use super::ioctl::{iow, iowr};

/// The device node.
pub const DEVICE: &str = "/dev/memalloc";

/// Pages that may be mapped at one time through the module as a whole.
pub const PAGES_LIMIT: u64 = 4096;
/// Requests that may be live at one time in the module as a whole.
pub const REQUESTS_LIMIT: u64 = 100;
/// errno of ALLOCATE over [`PAGES_LIMIT`]: `ENOENT`, the number the original returned.
pub const ERRNO_PAGES_LIMIT: i32 = 2;
/// errno of ALLOCATE over [`REQUESTS_LIMIT`]: `ESRCH`, the number the original returned.
pub const ERRNO_REQUESTS_LIMIT: i32 = 3;

/// The size in the four old numbers: that of a pointer, since the original
/// header gave the macro `struct … *`.
const POINTER: usize = 8;

/// Map zeroed pages into the calling process; argument [`AllocInfo`].
///
/// To the process it is memory like any other: process-shared futexes, `process_vm_readv`,
/// `O_DIRECT` and `ptrace` work on it. A page that something else still holds when its request ends,
/// a pipe that it was spliced into, say, counts towards the limit until that lets go.
///
/// The pages are one request, which stays whole: `munmap` of all of it ends it, of a part is
/// refused with `EINVAL`; so is `mprotect` of a part. `mprotect` of all of it may take rights and
/// give them back, but never the right to write to read-only pages or to execute (`EACCES`).
/// `mremap` is refused (`EINVAL`, to grow it `EFAULT`). `madvise(MADV_DONTNEED)` loses nothing:
/// the next touch finds the page again. A forked child does not inherit it, and
/// `madvise(MADV_DOFORK)` is refused (`EINVAL`). Of threads that ask for the same address at the
/// same time one gets it. The device can't be mapped with `mmap` (`ENODEV`).
///
/// Errors, none of which changes anything: `ENOENT` ([`ERRNO_PAGES_LIMIT`]), `ESRCH`
/// ([`ERRNO_REQUESTS_LIMIT`]); `EEXIST`: something is mapped there, in part or whole; `EINVAL`:
/// fewer than 1 page, or an address that is 0, not a multiple of 4096, or not of user space from
/// the first page to the last; `EACCES`: the descriptor is not open for reading, or not for writing
/// where the pages are to be written; `EFAULT`: the argument can't be read; `ENOMEM`.
pub const ALLOCATE: u32 = iow(b'a', b'a', POINTER);
/// Give back a whole request; argument [`FreeInfo`]. Any open descriptor will do: what is given
/// back is the caller's own, as with `munmap`.
///
/// `EINVAL`: no request of the caller's starts there, or another thread is giving it back;
/// `EFAULT`: the argument can't be read; `EPERM`: the range was sealed with `mseal`.
pub const FREE: u32 = iow(b'a', b'b', POINTER);
/// Offer a page to another process; argument [`SharepageInfo`].
///
/// The latest offer to a process wins. It ends when it is taken up, when the request it is of
/// ends, and with either process. A process may offer a page to itself. Any open descriptor will
/// do: the right to write is never more than that of the request.
///
/// `EINVAL`: the page is in no request of the caller's, or `client_pid` is not positive; `ESRCH`:
/// there is no process with a thread of that number, or it is one of the kernel's; `EFAULT`: the
/// argument can't be read; `ENOMEM`.
pub const SHAREPAGE: u32 = iow(b'a', b'c', POINTER);
/// Map the page that was offered to the caller; argument [`AccesspageInfo`].
///
/// It can be written if the offer says so and the one who made it may write to it. It is a request
/// of its own, of one page that is not counted again.
///
/// The descriptor must be open for reading, and for writing where the offer says that the page may
/// be written.
///
/// `ENOENT`: nothing is offered to the caller; `ESRCH` ([`ERRNO_REQUESTS_LIMIT`]); `EEXIST`,
/// `EINVAL`, `EACCES`, `EFAULT`, `ENOMEM` as with [`ALLOCATE`]. After an error the offer stands.
pub const ACCESSPAGE: u32 = iow(b'a', b'd', POINTER);
/// Read the page-table entries that translate an address of the calling process; argument
/// [`WalkInfo`].
///
/// The numbers of page frames in them are 0 unless whoever opened the device has `CAP_SYS_ADMIN` in
/// the initial user namespace, as with `/proc/<pid>/pagemap`; of an entry that is not present, all
/// is 0 then but the low flags.
///
/// `EBADF`: the descriptor is not open for reading; `EINVAL`: the address is not of user space;
/// `EFAULT`: the argument can't be read or written.
pub const WALK: u32 = iowr(b'a', b'e', core::mem::size_of::<WalkInfo>());

/// Argument of [`ALLOCATE`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct AllocInfo {
    /// Where the first page goes; a multiple of 4096.
    pub vaddr: u64,
    /// How many pages, at least 1.
    pub num_pages: i32,
    /// C's `bool`, as a byte: any value but 0 makes the pages writable.
    pub write: u8,
    /// The rest of the C struct; ignored.
    pub padding: [u8; 3],
}

/// Argument of [`FREE`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct FreeInfo {
    /// The first address of the request.
    pub vaddr: u64,
}

/// Argument of [`SHAREPAGE`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct SharepageInfo {
    /// The page to offer.
    pub vaddr: u64,
    /// The process it is offered to.
    pub client_pid: i32,
    /// C's `bool`, as a byte: any value but 0 lets the client write.
    pub write: u8,
    /// The rest of the C struct; ignored.
    pub padding: [u8; 3],
}

/// Argument of [`ACCESSPAGE`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct AccesspageInfo {
    /// Where to map the page that was offered.
    pub vaddr: u64,
}

/// Argument of [`WALK`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WalkInfo {
    /// In: the address to translate.
    pub vaddr: u64,
    /// Out: levels of the page table, 5, or 4 where P4D is folded into PGD.
    pub levels: u32,
    /// Out: how many of `entry` were read before the walk stopped: at an entry
    /// that points to nothing, at one that maps a large page, or at the PTE.
    pub depth: u32,
    /// Out: the raw entries, in the order PGD, P4D, PUD, PMD, PTE; with four
    /// levels, where there is no P4D, in the order PGD, PUD, PMD, PTE.
    pub entry: [u64; 5],
}

const _: () = assert!(core::mem::size_of::<AllocInfo>() == 16);
const _: () = assert!(core::mem::size_of::<FreeInfo>() == 8);
const _: () = assert!(core::mem::size_of::<SharepageInfo>() == 16);
const _: () = assert!(core::mem::size_of::<AccesspageInfo>() == 8);
const _: () = assert!(core::mem::size_of::<WalkInfo>() == 56);
const _: () = assert!(core::mem::offset_of!(AllocInfo, num_pages) == 8);
const _: () = assert!(core::mem::offset_of!(AllocInfo, write) == 12);
const _: () = assert!(core::mem::offset_of!(SharepageInfo, client_pid) == 8);
const _: () = assert!(core::mem::offset_of!(SharepageInfo, write) == 12);
const _: () = assert!(core::mem::offset_of!(WalkInfo, entry) == 16);

const fn level(name: &'static str, help: &'static str) -> Counter {
    Counter { name, unit: Unit::Count, monotonic: false, help }
}

const fn total(name: &'static str, help: &'static str) -> Counter {
    Counter { name, unit: Unit::Count, monotonic: true, help }
}

/// What the module shows.
pub const MODULE: Module = Module {
    name: "memalloc",
    summary: "Maps pages into the process that asks, over five-level page tables",
    device: Some(DEVICE),
    parameters: &[],
    counters: &[
        Counter {
            name: "pages_mapped",
            unit: Unit::Pages,
            monotonic: false,
            help: "pages handed out and not free again yet",
        },
        Counter {
            name: "pages_limit",
            unit: Unit::Pages,
            monotonic: false,
            help: "the most pages that may be held at one time",
        },
        level("requests", "live requests"),
        level("requests_limit", "the most requests that may live at one time"),
        total("allocations", "ALLOCATE calls that succeeded"),
        total("frees", "requests given back, by FREE or otherwise"),
        total("refused_pages_limit", "ALLOCATE calls refused: too many pages"),
        total("refused_requests_limit", "calls refused: too many requests"),
        total("refused_exists", "calls refused: something is mapped there already"),
        total("refused_invalid", "calls refused: an argument that can't be right"),
        level("shared_pages", "pages mapped by more than one process"),
        level(
            "offers",
            "pages on offer; one to a process that has ended goes at the next SHAREPAGE",
        ),
        total("tables_p4d", "P4D tables that came into being for an ALLOCATE"),
        total("tables_pud", "PUD tables that came into being for an ALLOCATE"),
        total("tables_pmd", "PMD tables that came into being for an ALLOCATE"),
        total("tables_pte", "PTE tables that came into being for an ALLOCATE"),
    ],
    controls: &[],
    tables: &[],
};
