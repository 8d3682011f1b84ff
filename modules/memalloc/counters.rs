// SPDX-License-Identifier: GPL-2.0
//! What memalloc shows of itself in `/sys/module/memalloc/counters/`.

use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

use crate::{
    support::page_table::Tables,
    uapi::memalloc::{
        PAGES_LIMIT,
        REQUESTS_LIMIT, //
    }, //
};

/// A number that anyone may read at any time.
pub(crate) struct Number(Atomic<u64>);

impl Number {
    const fn new() -> Self {
        Self(Atomic::new(0))
    }

    pub(crate) fn add(&self, more: u64) {
        self.0.add(more, Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// One number for each counter that the contract names; it says what they mean.
pub(crate) struct Counters {
    pub(crate) pages_mapped: Number,
    pub(crate) requests: Number,
    pub(crate) allocations: Number,
    pub(crate) frees: Number,
    pub(crate) refused_pages_limit: Number,
    pub(crate) refused_requests_limit: Number,
    pub(crate) refused_exists: Number,
    pub(crate) refused_invalid: Number,
    pub(crate) shared_pages: Number,
    tables_p4d: Number,
    tables_pud: Number,
    tables_pmd: Number,
    tables_pte: Number,
}

impl Counters {
    /// All 0.
    pub(crate) const fn new() -> Self {
        Self {
            pages_mapped: Number::new(),
            requests: Number::new(),
            allocations: Number::new(),
            frees: Number::new(),
            refused_pages_limit: Number::new(),
            refused_requests_limit: Number::new(),
            refused_exists: Number::new(),
            refused_invalid: Number::new(),
            shared_pages: Number::new(),
            tables_p4d: Number::new(),
            tables_pud: Number::new(),
            tables_pmd: Number::new(),
            tables_pte: Number::new(),
        }
    }

    /// An ALLOCATE succeeded, for which the kernel made these tables.
    pub(crate) fn allocated(&self, made: Tables) {
        self.allocations.add(1);
        self.tables_p4d.add(made.p4d.into());
        self.tables_pud.add(made.pud.into());
        self.tables_pmd.add(made.pmd.into());
        self.tables_pte.add(made.pte.into());
    }

    /// The counter of that name.
    pub(crate) fn get(&self, name: &str) -> Option<u64> {
        let number = match name {
            "pages_limit" => return Some(PAGES_LIMIT),
            "requests_limit" => return Some(REQUESTS_LIMIT),
            "pages_mapped" => &self.pages_mapped,
            "requests" => &self.requests,
            "allocations" => &self.allocations,
            "frees" => &self.frees,
            "refused_pages_limit" => &self.refused_pages_limit,
            "refused_requests_limit" => &self.refused_requests_limit,
            "refused_exists" => &self.refused_exists,
            "refused_invalid" => &self.refused_invalid,
            "shared_pages" => &self.shared_pages,
            "tables_p4d" => &self.tables_p4d,
            "tables_pud" => &self.tables_pud,
            "tables_pmd" => &self.tables_pmd,
            "tables_pte" => &self.tables_pte,
            _ => return None,
        };
        Some(number.get())
    }
}
