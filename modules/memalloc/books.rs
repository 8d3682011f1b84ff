// SPDX-License-Identifier: GPL-2.0
//! What is in the books: live requests, offers, and tickets for mappings that
//! are being set up.

use kernel::{
    prelude::*,
    sync::Arc, //
};

use crate::{
    counters::Counters,
    limits::Usage,
    support::{
        mapping::Mapping,
        process::Process, //
    },
    uapi::memalloc::REQUESTS_LIMIT, //
};

/// A live request.
pub(crate) struct Request {
    pub(crate) mapping: Arc<Mapping>,
    /// The process that it was mapped into.
    process: Process,
    /// Indices of its pages that another request holds as well.
    shared: KVec<usize>,
}

/// A page offered to a process.
pub(crate) struct Offer {
    pub(crate) number: u64,
    pub(crate) from: Arc<Mapping>,
    pub(crate) index: usize,
    pub(crate) writable: bool,
    pub(crate) to: Process,
}

/// A mapping that a thread has asked the kernel for, which calls the device's `mmap` to set it up.
pub(crate) struct Ticket {
    /// The thread, by the address of its task.
    pub(crate) thread: usize,
    pub(crate) mapping: Arc<Mapping>,
    /// Pages that are reserved for it; a request is reserved as well.
    pub(crate) pages: u64,
    /// The offer that it takes up.
    pub(crate) offer: Option<u64>,
}

pub(crate) struct Books {
    /// Live requests and reservations.
    pub(crate) usage: Usage,
    /// Pages that live requests hold.
    live_pages: u64,
    /// At most [`REQUESTS_LIMIT`], for which there is room from the start.
    requests: KVec<Request>,
    pub(crate) offers: KVec<Offer>,
    pub(crate) offers_made: u64,
    /// At most one for each reserved request, for which there is room from the start.
    pub(crate) tickets: KVec<Ticket>,
}

impl Books {
    /// Where the request with this mapping stands.
    pub(crate) fn position(&self, mapping: &Arc<Mapping>) -> Option<usize> {
        self.requests
            .iter()
            .position(|request| Arc::ptr_eq(&request.mapping, mapping))
    }

    /// Empty books, with room for all that the limits allow.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            usage: Usage::default(),
            live_pages: 0,
            requests: KVec::with_capacity(REQUESTS_LIMIT as usize, GFP_KERNEL)?,
            offers: KVec::new(),
            offers_made: 0,
            tickets: KVec::with_capacity(REQUESTS_LIMIT as usize, GFP_KERNEL)?,
        })
    }

    /// Makes a mapping of the calling process a live request that has `pages` pages more than
    /// were handed out before, and takes up the offer that it is for.
    pub(crate) fn open(
        &mut self,
        mapping: &Arc<Mapping>,
        pages: u64,
        offer: Option<u64>,
    ) -> Result {
        let mut shared = KVec::new();
        if let Some(number) = offer {
            let found = self
                .offers
                .iter()
                .position(|offer| offer.number == number)
                .ok_or(ENOENT)?;
            let (from, index) = {
                let offer = self.offers.get(found).ok_or(ENOENT)?;
                (offer.from.clone(), offer.index)
            };
            // An offer ends with its request, so the request is there.
            let owner = self.position(&from).ok_or(ENOENT)?;
            shared.push(0, GFP_KERNEL)?;
            if let Some(owner) = self.requests.get_mut(owner) {
                if !owner.shared.contains(&index) {
                    owner.shared.push(index, GFP_KERNEL)?;
                }
            }
            self.offers.remove(found).map_err(|_| ENOENT)?;
        }
        self.requests
            .push_within_capacity(Request {
                mapping: mapping.clone(),
                process: Process::current(),
                shared,
            })
            // Room for all that can be reserved was made at the start.
            .map_err(|_| ENOSPC)?;
        self.live_pages += pages;
        Ok(())
    }

    /// Ends a request and all that is offered of it.
    pub(crate) fn close(&mut self, mapping: &Arc<Mapping>) -> Option<Request> {
        let found = self.position(mapping)?;
        let request = self.requests.remove(found).ok()?;
        self.offers
            .retain(|offer| !Arc::ptr_eq(&offer.from, mapping));
        let mut held_by_others = 0;
        for &index in &request.shared {
            let same = |other: &Request, its: usize| {
                other.mapping.pages().same(its, mapping.pages(), index)
            };
            let holders = self.holders(mapping, index);
            if holders > 0 {
                held_by_others += 1;
            }
            if holders == 1 {
                // It is no longer shared.
                for other in self.requests.iter_mut() {
                    let kept = other.shared.iter().position(|its| same(other, *its));
                    if let Some(kept) = kept {
                        let _ = other.shared.remove(kept);
                    }
                }
            }
        }
        let gone = mapping.pages().len() as u64 - held_by_others;
        self.live_pages -= gone;
        self.usage.pages -= gone;
        self.usage.requests -= 1;
        Some(request)
    }

    /// How many requests hold the page at `index` of `mapping`, as far as they share it.
    fn holders(&self, mapping: &Mapping, index: usize) -> usize {
        self.requests
            .iter()
            .filter(|request| request.holds(mapping, index))
            .count()
    }

    /// Pages that more than one process has mapped.
    fn shared_pages(&self) -> u64 {
        let mut count = 0;
        for (position, request) in self.requests.iter().enumerate() {
            for &index in &request.shared {
                let holds = |other: &&Request| other.holds(&request.mapping, index);
                // Counted with the first of the requests that hold it.
                let first = !self.requests.iter().take(position).any(|it| holds(&it));
                let elsewhere = self
                    .requests
                    .iter()
                    .filter(holds)
                    .any(|other| other.process != request.process);
                if first && elsewhere {
                    count += 1;
                }
            }
        }
        count
    }

    /// Puts what is live now on show.
    pub(crate) fn show(&self, counters: &Counters) {
        counters.pages_mapped.set(self.live_pages);
        counters.requests.set(self.requests.len() as u64);
        counters.shared_pages.set(self.shared_pages());
    }
}

impl Request {
    /// Does it share the page at `index` of `mapping`?
    fn holds(&self, mapping: &Mapping, index: usize) -> bool {
        self.shared
            .iter()
            .any(|its| self.mapping.pages().same(*its, mapping.pages(), index))
    }
}
