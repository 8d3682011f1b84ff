// SPDX-License-Identifier: GPL-2.0
//! Which requests are live, what is offered to whom, and which mappings are just being set up.
//!
//! Nothing here touches a page table. Lock order: the mmap lock of a process, then that of the
//! requests, then the pool's; so nobody who holds either of the latter may touch user memory.

use kernel::{
    fs::File,
    mm::virt::VmaNew,
    new_mutex,
    prelude::*,
    sync::{Arc, Mutex},
    task::Task,
};

use crate::{
    counters::Counters,
    support::{
        mapping::{self, Mapping, Owner},
        page_table::Tables,
        pages::Pool,
        process::Process,
        sysfs::Shows,
    },
    uapi::{
        describe::Module,
        memalloc::{MODULE, PAGES_LIMIT, REQUESTS_LIMIT},
    },
};

/// A live request.
struct Request {
    mapping: Arc<Mapping>,
    /// The process that it was mapped into.
    process: Process,
}

/// A page offered to a process.
pub(crate) struct Offer {
    /// The request that the page belongs to.
    pub(crate) from: Arc<Mapping>,
    /// Which of its pages.
    pub(crate) index: usize,
    /// Whether the page may be written.
    pub(crate) writable: bool,
    pub(crate) to: Process,
}

/// A mapping that a thread has asked the kernel for, which calls the device's `mmap` to set it up.
struct Pending {
    /// The thread, by the address of its task.
    thread: usize,
    mapping: Arc<Mapping>,
    /// The offer that it takes up.
    offer: Option<Arc<Offer>>,
}

/// What the mutex protects.
struct Inner {
    /// How many requests are live or being set up: at most [`REQUESTS_LIMIT`].
    count: usize,
    /// There is room for as many as there may be, here and in `pending`.
    live: KVec<Request>,
    pending: KVec<Pending>,
    offers: KVec<Arc<Offer>>,
}

/// All requests, and the pages that they are for.
#[pin_data]
pub(crate) struct Requests {
    #[pin]
    inner: Mutex<Inner>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) counters: Counters,
}

impl Requests {
    /// None.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            inner <- new_mutex!(Inner {
                count: 0,
                live: KVec::with_capacity(REQUESTS_LIMIT as usize, GFP_KERNEL)?,
                pending: KVec::with_capacity(REQUESTS_LIMIT as usize, GFP_KERNEL)?,
                offers: KVec::new(),
            }, "memalloc_requests"),
            pool: Arc::pin_init(Pool::new(c"memalloc", PAGES_LIMIT as usize), GFP_KERNEL)?,
            counters: Counters::new(),
        }? Error)
    }

    /// Sets one request aside, if the limit allows it.
    pub(crate) fn reserve(&self) -> Option<Reservation<'_>> {
        let mut inner = self.inner.lock();
        if inner.count >= REQUESTS_LIMIT as usize {
            return None;
        }
        inner.count += 1;
        Some(Reservation { requests: self })
    }

    /// What the calling thread has asked for with [`Reservation::map`].
    fn take_pending(&self) -> Option<Pending> {
        let mut inner = self.inner.lock();
        let found = inner.pending.iter().position(|it| it.thread == this_thread())?;
        inner.pending.remove(found).ok()
    }

    /// Sets up what the calling thread has asked for: the kernel calls the device's `mmap` for it.
    /// `ENODEV` if the thread has asked for nothing.
    pub(crate) fn mmap(&self, vma: &VmaNew) -> Result {
        let Pending { mapping, offer, .. } = self.take_pending().ok_or(ENODEV)?;
        // Given back if the mapping does not come to be.
        let reservation = Reservation { requests: self };
        mapping.clone().attach(vma, |made| self.commit(reservation, mapping, offer, made))
    }

    /// A mapping is done: it is a live request from here on.
    ///
    /// `ENOENT` if the offer that it takes up is gone.
    fn commit(
        &self,
        reservation: Reservation<'_>,
        mapping: Arc<Mapping>,
        offer: Option<Arc<Offer>>,
        made: Tables,
    ) -> Result {
        let mut inner = self.inner.lock();
        if let Some(offer) = &offer {
            let found = inner.offers.iter().position(|it| Arc::ptr_eq(it, offer)).ok_or(ENOENT)?;
            inner.offers.remove(found).map_err(|_| ENOENT)?;
        }
        inner
            .live
            .push_within_capacity(Request { mapping, process: Process::current() })
            // Room for all that can be reserved was made at the start.
            .map_err(|_| ENOSPC)?;
        core::mem::forget(reservation);
        if offer.is_none() {
            self.counters.allocated(made);
        }
        Ok(())
    }

    /// Offers a page of a live request to a process, in place of what was offered to it before.
    ///
    /// `EINVAL` if the request has ended meanwhile.
    pub(crate) fn offer(&self, offer: Offer) -> Result {
        let offer = Arc::new(offer, GFP_KERNEL)?;
        let mut inner = self.inner.lock();
        if !inner.live.iter().any(|request| Arc::ptr_eq(&request.mapping, &offer.from)) {
            return Err(EINVAL);
        }
        inner.offers.retain(|it| it.to != offer.to && it.to.is_alive());
        Ok(inner.offers.push(offer, GFP_KERNEL)?)
    }

    /// What is offered to the calling process. It stays on offer until a request takes it up.
    pub(crate) fn offered(&self) -> Option<Arc<Offer>> {
        let process = Process::current();
        let inner = self.inner.lock();
        inner.offers.iter().find(|offer| offer.to == process).cloned()
    }
}

impl Inner {
    /// Pages that more than one process has mapped.
    fn shared_pages(&self) -> usize {
        let numbers = |request: &Request| request.mapping.pages().numbers().clone();
        // All but one of the requests that have a page have no other.
        let singles = self.live.iter().filter(|request| numbers(request).len() == 1);
        singles
            .clone()
            .enumerate()
            .filter(|(before, request)| {
                let page = numbers(request).start;
                let counted = singles.clone().take(*before).any(|it| numbers(it).start == page);
                let elsewhere =
                    |it: &Request| numbers(it).contains(&page) && it.process != request.process;
                !counted && self.live.iter().any(elsewhere)
            })
            .count()
    }
}

impl Owner for Requests {
    fn unmapped(&self, mapping: &Arc<Mapping>) {
        let mut inner = self.inner.lock();
        let Some(found) = inner.live.iter().position(|it| Arc::ptr_eq(&it.mapping, mapping)) else {
            return;
        };
        let request = inner.live.remove(found);
        inner.offers.retain(|offer| !Arc::ptr_eq(&offer.from, mapping));
        inner.count -= 1;
        // What it holds need not be given back under the lock.
        drop(inner);
        drop(request);
        self.counters.frees.add(1);
    }
}

impl Shows for Requests {
    const MODULE: &'static Module = &MODULE;

    fn counter(&self, name: &str) -> Option<u64> {
        Some(match name {
            "pages_limit" => PAGES_LIMIT,
            "requests_limit" => REQUESTS_LIMIT,
            "pages_mapped" => self.pool.used() as u64,
            "requests" => self.inner.lock().live.len() as u64,
            "offers" => self.inner.lock().offers.len() as u64,
            "shared_pages" => self.inner.lock().shared_pages() as u64,
            _ => return self.counters.get(name),
        })
    }
}

/// Room for one request, given back when this is dropped.
pub(crate) struct Reservation<'a> {
    requests: &'a Requests,
}

impl Reservation<'_> {
    /// Has the kernel map `mapping` by means of `file`, which must be one of the device; it becomes
    /// a request of the calling process, and takes up `offer`.
    ///
    /// Takes the mmap lock for writing.
    pub(crate) fn map(
        self,
        file: &File,
        mapping: &Arc<Mapping>,
        offer: Option<Arc<Offer>>,
    ) -> Result {
        let pending = Pending { thread: this_thread(), mapping: mapping.clone(), offer };
        let pushed = self.requests.inner.lock().pending.push_within_capacity(pending);
        // Room for all that can be reserved was made at the start.
        pushed.map_err(|_| ENOSPC)?;
        let result = mapping::map(file, mapping);
        if result.is_ok() || self.requests.take_pending().is_none() {
            // The device's `mmap` took it, and the reservation with it.
            core::mem::forget(self);
        }
        result
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.requests.inner.lock().count -= 1;
    }
}

/// Names the calling thread for as long as it is in this call.
fn this_thread() -> usize {
    Task::current_raw() as usize
}
