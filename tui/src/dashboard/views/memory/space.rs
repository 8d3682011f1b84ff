// SPDX-License-Identifier: MIT OR Apache-2.0
//! A subject's address space as rows: a heading for each mapping, rows of
//! pages below those that are memalloc's.

use super::page::{PAGE, is_ours, page_of};
use super::subject::Subject;

use super::page_table::{Verdict, verdict};
use crate::dashboard::core::Move;
use crate::kernel::api::Mapping;

/// Columns of a row before its pages: an address and a space.
pub const LABEL: u16 = 15;
/// Columns of the list of subjects, with its box.
pub const SUBJECTS: u16 = 24;

/// Pages in a row of a screen of this width: 8 to 128.
pub fn per_row(width: u16, zoom: bool) -> u64 {
    let list = if zoom { 0 } else { SUBJECTS };
    let room = width.saturating_sub(list + LABEL + 2);
    match room {
        128.. => 128,
        64.. => 64,
        32.. => 32,
        16.. => 16,
        _ => 8,
    }
}

/// A row of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row<'a> {
    /// A mapping's heading.
    Head(&'a Mapping),
    /// Pages of one of memalloc's mappings.
    Pages {
        /// The first one's address.
        first: u64,
        /// How many.
        count: u64,
        /// Can they be written, as the mapping says?
        write: bool,
    },
}

impl Row<'_> {
    /// The address range that a row stands for.
    fn range(&self) -> (u64, u64) {
        match self {
            Self::Head(mapping) => (mapping.start, mapping.end),
            Self::Pages { first, count, .. } => {
                (*first, first.saturating_add(count.saturating_mul(PAGE)))
            }
        }
    }

    /// Can the cursor stand on it? On memalloc's headings it can't: their pages follow.
    fn stop(&self) -> bool {
        match self {
            Self::Head(mapping) => !is_ours(mapping),
            Self::Pages { .. } => true,
        }
    }
}

/// The rows of an address space, by address.
pub fn rows(maps: &[Mapping], per_row: u64) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for mapping in maps {
        rows.push(Row::Head(mapping));
        if !is_ours(mapping) {
            continue;
        }
        let pages = mapping.end.saturating_sub(mapping.start) / PAGE;
        let write = mapping.permissions.as_bytes().get(1) == Some(&b'w');
        for at in (0..pages).step_by(per_row.max(1) as usize) {
            rows.push(Row::Pages {
                first: mapping.start + at * PAGE,
                count: per_row.min(pages - at),
                write,
            });
        }
    }
    rows
}

/// The row on which the cursor stands, if it stands on one.
pub fn row_of(rows: &[Row<'_>], cursor: u64) -> Option<usize> {
    rows.iter().position(|row| {
        let (start, end) = row.range();
        row.stop() && (start..end).contains(&cursor)
    })
}

/// Where the cursor goes.
pub(crate) fn moved(subject: &Subject, per_row: u64, cursor: u64, to: Move) -> Option<u64> {
    let all = rows(&subject.maps, per_row);
    let stops: Vec<(u64, u64)> = all
        .iter()
        .filter(|row| row.stop())
        .map(|row| match row {
            // A foreign mapping is one stop, whatever its size.
            Row::Head(mapping) => (mapping.start, 1),
            Row::Pages { first, count, .. } => (*first, *count),
        })
        .collect();
    let last = stops.len().checked_sub(1)?;
    let after = stops.partition_point(|(start, _)| *start <= cursor);
    let now = after.saturating_sub(1);
    let column = (page_of(cursor).saturating_sub(stops[now].0) / PAGE).min(stops[now].1 - 1);
    let at = |row: usize, column: u64| {
        let (start, count) = stops[row];
        start + column.min(count - 1) * PAGE
    };
    Some(match to {
        Move::Left if column > 0 => at(now, column - 1),
        Move::Left => at(now.saturating_sub(1), if now > 0 { u64::MAX } else { 0 }),
        Move::Right if column + 1 < stops[now].1 => at(now, column + 1),
        Move::Right if now < last => at(now + 1, 0),
        Move::Right => at(now, column),
        Move::Up => at(now.saturating_sub(1), column),
        Move::Down => at((now + 1).min(last), column),
        Move::PageUp => at(now.saturating_sub(8), column),
        Move::PageDown => at((now + 8).min(last), column),
        Move::Home => at(0, 0),
        Move::End => at(last, u64::MAX),
    })
}

/// What is known of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageState {
    /// It may be read.
    ReadOnly,
    /// It may be read and written.
    ReadWrite,
    /// It was written to: its entry is dirty.
    Written,
    /// It is offered to another process.
    Offered,
    /// Two processes map it.
    Shared,
    /// Nothing is mapped there, though the mapping covers it.
    Absent,
    /// Touching it killed the process.
    Fault,
}

impl PageState {
    /// All, in the order in which they are explained.
    pub const ALL: [Self; 7] = [
        Self::ReadOnly,
        Self::ReadWrite,
        Self::Written,
        Self::Offered,
        Self::Shared,
        Self::Absent,
        Self::Fault,
    ];

    pub fn letter(self) -> &'static str {
        match self {
            Self::ReadOnly => "r",
            Self::ReadWrite => "w",
            Self::Written => "W",
            Self::Offered => "O",
            Self::Shared => "S",
            Self::Absent => "-",
            Self::Fault => "X",
        }
    }

    /// One or two words.
    pub fn word(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::ReadWrite => "writable",
            Self::Written => "written",
            Self::Offered => "offered",
            Self::Shared => "shared",
            Self::Absent => "absent",
            Self::Fault => "fatal",
        }
    }
}

/// What is known of one page of a subject.
pub fn page_state(subject: &Subject, page: u64, write: bool) -> PageState {
    const DIRTY: u64 = 1 << 6;
    if subject.fault().is_some_and(|fault| page_of(fault.address) == page) {
        return PageState::Fault;
    }
    if subject.shared.contains(&page) {
        return PageState::Shared;
    }
    if subject.offered.contains_key(&page) {
        return PageState::Offered;
    }
    if let Some(walk) = subject.walks.get(&page) {
        match verdict(walk) {
            Some(Verdict::Unmapped { .. }) => return PageState::Absent,
            Some(Verdict::Mapped { .. }) => {
                let last = walk.depth.saturating_sub(1) as usize;
                if walk.entry.get(last).is_some_and(|entry| entry & DIRTY != 0) {
                    return PageState::Written;
                }
            }
            None => {}
        }
    }
    if write { PageState::ReadWrite } else { PageState::ReadOnly }
}
