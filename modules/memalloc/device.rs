// SPDX-License-Identifier: GPL-2.0
//! The commands of `/dev/memalloc`.

use kernel::{
    fs::File,
    mm::{MmWithUser, virt::VmaNew},
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc,
};

use crate::{
    counters::Counters,
    range,
    requests::{Offer, Requests},
    support::{
        argument::{self, Wrong, caller},
        device::{Operations, is_readable},
        mapping::{self, Mapping},
        page_table::{self, address_limit},
        plain::plain,
        process::Process,
        rate_limit::{RateLimit, limited},
    },
    uapi::memalloc as abi,
};

plain!(abi::AllocInfo, abi::FreeInfo, abi::SharepageInfo, abi::AccesspageInfo, abi::WalkInfo);

/// Log lines in a second, of each of the two kinds.
const LINES_PER_SECOND: c_int = 20;

/// The device's side of the module.
#[pin_data]
pub(crate) struct Device {
    requests: Arc<Requests>,
    /// What was done.
    #[pin]
    done: RateLimit,
    /// What was refused.
    #[pin]
    refused: RateLimit,
}

/// Why a command fails.
enum Failure {
    /// An argument can't be right.
    Argument(Wrong),
    /// There would be more than [`abi::PAGES_LIMIT`] pages.
    TooManyPages,
    /// There would be more than [`abi::REQUESTS_LIMIT`] requests.
    TooManyRequests,
    /// Something is mapped there already.
    Exists,
    /// It could not be done.
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error == EEXIST { Self::Exists } else { Self::Other(error) }
    }
}

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        Self::Argument(wrong)
    }
}

impl Device {
    pub(crate) fn new(requests: Arc<Requests>) -> impl PinInit<Self> {
        pin_init!(Self {
            requests,
            done <- RateLimit::new(LINES_PER_SECOND),
            refused <- RateLimit::new(LINES_PER_SECOND),
        })
    }

    /// ALLOCATE: maps zeroed pages.
    fn allocate(&self, mm: &MmWithUser, file: &File, address: usize) -> Result<(), Failure> {
        let info: abi::AllocInfo = argument::read(address)?;
        let writable = info.write != 0;
        let range = range::pages(info.vaddr, info.num_pages, address_limit())?;
        let count = (range.end - range.start) / PAGE_SIZE;

        let pages = self.requests.pool.reserve(count).ok_or(Failure::TooManyPages)?;
        let reservation = self.requests.reserve().ok_or(Failure::TooManyRequests)?;
        // Spares the work for nothing; the kernel looks again when it maps.
        if !mapping::is_free(mm, range.clone()) {
            return Err(Failure::Exists);
        }
        let pages = pages.allocate()?;
        let request = Mapping::new(pages, range.start, writable, self.requests.clone())?;
        reservation.map(file, &request, None)?;

        let made = request.tables_made();
        limited!(
            self.done,
            pr_info,
            "{} at {:#x} for process {}, {}; new tables: {} P4D, {} PUD, {} PMD, {} PTE\n",
            Plural(count, "page"),
            range.start,
            caller(),
            access(writable),
            made.p4d,
            made.pud,
            made.pmd,
            made.pte,
        );
        Ok(())
    }

    /// FREE: gives a whole request back.
    fn free(&self, address: usize) -> Result<(), Failure> {
        let abi::FreeInfo { vaddr } = argument::read(address)?;
        let start = range::page(vaddr, address_limit())?;
        match mapping::unmap(start) {
            Err(error) if error == EINVAL => Err(Failure::Argument(Wrong {
                error,
                why: "no request of the caller's starts at vaddr",
                value: vaddr,
            })),
            other => Ok(other?),
        }
    }

    /// SHAREPAGE: offers a page to another process.
    fn share(&self, mm: &MmWithUser, address: usize) -> Result<(), Failure> {
        let info: abi::SharepageInfo = argument::read(address)?;
        let (vaddr, client, writable) = (info.vaddr, info.client_pid, info.write != 0);
        let page = range::page(vaddr, address_limit())?;
        let not_ours = Failure::Argument(Wrong {
            error: EINVAL,
            why: "vaddr is in no request of the caller's",
            value: vaddr,
        });
        let Some(request) = mapping::find(mm, page) else {
            return Err(not_ours);
        };
        let process = Process::find(client).map_err(|error| {
            Failure::Argument(Wrong {
                error,
                why: "there is no process client_pid",
                value: client as u32 as u64,
            })
        })?;
        let index = (page - request.start()) / PAGE_SIZE;
        let writable = writable && request.writable();
        match self.requests.offer(Offer { from: request, index, writable, to: process }) {
            Err(error) if error == EINVAL => return Err(not_ours),
            other => other?,
        }
        limited!(
            self.done,
            pr_info,
            "process {} offers its page at {page:#x} to process {client}, {}\n",
            caller(),
            access(writable)
        );
        Ok(())
    }

    /// ACCESSPAGE: maps the page that was offered to the caller.
    fn access(&self, mm: &MmWithUser, file: &File, address: usize) -> Result<(), Failure> {
        let abi::AccesspageInfo { vaddr } = argument::read(address)?;
        let range = range::pages(vaddr, 1, address_limit())?;
        let offer = self.requests.offered().ok_or(Failure::Argument(Wrong {
            error: ENOENT,
            why: "no page is offered to the caller, to map at vaddr",
            value: vaddr,
        }))?;
        let writable = offer.writable;

        let reservation = self.requests.reserve().ok_or(Failure::TooManyRequests)?;
        if !mapping::is_free(mm, range.clone()) {
            return Err(Failure::Exists);
        }
        let page = offer.from.pages().share(offer.index)?;
        let request = Mapping::new(page, range.start, writable, self.requests.clone())?;
        reservation.map(file, &request, Some(offer))?;
        limited!(
            self.done,
            pr_info,
            "process {} maps the page offered to it at {vaddr:#x}, {}\n",
            caller(),
            access(writable)
        );
        Ok(())
    }

    /// WALK: reads the page-table entries that translate an address.
    fn walk(&self, mm: &MmWithUser, file: &File, address: usize) -> Result<(), Failure> {
        if !is_readable(file) {
            return Err(not_readable(file));
        }
        let mut info: abi::WalkInfo = argument::read(address)?;
        let vaddr = info.vaddr;
        let mut walk = page_table::walk(mm, vaddr as usize).map_err(|error| {
            Failure::Argument(Wrong {
                error,
                why: "vaddr does not lie in user space",
                value: vaddr,
            })
        })?;
        if !page_table::may_know_frames(file) {
            walk = walk.without_frames();
        }
        (info.levels, info.depth, info.entry) = (walk.levels, walk.depth, walk.entry);
        Ok(argument::write(address, &info)?)
    }

    /// Counts a failure, writes it to the log where the caller's arguments are to blame, and
    /// says which errno it is.
    fn account(&self, command: &str, failure: Failure) -> Error {
        let counters: &Counters = &self.requests.counters;
        match failure {
            Failure::Argument(wrong) => {
                counters.refused_invalid.add(1);
                wrong.report(command, &self.refused);
                wrong.error
            }
            Failure::TooManyPages => {
                counters.refused_pages_limit.add(1);
                limited!(
                    self.refused,
                    pr_warn,
                    "{command} by process {} refused ({:?}): {} pages are the limit\n",
                    caller(),
                    Error::from_errno(-abi::ERRNO_PAGES_LIMIT),
                    abi::PAGES_LIMIT
                );
                Error::from_errno(-abi::ERRNO_PAGES_LIMIT)
            }
            Failure::TooManyRequests => {
                counters.refused_requests_limit.add(1);
                limited!(
                    self.refused,
                    pr_warn,
                    "{command} by process {} refused ({:?}): {} requests are the limit\n",
                    caller(),
                    Error::from_errno(-abi::ERRNO_REQUESTS_LIMIT),
                    abi::REQUESTS_LIMIT
                );
                Error::from_errno(-abi::ERRNO_REQUESTS_LIMIT)
            }
            Failure::Exists => {
                counters.refused_exists.add(1);
                EEXIST
            }
            Failure::Other(error) => error,
        }
    }
}

fn access(writable: bool) -> &'static str {
    if writable { "read-write" } else { "read-only" }
}

fn not_readable(file: &File) -> Failure {
    Failure::Argument(Wrong {
        error: EBADF,
        why: "the device is not open for reading, but with these flags",
        value: file.flags().into(),
    })
}

/// So many of something, in words.
struct Plural(usize, &'static str);

impl kernel::fmt::Display for Plural {
    fn fmt(&self, f: &mut kernel::fmt::Formatter<'_>) -> kernel::fmt::Result {
        let ending = if self.0 == 1 { "" } else { "s" };
        f.write_fmt(kernel::prelude::fmt!("{} {}{}", self.0, self.1, ending))
    }
}

impl Operations for Device {
    const NAME: &'static CStr = c"memalloc";

    fn ioctl(&self, file: &File, command: u32, argument: usize) -> Result<usize> {
        let current = kernel::current!();
        let mm = current.mm().ok_or(EINVAL)?;
        let (name, result) = match command {
            abi::ALLOCATE => ("ALLOCATE", self.allocate(mm, file, argument)),
            abi::FREE => ("FREE", self.free(argument)),
            abi::SHAREPAGE => ("SHAREPAGE", self.share(mm, argument)),
            abi::ACCESSPAGE => ("ACCESSPAGE", self.access(mm, file, argument)),
            abi::WALK => ("WALK", self.walk(mm, file, argument)),
            _ => return Err(ENOTTY),
        };
        match result {
            Ok(()) => Ok(0),
            Err(failure) => Err(self.account(name, failure)),
        }
    }

    fn mmap(&self, vma: &VmaNew) -> Result {
        // Only on behalf of an ioctl of the same thread; otherwise the device can't be mapped.
        self.requests.mmap(vma)
    }
}
