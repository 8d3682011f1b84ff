// SPDX-License-Identifier: GPL-2.0
//! What memalloc has counted since it was loaded.

use kernel::sync::atomic::{Atomic, Relaxed};

use crate::support::page_table::Tables;

/// A number that only grows, and that anyone may read at any time.
pub(crate) struct Counter(Atomic<u64>);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.add(more, Relaxed);
    }
}

/// Makes the struct of these counters, named as in the contract, which says what they mean.
macro_rules! counters {
    ($($name:ident),+ $(,)?) => {
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter),+
        }

        impl Counters {
            /// All 0.
            pub(crate) const fn new() -> Self {
                Self { $($name: Counter(Atomic::new(0))),+ }
            }

            /// The counter of that name.
            pub(crate) fn get(&self, name: &str) -> Option<u64> {
                match name {
                    $(stringify!($name) => Some(self.$name.0.load(Relaxed)),)+
                    _ => None,
                }
            }
        }
    };
}

counters! {
    allocations,
    frees,
    refused_pages_limit,
    refused_requests_limit,
    refused_exists,
    refused_invalid,
    tables_p4d,
    tables_pud,
    tables_pmd,
    tables_pte,
}

impl Counters {
    /// An ALLOCATE succeeded, for which the kernel made these tables.
    pub(crate) fn allocated(&self, made: Tables) {
        self.allocations.add(1);
        self.tables_p4d.add(made.p4d.into());
        self.tables_pud.add(made.pud.into());
        self.tables_pmd.add(made.pmd.into());
        self.tables_pte.add(made.pte.into());
    }
}
