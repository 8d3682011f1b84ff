// SPDX-License-Identifier: MIT OR Apache-2.0
//! What view 1 remembers, and the cards it shows.

/// A module's card, and what it shows first.
pub(crate) struct Card {
    /// The module.
    pub module: &'static str,
    /// The counters that say most, the most telling first.
    pub counters: &'static [&'static str],
}

/// The cards, in their order on the screen.
pub(crate) const CARDS: &[Card] = &[
    Card { module: "my_name", counters: &["greetings"] },
    Card {
        module: "producer_consumer",

        counters: &["occupancy", "produced", "consumed", "producer_waits", "consumer_waits"],
    },
    Card {
        module: "memalloc",

        counters: &[
            "pages_mapped",
            "requests",
            "allocations",
            "frees",
            "shared_pages",
            "tables_pte",
        ],
    },
    Card {
        module: "kmod",

        counters: &["bytes_written", "bytes_read", "operations", "errors", "position"],
    },
];

/// What the view remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overview {
    /// The selected card.
    pub selected: usize,
}
