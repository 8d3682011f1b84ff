// SPDX-License-Identifier: GPL-2.0
//! The books of memalloc: which requests are live, what they hold, what is
//! offered to whom, and how much more may be handed out.
//!
//! Nothing here touches a page table. Lock order: the mmap lock of a process,
//! then the ledger's; so nobody who holds the ledger may touch user memory.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};

use crate::{
    counters::Counters,
    support::{
        mapping::{
            Mapping,
            Owner, //
        },
        page_table::Tables,
        process::Process, //
    },
    uapi::memalloc::{
        PAGES_LIMIT,
        REQUESTS_LIMIT, //
    }, //
};

/// Why a request can't be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// There would be more than [`PAGES_LIMIT`] pages.
    Pages,
    /// There would be more than [`REQUESTS_LIMIT`] requests.
    Requests,
}

/// How much is handed out: what lives, and what is just being mapped.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Usage {
    pages: u64,
    requests: u64,
}

impl Usage {
    /// With `pages` more pages in one more request.
    fn with(self, pages: u64) -> Result<Self, Refusal> {
        let pages = self.pages.saturating_add(pages);
        let requests = self.requests + 1;
        if pages > PAGES_LIMIT {
            Err(Refusal::Pages)
        } else if requests > REQUESTS_LIMIT {
            Err(Refusal::Requests)
        } else {
            Ok(Self { pages, requests })
        }
    }
}

/// A live request.
struct Request {
    mapping: Arc<Mapping>,
    /// The process that it was mapped into.
    process: Process,
    /// Indices of its pages that another request holds as well.
    shared: KVec<usize>,
}

/// A page offered to a process.
struct Offer {
    number: u64,
    from: Arc<Mapping>,
    index: usize,
    writable: bool,
    to: Process,
}

/// A page that the calling process may map now; see [`Ledger::offered`].
pub(crate) struct Offered {
    /// Names the offer.
    number: u64,
    /// The request that the page belongs to.
    pub(crate) from: Arc<Mapping>,
    /// Which of its pages.
    pub(crate) index: usize,
    /// Whether the page may be written.
    pub(crate) writable: bool,
}

/// A mapping that a thread has asked the kernel for, which calls the device's `mmap` to set it up.
struct Ticket {
    /// The thread, by the address of its task.
    thread: usize,
    mapping: Arc<Mapping>,
    /// Pages that are reserved for it; a request is reserved as well.
    pages: u64,
    /// The offer that it takes up.
    offer: Option<u64>,
}

struct Books {
    /// Live requests and reservations.
    usage: Usage,
    /// Pages that live requests hold.
    live_pages: u64,
    /// At most [`REQUESTS_LIMIT`], for which there is room from the start.
    requests: KVec<Request>,
    offers: KVec<Offer>,
    offers_made: u64,
    /// At most one for each reserved request, for which there is room from the start.
    tickets: KVec<Ticket>,
}

/// The books, and the counters that show what is in them.
#[pin_data]
pub(crate) struct Ledger {
    #[pin]
    books: Mutex<Books>,
    /// What the module shows.
    pub(crate) counters: Counters,
}

impl Ledger {
    /// Empty books.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            books <- new_mutex!(Books {
                usage: Usage::default(),
                live_pages: 0,
                requests: KVec::with_capacity(REQUESTS_LIMIT as usize, GFP_KERNEL)?,
                offers: KVec::new(),
                offers_made: 0,
                tickets: KVec::with_capacity(REQUESTS_LIMIT as usize, GFP_KERNEL)?,
            }, "memalloc_books"),
            counters: Counters::new(),
        }? Error)
    }

    /// Sets one request of `pages` pages aside, if the limits allow it.
    ///
    /// A page that another request holds already is not counted again, so a request for such a
    /// page reserves 0.
    pub(crate) fn reserve(&self, pages: u64) -> Result<Reservation<'_>, Refusal> {
        let mut books = self.books.lock();
        books.usage = books.usage.with(pages)?;
        Ok(Reservation {
            ledger: self,
            pages: Some(pages),
        })
    }

    /// What the calling thread has asked for and may set up now.
    pub(crate) fn take_ticket(&self) -> Option<Pending<'_>> {
        let thread = this_thread();
        let mut books = self.books.lock();
        let found = books.tickets.iter().position(|it| it.thread == thread)?;
        let ticket = books.tickets.remove(found).ok()?;
        Some(Pending {
            reservation: Reservation {
                ledger: self,
                pages: Some(ticket.pages),
            },
            mapping: ticket.mapping,
            offer: ticket.offer,
        })
    }

    /// Offers a page of a live request to a process, in place of what was offered to it before.
    ///
    /// `EINVAL` if the request has ended meanwhile.
    pub(crate) fn offer(
        &self,
        from: Arc<Mapping>,
        index: usize,
        writable: bool,
        to: Process,
    ) -> Result {
        let mut books = self.books.lock();
        if books.position(&from).is_none() {
            return Err(EINVAL);
        }
        books
            .offers
            .retain(|offer| offer.to != to && offer.to.is_alive());
        books.offers_made += 1;
        let number = books.offers_made;
        books.offers.push(
            Offer {
                number,
                from,
                index,
                writable,
                to,
            },
            GFP_KERNEL,
        )?;
        Ok(())
    }

    /// What is offered to the calling process. It stays on offer until a request takes it up.
    pub(crate) fn offered(&self) -> Option<Offered> {
        let process = Process::current();
        let books = self.books.lock();
        let offer = books.offers.iter().find(|offer| offer.to == process)?;
        Some(Offered {
            number: offer.number,
            from: offer.from.clone(),
            index: offer.index,
            writable: offer.writable,
        })
    }
}

impl Owner for Ledger {
    fn unmapped(&self, mapping: &Arc<Mapping>) {
        let mut books = self.books.lock();
        let Some(request) = books.close(mapping) else {
            return;
        };
        books.show(&self.counters);
        self.counters.frees.add(1);
        // Its memory need not be given back under the lock.
        drop(books);
        drop(request);
    }
}

impl Books {
    /// Where the request with this mapping stands.
    fn position(&self, mapping: &Arc<Mapping>) -> Option<usize> {
        self.requests
            .iter()
            .position(|request| Arc::ptr_eq(&request.mapping, mapping))
    }

    /// Makes what was being set up a live request, and takes up the offer that it is for.
    fn open(&mut self, pending: &Pending<'_>) -> Result {
        let mut shared = KVec::new();
        if let Some(number) = pending.offer {
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
                mapping: pending.mapping.clone(),
                process: Process::current(),
                shared,
            })
            // Room for all that can be reserved was made at the start.
            .map_err(|_| ENOSPC)?;
        self.live_pages += pending.reservation.pages.unwrap_or(0);
        Ok(())
    }

    /// Ends a request and all that is offered of it.
    fn close(&mut self, mapping: &Arc<Mapping>) -> Option<Request> {
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
    fn show(&self, counters: &Counters) {
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

/// Room for a request, given back when this is dropped.
pub(crate) struct Reservation<'a> {
    ledger: &'a Ledger,
    /// `None`: passed on.
    pages: Option<u64>,
}

impl<'a> Reservation<'a> {
    /// Lets the calling thread ask the kernel for `mapping`. The room is passed on.
    pub(crate) fn issue(
        mut self,
        mapping: Arc<Mapping>,
        offer: Option<&Offered>,
    ) -> Result<Issued<'a>> {
        let mut books = self.ledger.books.lock();
        books
            .tickets
            .push_within_capacity(Ticket {
                thread: this_thread(),
                mapping,
                pages: self.pages.unwrap_or(0),
                offer: offer.map(|offer| offer.number),
            })
            // Room for all that can be reserved was made at the start.
            .map_err(|_| ENOSPC)?;
        self.pages = None;
        Ok(Issued {
            ledger: self.ledger,
        })
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if let Some(pages) = self.pages {
            let mut books = self.ledger.books.lock();
            books.usage.pages -= pages;
            books.usage.requests -= 1;
        }
    }
}

/// The calling thread has a ticket, unless the device's `mmap` has taken it.
pub(crate) struct Issued<'a> {
    ledger: &'a Ledger,
}

impl Drop for Issued<'_> {
    fn drop(&mut self) {
        // Nobody came for it: give the room back.
        drop(self.ledger.take_ticket());
    }
}

/// A mapping that is being set up.
pub(crate) struct Pending<'a> {
    reservation: Reservation<'a>,
    /// What is being mapped.
    pub(crate) mapping: Arc<Mapping>,
    offer: Option<u64>,
}

impl Pending<'_> {
    /// The mapping is done: it is a live request from here on.
    ///
    /// `ENOENT` if the offer that it takes up is gone.
    pub(crate) fn commit(mut self, made: Tables) -> Result {
        let ledger = self.reservation.ledger;
        let mut books = ledger.books.lock();
        books.open(&self)?;
        self.reservation.pages = None;
        books.show(&ledger.counters);
        if self.offer.is_none() {
            ledger.counters.allocated(made);
        }
        Ok(())
    }
}

/// Names the calling thread for as long as it is in this call.
fn this_thread() -> usize {
    kernel::task::Task::current_raw() as usize
}

#[kunit_tests(memalloc_ledger)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_and_the_last_request_can_be_had() {
        let almost = Usage {
            pages: PAGES_LIMIT - 1,
            requests: REQUESTS_LIMIT - 1,
        };
        assert_eq!(
            almost.with(1),
            Ok(Usage {
                pages: PAGES_LIMIT,
                requests: REQUESTS_LIMIT
            })
        );
    }

    #[test]
    fn one_page_or_one_request_more_is_refused_for_its_own_reason() {
        let pages = Usage {
            pages: PAGES_LIMIT,
            requests: 1,
        };
        assert_eq!(pages.with(1), Err(Refusal::Pages));
        let requests = Usage {
            pages: 1,
            requests: REQUESTS_LIMIT,
        };
        assert_eq!(requests.with(1), Err(Refusal::Requests));
        assert_eq!(Usage::default().with(u64::MAX), Err(Refusal::Pages));
    }

    #[test]
    fn a_page_that_is_counted_already_needs_only_a_request() {
        let pages = Usage {
            pages: PAGES_LIMIT,
            requests: 1,
        };
        assert_eq!(
            pages.with(0),
            Ok(Usage {
                pages: PAGES_LIMIT,
                requests: 2
            })
        );
    }
}
