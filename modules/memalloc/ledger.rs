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
    books::{
        Books,
        Offer,
        Ticket, //
    },
    counters::Counters,
    limits::Refusal,
    support::{
        mapping::{
            Mapping,
            Owner, //
        },
        page_table::Tables,
        process::Process, //
    }, //
};

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
            books <- new_mutex!(Books::new()?, "memalloc_books"),
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
        let pages = self.reservation.pages.unwrap_or(0);
        books.open(&self.mapping, pages, self.offer)?;
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
