// SPDX-License-Identifier: MIT OR Apache-2.0
//! What view 1 remembers, and the cards it shows.

use crate::dashboard::views::id::ViewId;

/// A module's card: which view belongs to it, and what it shows first.
pub struct Card {
    /// The module.
    pub module: &'static str,
    /// The view that drives it.
    pub view: ViewId,
    /// The counters that say most, the most telling first.
    pub counters: &'static [&'static str],
}

/// The cards, in their order on the screen.
pub const CARDS: &[Card] = &[
    Card { module: "my_name", view: ViewId::Name, counters: &["greetings"] },
    Card {
        module: "producer_consumer",
        view: ViewId::Producer,
        counters: &["occupancy", "produced", "consumed", "producer_waits", "consumer_waits"],
    },
    Card {
        module: "memalloc",
        view: ViewId::Memory,
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
        view: ViewId::Block,
        counters: &["bytes_written", "bytes_read", "operations", "errors", "position"],
    },
];

/// What the view remembers.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The selected card.
    pub selected: usize,
}
