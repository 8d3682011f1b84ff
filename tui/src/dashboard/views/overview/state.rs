// SPDX-License-Identifier: MIT OR Apache-2.0
//! What view 1 remembers, the cards it shows, and what it shows of the log.

use crate::dashboard::core::Shared;
use crate::dashboard::data::log::Row;

/// A module's card, and what it shows first.
pub(crate) struct Card {
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

/// Cards stand two in a row on narrow screens, all in one row on wide ones.
pub(crate) fn per_row(width: u16) -> usize {
    if width >= 150 { CARDS.len() } else { 2 }
}

/// The newest records at warning level or worse, newest first.
pub(crate) fn newest_warnings(shared: &Shared, count: usize) -> Vec<(u64, &Row)> {
    let end = shared.log_end();
    let urgent = |row: &Row| row.level <= 4;
    let visible = |number: &u64, row: &Row| row.block.is_none_or(|first| first == *number);
    shared
        .log
        .newest(end, 20_000, urgent)
        .filter(|(number, row)| visible(number, row))
        .take(count)
        .collect()
}

/// The newest record of a module.
pub(crate) fn last_line<'a>(shared: &'a Shared, module: &'a str) -> Option<&'a Row> {
    let end = shared.log_end();
    let log = &shared.log;
    let found = log.newest(end, 5000, move |row| log.source(row) == module).next();
    found.map(|(_, row)| row)
}
